"""The translator tools behind `cgt translate gateio` and `cgt preview gateio`: JSON lines in, JSON lines out.

`kind` (`rest.order.open`, `ws_orders_put`) is only a hint: of a row that may be an answer to several requests it says
which. Garbage gives an `error`, never an exception. Without `context.ts_init_ms` facts carry 0 as our own time, so
that the same bytes always give the same answer.
"""

import base64
import binascii
from typing import Any

import msgspec
import orjson

from common.connector.ports import Reply
from common.errors import Refused, UnreadableFrame
from gateio_connector.explain import answer
from gateio_connector.lines import Context, Line, Payload, dumped, failure, refused
from gateio_connector.preview import preview_line
from gateio_connector.replies import refusal

_SUCCESS = frozenset({None, 200, 201})


class LineHead(msgspec.Struct, frozen=True):
    """What a line to translate may say; `raw` is text, or JSON that is parsed already."""

    kind: str = ""
    raw: Any = None
    raw_base64: str | None = None
    http_status: int | None = None
    context: Context = Context()
    account_id: str | None = None


class GateioTools:
    """Registered under the entry point group `cgt.exchanges`."""

    def translate(self, line: Line) -> Line:
        """One line of `cgt translate`."""
        try:
            return _translated(msgspec.convert(line, LineHead, strict=False))
        except msgspec.ValidationError as error:
            return failure(f"the line: {error}")
        except UnreadableFrame as error:
            return failure(error.reason)
        except RecursionError:
            return failure("raw: nested too deeply")

    def preview(self, line: Line) -> Line:
        """One line of `cgt preview`."""
        try:
            return preview_line(line)
        except Refused as error:
            return {"error": str(error), "field": error.field, "rule": error.rule, "fix": error.fix}


def _translated(head: LineHead) -> Line:
    body = _bytes(head)
    context = msgspec.structs.replace(head.context, account_id=head.account_id or head.context.account_id or "unknown")
    if head.http_status not in _SUCCESS:
        outcome = refusal(Reply(status=head.http_status or 0, headers=context.headers, body=body))
        assert outcome is not None, "only 200 and 201 are successes"
        return refused(outcome, context)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return failure("raw: not JSON")
    return answer(Payload(body, value, context))


def _bytes(head: LineHead) -> bytes:
    if head.raw_base64 is not None:
        try:
            return base64.b64decode(head.raw_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            raise UnreadableFrame("raw_base64: not base64") from error
    if isinstance(head.raw, str):
        return head.raw.encode("utf-8", "surrogatepass")
    if head.raw is None:
        raise UnreadableFrame("raw or raw_base64: one of them must be given")
    return dumped(head.raw)


tools = GateioTools()
