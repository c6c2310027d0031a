"""The translator tools behind `cgt translate mexc` and `cgt preview mexc`: JSON lines in, JSON lines out.

`kind` is only a hint (`rest.order_get`, `rest_order_get`, `ws.private_deals`): MEXC's payloads say what they are.
Binary pushes come as `raw_base64`. Garbage gives an `error`, never an exception. Without `context.ts_init_ms` facts
carry 0 as our own time, so that the same bytes always give the same answer.
"""

import base64
import binascii
from typing import Any

import msgspec
import orjson

from common.connector.ports import Reply
from common.errors import Refused, UnreadableFrame
from mexc_connector import replies
from mexc_connector.explain import explain, explain_push, explain_text
from mexc_connector.lines import Context, Line, Payload, dumped, failure, refused
from mexc_connector.preview import preview_line

_JSON_STARTS = b'{["'


class LineHead(msgspec.Struct, frozen=True):
    """What a line to translate may say; `raw` is text, or JSON that is parsed already."""

    kind: str = ""
    raw: Any = None
    raw_base64: str | None = None
    http_status: int | None = None
    context: Context = Context()
    account_id: str | None = None


class MexcTools:
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
    account_id = head.account_id or head.context.account_id or "unknown"
    context = msgspec.structs.replace(head.context, account_id=account_id)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _not_json(body, head.http_status, context)
    return explain(Payload(body, value, context, head.http_status))


def _not_json(body: bytes, status: int | None, context: Context) -> Line:
    """A binary push, a text frame, or what a proxy wrote under a failing status."""
    if status is not None and status != 200:
        outcome = replies.refusal(Reply(status=status, headers=context.headers, body=body))
        assert outcome is not None, "only status 200 is a success"
        return refused(outcome, context)
    text = body.decode("utf-8", "replace")
    if body.isascii() and text.isprintable():
        return explain_text(text)
    if body[:1] and body[:1] in _JSON_STARTS:
        raise UnreadableFrame("raw: not JSON")
    return explain_push(body, context)


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


tools = MexcTools()
