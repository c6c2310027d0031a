"""Any payload of Binance to facts, told apart by its own keys: bytes whose request nobody remembers."""

from collections.abc import Callable
from typing import Any

import msgspec

from binance_connector import prices, readings, replies
from binance_connector.frames import (
    USER_EVENT_NAMES,
    CancelReplaceBody,
    ErrorBody,
    EventStreamTerminated,
    ExecutionReport,
    ListStatusEvent,
    OrderBody,
    ServerShutdown,
    WsApiFrame,
)
from binance_connector.lines import Payload
from binance_connector.order_socket import as_reply
from binance_connector.read_frames import (
    MarketFrame,
)
from binance_connector.translate import balance_fact, list_fact, order_fact, user_event
from common.connector.bodies import parse
from common.connector.ports import Rejected, Reply
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.tools.lines import Line, dumped, ignored, joined, outcome_of, refused, retry_of, told


def answer(payload: Payload) -> Line:
    """The facts of a payload that was no failure by its HTTP status. Raises UnreadableFrame."""
    value = payload.value
    if isinstance(value, list):
        return _many(payload, value)
    if not isinstance(value, dict):
        raise UnreadableFrame("raw: neither an object nor a list")
    if not value:
        return ignored("an empty answer (ping, a test order, unsubscribing): it says only that it arrived")
    for keys, explain in _SHAPES:
        if keys <= value.keys():
            return explain(payload)
    for key, reason in _UNUSED.items():
        if key in value:
            return ignored(reason)
    raise UnreadableFrame("raw: a shape that is not documented")


def _many(payload: Payload, items: list[Any]) -> Line:
    if items and all(isinstance(item, list) for item in items):
        return readings.candles(payload)
    return joined(answer(payload.within(bytes(raw))) for raw in parse(payload.body, list[msgspec.Raw]))


def _request(payload: Payload) -> Line:
    return ignored("a request, not an answer")


def _event(payload: Payload) -> Line:
    name = payload.value["e"]
    reader = payload.reader
    if not isinstance(name, str):
        raise UnreadableFrame("e: the type of an event is a text")
    if name not in USER_EVENT_NAMES:
        return _market(payload)
    match user_event(payload.body):
        case ExecutionReport() as report:
            return told("event", (order_fact(report, reader.account_id, reader.now_ms),))
        case ListStatusEvent() as status:
            return told("event", (list_fact(status, reader.account_id, reader.now_ms),))
        case EventStreamTerminated():
            return ignored("the subscription ended: the stream subscribes again")
        case ServerShutdown():
            return ignored("the exchange announced a restart: the stream connects anew")
        case balance:
            return told("event", (balance_fact(balance, reader.account_id, reader.now_ms),))


def _market(payload: Payload) -> Line:
    frame = parse(payload.body, MarketFrame)
    fact = prices.market_fact(payload.body, frame, payload.context.symbol, payload.context.ts_init_ms)
    return ignored(f"market data we have no use for: {frame.e}") if fact is None else told("market", (fact,))


def _wrapped_event(payload: Payload) -> Line:
    inner = payload.value["event"]
    if not isinstance(inner, dict) or not isinstance(inner.get("e"), str):
        raise UnreadableFrame("event: an object with a type is needed")
    return _event(payload.within(dumped(inner)))


def _wrapped_data(payload: Payload) -> Line:
    stream = payload.value["stream"]
    if not isinstance(stream, str):
        raise UnreadableFrame("stream: a name is needed")
    context = msgspec.structs.replace(payload.context, symbol=prices.symbol_of_stream(stream))
    inner = payload.within(bytes(parse(payload.body, MarketFrame).data))
    return answer(msgspec.structs.replace(inner, context=context))


def _ws_answer(payload: Payload) -> Line:
    frame = parse(payload.body, WsApiFrame)
    if frame.status is None:
        raise UnreadableFrame("status: a number is needed")
    reply = as_reply(frame)
    part = payload.within(reply.body, reply.status)
    if reply.status == 200 or part.is_replace_failure:
        return answer(part)
    outcome = replies.refusal(reply)
    assert outcome is not None, "only status 200 is a success"
    return refused(outcome, payload.context, Exchange.BINANCE)


def _error(payload: Payload) -> Line:
    if payload.is_replace_failure:
        return _replace_failure(payload)
    error = parse(payload.body, ErrorBody)
    if error.code > 0:
        # The market streams answer a bad control frame with small positive codes.
        return refused(
            Rejected(ErrorCategory.BAD_REQUEST, str(error.code), error.msg), payload.context, Exchange.BINANCE
        )
    reply = Reply(status=payload.status or 0, headers=payload.context.headers, body=payload.body)
    return refused(replies.judged(error, reply), payload.context, Exchange.BINANCE)


def _recorded(payload: Payload) -> Line:
    """A reply as recordings keep it: its body beside its status, which is null where nobody noted it."""
    status = payload.value["http_status"]
    if status is not None and (isinstance(status, bool) or not isinstance(status, int)):
        raise UnreadableFrame("http_status: a number or null is needed")
    part = payload.within(dumped(payload.value["body"]), status)
    if status is None or status == 200 or part.is_replace_failure:
        return answer(part)
    outcome = replies.refusal(Reply(status=status, headers=payload.context.headers, body=part.body))
    assert outcome is not None, "only status 200 is a success"
    return refused(outcome, payload.context, Exchange.BINANCE)


def _replace_failure(payload: Payload) -> Line:
    data = dumped(payload.value["data"])
    body = parse(data, CancelReplaceBody)
    line = told("rejected", replies.replaced(body, payload.reader))
    partial = payload.value["code"] == replies.PARTIAL_REPLACE
    failed = body.new_order_response if body.new_order_result == "FAILURE" else body.cancel_response
    error = parse(bytes(failed), ErrorBody)
    judged = replies.judged(error, Reply(status=payload.status or 400, body=bytes(failed)))
    category = judged.category if isinstance(judged, Rejected) else None
    retry = retry_of(judged) if isinstance(judged, Rejected) else "after_query"
    return {
        **line,
        "outcome": {
            **outcome_of("partial" if partial else "rejected", str(payload.value["code"]), category, retry),
            "cancel_result": body.cancel_result,
            "new_order_result": body.new_order_result,
        },
    }


def _replaced(payload: Payload) -> Line:
    return told("accepted", replies.replaced(parse(payload.body, CancelReplaceBody), payload.reader))


_SHAPES: tuple[tuple[frozenset[str], Callable[[Payload], Line]], ...] = (
    (frozenset({"method"}), _request),
    (frozenset({"event"}), _wrapped_event),
    (frozenset({"stream", "data"}), _wrapped_data),
    (frozenset({"e"}), _event),
    (frozenset({"id", "status"}), _ws_answer),
    (frozenset({"id", "result"}), lambda _: ignored("the answer to a control frame")),
    (frozenset({"http_status", "body"}), _recorded),
    (frozenset({"code", "msg"}), _error),
    (frozenset({"cancelResult", "newOrderResult"}), _replaced),
    (frozenset({"amendedOrder"}), lambda p: told("accepted", replies.amended(p.body, p.reader))),
    (frozenset({"contingencyType"}), readings.order_list),
    (
        frozenset({"orderId", "newQty"}),
        lambda _: ignored("the history of an amend: the order itself says its quantity"),
    ),
    (frozenset({"orderId", "isBuyer"}), readings.trade),
    (
        frozenset({"orderId", "origClientOrderId"}),
        lambda p: told("accepted", p.reader.canceled(parse(p.body, OrderBody))),
    ),
    (frozenset({"orderId", "updateTime"}), lambda p: told("read", (p.reader.snapshot(parse(p.body, OrderBody)),))),
    (frozenset({"orderId", "transactTime"}), lambda p: told("accepted", p.reader.placed(parse(p.body, OrderBody)))),
    (frozenset({"symbols", "rateLimits"}), readings.exchange_info),
    (frozenset({"balances"}), readings.account),
    (frozenset({"enableReading"}), readings.restrictions),
    (
        frozenset({"authorizedSince"}),
        lambda _: ignored("the state of a session: every request is signed by itself"),
    ),
    (frozenset({"serverTime"}), readings.server_time),
    (frozenset({"lastUpdateId", "bids"}), readings.depth),
    (frozenset({"id", "isBuyerMaker"}), readings.public_trade),
    (frozenset({"u", "b", "B", "a", "A"}), _market),
    (frozenset({"symbol", "lastPrice"}), readings.ticker),
    (frozenset({"symbol", "bidPrice"}), readings.ticker),
    (frozenset({"symbol", "price"}), readings.ticker),
)
"""The first shape whose keys are all there; the order matters where one shape's keys hold another's."""

_UNUSED = {
    "mins": "the average price: we protect by the last one",
    "standardCommission": "commission rates: fees are taken from the fills themselves",
    "standardCommissionForOrder": "commission rates: fees are taken from the fills themselves",
    "symbolRules": "execution rules: an order they end says so itself",
    "symbolFilters": "the account's own filters: those of the symbol stand in exchangeInfo",
    "referencePrice": "the reference price: only filters use it",
    "rateLimitType": "a count of orders: the limits stand in exchangeInfo, the counts in headers",
    "subscriptionId": "the answer to a subscription",
}
