"""What `cgt translate binance` and `cgt preview binance` do with a line.

`kind` is only a hint: Binance's payloads say what they are, so a line is read by what it holds. The README lists the
answers.
"""

import orjson

from binance_connector.explain import answer
from binance_connector.lines import Payload
from binance_connector.preview import PREVIEW
from binance_connector.replies import refusal
from common.connector.ports import Reply
from common.exchanges import Exchange
from common.tools.lines import Line, LineHead, failure, refused
from common.tools.translator import ExchangeTools


def _translated(head: LineHead) -> Line:
    body, context, status = head.body, head.context_of_line, head.http_status
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
        if status is None or status == 200:
            return failure("raw: not JSON")
    payload = Payload(body, value, context, status)
    if status is not None and status != 200 and not payload.is_replace_failure:
        outcome = refusal(Reply(status=status, headers=context.headers, body=body))
        assert outcome is not None, "only status 200 is a success"
        return refused(outcome, context, Exchange.BINANCE)
    return answer(payload)


tools = ExchangeTools(_translated, PREVIEW)
