"""The translator tools behind `cgt translate binance` and `cgt preview binance`: JSON lines in, JSON lines out.

`kind` is only a hint: Binance's payloads say what they are, so a line is read by what it holds. The README lists the
answers. Garbage gives an `error`, never an exception. Without `context.ts_init_ms` facts carry 0 as our own time, so
that the same bytes always give the same answer.
"""

import base64
import binascii
from typing import Any

import msgspec
import orjson

from binance_connector.explain import answer
from binance_connector.lines import Context, Line, Payload, dumped, failure, refused
from binance_connector.preview import preview_line
from binance_connector.replies import refusal
from common.connector.ports import Reply
from common.errors import Refused, UnreadableFrame


class LineHead(msgspec.Struct, frozen=True):
    """What a line to translate may say; `raw` is text, or JSON that is parsed already."""

    kind: str = ""
    raw: Any = None
    raw_base64: str | None = None
    http_status: int | None = None
    context: Context = Context()
    account_id: str | None = None


class BinanceTools:
    """Registered under the entry point group `cgt.exchanges`."""

    def translate(self, line: Line) -> Line:
        """One line of `cgt translate`."""
        try:
            head = msgspec.convert(line, LineHead, strict=False)
            return _translated(head)
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
    status = head.http_status
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
        if status is None or status == 200:
            return failure("raw: not JSON")
    payload = Payload(body, value, context, status)
    if status is not None and status != 200 and not payload.is_replace_failure:
        reply = Reply(status=status, headers=context.headers, body=body)
        outcome = refusal(reply)
        assert outcome is not None, "only status 200 is a success"
        return refused(outcome, context)
    return answer(payload)


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


tools = BinanceTools()
