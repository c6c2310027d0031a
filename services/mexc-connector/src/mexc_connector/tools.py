"""What `cgt translate mexc` and `cgt preview mexc` do with a line.

`kind` (`rest.order_get`, `ws.private_deals`) is not needed: MEXC's payloads say what they are. Binary pushes come as
`raw_base64`.
"""

import orjson

from common.connector.ports import Reply
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.tools.lines import Context, Line, LineHead, refused
from common.tools.translator import ExchangeTools
from mexc_connector import replies
from mexc_connector.explain import explain, explain_push, explain_text
from mexc_connector.lines import Payload
from mexc_connector.preview import PREVIEW

_JSON_STARTS = b'{["'


def _translated(head: LineHead) -> Line:
    body, context = head.body, head.context_of_line
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
        return refused(outcome, context, Exchange.MEXC)
    text = body.decode("utf-8", "replace")
    if body.isascii() and text.isprintable():
        return explain_text(text)
    if body[:1] and body[:1] in _JSON_STARTS:
        raise UnreadableFrame("raw: not JSON")
    return explain_push(body, context)


tools = ExchangeTools(_translated, PREVIEW)
