"""Any payload of Bitget to facts: told apart by its own keys, and by `kind` where two answers look alike."""

from collections.abc import Callable, Sequence
from typing import Any

from bitget_connector import prices, readings
from bitget_connector.facts import time_ms
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.public_frames import SocketFrame
from bitget_connector.replies import parse
from bitget_connector.rows import OrderRow, TradeRow
from bitget_connector.translate import balances, order_fields, plan_fact, standing, trade_fact
from common.connector.ports import Rejected
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderSnapshot
from common.tools.lines import Line, ignored, refused, told


def answer(payload: readings.Payload) -> Line:
    """The facts of a payload. Raises UnreadableFrame."""
    value = payload.value
    if not isinstance(value, dict):
        raise UnreadableFrame("raw: an envelope, a frame or a request is an object")
    if "http_status" in value and "body" in value:
        return answer(payload.within(value["body"]))
    if "op" in value and "args" in value:
        return ignored("a request of a socket, not an answer")
    if "event" in value:
        return _event(payload)
    if "arg" in value:
        return _push(payload)
    if "code" in value:
        code = str(value["code"])
        if code != "00000":
            return readings.failed(code, str(value.get("msg") or value.get("message") or ""), payload.context)
        return _data(payload.within(value.get("data")))
    if "side" in value and ("category" in value or "orderType" in value):
        return ignored("a request, not an answer")
    return _data(payload)


def _event(payload: readings.Payload) -> Line:
    frame = parse(payload.body, SocketFrame)
    if frame.event == "error":
        code = str(frame.code)
        category = ErrorCategory.RATE_LIMITED if code in {"30006", "30007"} else ErrorCategory.BAD_REQUEST
        if code in {"30005", "30011", "30012", "30015"}:
            category = ErrorCategory.AUTH
        elif code in {"30013", "30014"}:
            category = ErrorCategory.CLOCK
        return refused(Rejected(category, code, frame.msg or ""), payload.context, Exchange.BITGET)
    if frame.event in {"login", "subscribe", "unsubscribe"}:
        return ignored(f"the answer to {frame.event}: it says only that it arrived")
    raise UnreadableFrame(f"event: {frame.event!r} is not documented")


def _push(payload: readings.Payload) -> Line:
    frame = parse(payload.body, SocketFrame)
    if frame.arg is None:
        raise UnreadableFrame("arg: a push names its channel")
    words: Family = UNIFIED if frame.arg.topic is not None else CLASSIC
    channel, rows = frame.arg.channel or frame.arg.topic or "", bytes(frame.data)
    account_id, now_ms = payload.account_id, payload.now_ms
    if channel in {"orders", "order"}:
        return _orders_pushed(payload, words.pushed_orders(rows))
    if channel in {"orders-algo", "strategy-order"}:
        return told("event", [plan_fact(row, account_id, now_ms) for row in words.pushed_plans(rows)])
    if channel == "fill":
        return told("event", readings.trade_facts(payload, words.pushed_trades(rows)))
    if channel == "account":
        ts_ms = time_ms(frame.ts, "ts") if frame.ts not in (None, "") else now_ms
        return told("event", (balances(words.pushed_balances(rows), account_id, ts_ms, now_ms),))
    facts = prices.pushed(frame.arg, frame.action, rows, now_ms)
    if facts is None:
        return ignored(f"a market channel we have no use for: {channel}")
    return told("market", facts)


def _orders_pushed(payload: readings.Payload, rows: Sequence[tuple[OrderRow, TradeRow | None]]) -> Line:
    facts: list[Any] = []
    memory, account_id, now_ms = payload.names, payload.account_id, payload.now_ms
    for row, trade in rows:
        name = memory.name_of(account_id, row.order_id, row.client_oid) or row.client_oid
        if trade is not None:
            facts.append(trade_fact(trade, account_id, now_ms, row, name))
        state = standing(row, name, account_id, now_ms)
        if state is not None:
            facts.append(state)
        elif trade is None:
            facts.append(OrderSnapshot(**order_fields(row, name, account_id, now_ms)))
    return told("event", facts)


def _data(payload: readings.Payload) -> Line:
    """The data of an envelope, by its keys; of a list by those of its first row."""
    value = payload.value
    if isinstance(value, dict):
        for keys, explain in _OBJECTS:
            if keys <= value.keys():
                return explain(payload)
    if isinstance(value, list):
        if not value:
            return told("read", ())
        if isinstance(value[0], list):
            return readings.candles(payload)
        if isinstance(value[0], dict):
            for keys, explain in _ROWS:
                if keys <= value[0].keys():
                    return explain(payload)
    if value is None:
        return ignored("an empty answer: it says only that it arrived")
    raise UnreadableFrame("data: a shape that is not documented")


_Explain = Callable[[readings.Payload], Line]
_OBJECTS: tuple[tuple[frozenset[str], _Explain], ...] = (
    (frozenset({"serverTime"}), readings.time),
    (frozenset({"authorities"}), readings.key),
    (frozenset({"orderList"}), lambda p: readings.plans(p, CLASSIC.read_plans(p.body).rows)),
    (frozenset({"successList"}), readings.batch),
    (frozenset({"success", "orderId"}), readings.replaced),
    (frozenset({"result"}), readings.plan_canceled),
    (frozenset({"list"}), readings.paged),
    (frozenset({"assets"}), readings.balances),
    (frozenset({"asks", "bids"}), readings.depth),
    (frozenset({"makerFeeRate"}), lambda _: ignored("fee rates: fees are taken from the fills themselves")),
    (frozenset({"orderId", "side"}), readings.order),
    (frozenset({"orderId"}), readings.acknowledged),
    (frozenset({"symbol"}), lambda _: ignored("a cancel of all that has begun: pushes tell each order's end")),
)
"""The first shape whose keys are all there; the order matters where one shape's keys hold another's."""

_ROWS: tuple[tuple[frozenset[str], _Explain], ...] = (
    (frozenset({"coinId"}), lambda _: ignored("coins and their chains: nothing is ever withdrawn")),
    (frozenset({"baseCoin", "pricePrecision"}), readings.instruments),
    (frozenset({"lastPr"}), readings.tickers),
    (
        frozenset({"tradeId", "orderId"}),
        lambda p: told("read", readings.trade_facts(p, CLASSIC.read_trades(p.body).rows)),
    ),
    (frozenset({"tradeId", "price"}), readings.public_trades),
    (frozenset({"coin", "available"}), readings.balances),
    (frozenset({"orderId", "type", "status", "side"}), lambda p: readings.plans(p, UNIFIED.read_plans(p.body).rows)),
    (frozenset({"orderId", "side"}), readings.orders),
    (
        frozenset({"orderId", "type"}),
        lambda _: ignored("the ids of what a plan spawned: the connector reads those orders themselves"),
    ),
    (frozenset({"orderId"}), lambda _: ignored("results of a cancel of all: pushes tell each order's end")),
)
