"""What `cgt translate bitget` and `cgt preview bitget` do with a line.

Payloads say mostly themselves what they are; `kind` (`rest.place_order`, `ws.orders`, `uta.ws.strategy_order`, with
dots or underscores) decides where two answers look alike.
"""

import orjson

from bitget_connector.explain import answer
from bitget_connector.preview import PREVIEW
from bitget_connector.readings import Payload
from bitget_connector.replies import data_of
from common.connector.ports import Rejected, Reply, Unknown
from common.exchanges import Exchange
from common.tools.lines import Line, LineHead, failure, ignored, refused
from common.tools.translator import ExchangeTools


def _translated(head: LineHead) -> Line:
    body, context = head.body, head.context_of_line
    if body in (b"ping", b"pong"):
        return ignored("a ping or its answer")
    if head.http_status is not None and head.http_status != 200:
        outcome = data_of(Reply(status=head.http_status, headers=context.headers, body=body))
        assert isinstance(outcome, Rejected | Unknown), "only status 200 is a success"
        return refused(outcome, context, Exchange.BITGET)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return failure("raw: not JSON")
    return answer(Payload(body, value, head.kind.replace("_", "."), context))


tools = ExchangeTools(_translated, PREVIEW)
