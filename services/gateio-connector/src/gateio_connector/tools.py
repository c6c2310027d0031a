"""What `cgt translate gateio` and `cgt preview gateio` do with a line.

`kind` (`rest.order.open`, `ws_orders_put`) is not needed: a payload is read by what it holds.
"""

import orjson

from common.connector.ports import Reply
from common.exchanges import Exchange
from common.tools.lines import Line, LineHead, failure, refused
from common.tools.translator import ExchangeTools
from gateio_connector.explain import answer
from gateio_connector.lines import Payload
from gateio_connector.preview import PREVIEW
from gateio_connector.replies import refusal

_SUCCESS = frozenset({None, 200, 201})


def _translated(head: LineHead) -> Line:
    body, context = head.body, head.context_of_line
    if head.http_status not in _SUCCESS:
        outcome = refusal(Reply(status=head.http_status or 0, headers=context.headers, body=body))
        assert outcome is not None, "only 200 and 201 are successes"
        return refused(outcome, context, Exchange.GATEIO)
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return failure("raw: not JSON")
    return answer(Payload(body, value, context))


tools = ExchangeTools(_translated, PREVIEW)
