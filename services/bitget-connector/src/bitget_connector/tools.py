"""The translator tools behind `cgt translate bitget` and `cgt preview bitget`: JSON lines in, JSON lines out.

Payloads say mostly themselves what they are; `kind` (`rest.place_order`, `ws.orders`, `uta.ws.strategy_order`, with
dots or underscores) decides where two answers look alike. Garbage gives an `error`, never an exception. Without
`context.ts_init_ms` facts carry 0 as our own time, so that the same bytes always give the same answer.
"""

import base64
import binascii
from typing import Any

import msgspec
import orjson

from bitget_connector.explain import answer
from bitget_connector.lines import Context, Line, dumped, failure, ignored, refused
from bitget_connector.preview import preview_line
from bitget_connector.readings import Payload
from bitget_connector.replies import data_of
from common.connector.ports import Rejected, Reply, Unknown
from common.errors import Refused, UnreadableFrame


class LineHead(msgspec.Struct, frozen=True):
    """What a line to translate may say; `raw` is text, or JSON that is parsed already."""

    kind: str = ""
    raw: Any = None
    raw_base64: str | None = None
    http_status: int | None = None
    context: Context = Context()
    account_id: str | None = None


class BitgetTools:
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
    if body in (b"ping", b"pong"):
        return ignored("a ping or its answer")
    if head.http_status is not None and head.http_status != 200:
        outcome = data_of(Reply(status=head.http_status, headers=context.headers, body=body))
        assert isinstance(outcome, Rejected | Unknown), "only status 200 is a success"
        return refused(outcome, context)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return failure("raw: not JSON")
    return answer(Payload(body, value, head.kind.replace("_", "."), context))


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


tools = BitgetTools()
