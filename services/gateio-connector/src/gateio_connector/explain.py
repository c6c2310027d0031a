"""Reads a payload by what it holds: pushes by their channel, replies by the keys of their rows."""

from collections.abc import Callable
from typing import Any, Final

from common.connector.bodies import parse
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.tools.lines import Line, answered, dumped, ignored, outcome_of, refused, told
from gateio_connector import price_orders, prices, reads, symbols
from gateio_connector.frames import (
    AccountDetail,
    BalanceRow,
    BookRow,
    OrderRow,
    PairOrders,
    PairRow,
    PriceOrderPush,
    PriceOrderRow,
    PublicTradeRow,
    ServerTime,
    TickerRow,
    TradeRow,
    WsFrame,
)
from gateio_connector.lines import Payload
from gateio_connector.names import exchange_id_of
from gateio_connector.replies import ErrorBody, judged
from gateio_connector.stream import AUTHENTICATION, balances_of_pushes

_WS_ORDERS: Final = frozenset({"spot.orders", "spot.orders_v2"})
_WS_TRADES: Final = frozenset({"spot.usertrades", "spot.usertrades_v2"})


def answer(payload: Payload) -> Line:
    """What the payload says. Raises UnreadableFrame."""
    value = payload.value
    if isinstance(value, dict):
        return _object(payload, value)
    if isinstance(value, list):
        return _rows(payload, value)
    raise UnreadableFrame("raw: an object or a list is needed")


def _object(payload: Payload, value: dict[str, Any]) -> Line:
    keys = value.keys()
    if "channel" in keys:
        return _frame(payload, value)
    if "header" in keys and "data" in keys:
        return _socket_api(payload, value)
    for needed, read in _OBJECTS:
        if needed <= keys:
            return read(payload)
    raise UnreadableFrame("raw: none of the shapes we know")


def _rows(payload: Payload, value: list[Any]) -> Line:
    if not value:
        return told("read", ())
    first = value[0]
    if isinstance(first, list):
        return _candles(payload)
    if not isinstance(first, dict):
        raise UnreadableFrame("raw: a list of objects is needed")
    for needed, read in _LISTS:
        if needed <= first.keys():
            return read(payload)
    raise UnreadableFrame("raw: none of the lists we know")


# --- pushes ---------------------------------------------------------------------------------------------------------


def _frame(payload: Payload, value: dict[str, Any]) -> Line:
    if "payload" in value and "result" not in value and "error" not in value:
        return ignored("a frame of ours")
    frame, reader = parse(payload.body, WsFrame), payload.reader
    if frame.error is not None:
        category = ErrorCategory.AUTH if frame.error.code == AUTHENTICATION else ErrorCategory.BAD_REQUEST
        outcome = outcome_of("rejected", f"ws-{frame.error.code}", category, "never")
        return {**ignored(frame.error.message.strip()), "outcome": outcome}
    if frame.event in {"subscribe", "unsubscribe"}:
        return ignored("the answer to a subscription")
    body = bytes(frame.result)
    if frame.channel in _WS_ORDERS:
        facts = [fact for row in parse(body, list[OrderRow]) for fact in reader.pushed(row)]
        return told("event", facts) if facts else ignored("an update for trades: spot.usertrades tells them")
    if frame.channel in _WS_TRADES:
        return told("event", (reader.trade(row) for row in parse(body, list[TradeRow])))
    if frame.channel == "spot.balances":
        return told("event", (balances_of_pushes(body, reader.account_id, reader.now_ms),))
    if frame.channel == "spot.priceorders":
        push = parse(body, PriceOrderPush)
        line = ignored("it has no status: the price order is read again")
        return {**line, "exchange_order_id": exchange_id_of(push.id)}
    market = prices.pushed(frame, reader.now_ms)
    return ignored("keeps the socket, or ends it") if market is None else told("event", market)


def _socket_api(payload: Payload, value: dict[str, Any]) -> Line:
    if value.get("ack") is True:
        return ignored("an acknowledgement repeats the request, and does not mean accepted")
    data = value["data"]
    if isinstance(data, dict) and isinstance(data.get("errs"), dict):
        return refused(judged(parse(dumped(data["errs"]), ErrorBody)), payload.context, Exchange.GATEIO)
    result = data.get("result") if isinstance(data, dict) else None
    if isinstance(result, dict) and "currency_pair" in result:
        return told("accepted", payload.reader.placed(parse(dumped(result), OrderRow)))
    return ignored("the answer of an order socket, which this connector does not use")


# --- replies --------------------------------------------------------------------------------------------------------


def _error(payload: Payload) -> Line:
    return refused(judged(parse(payload.body, ErrorBody)), payload.context, Exchange.GATEIO)


def _order(payload: Payload) -> Line:
    row = parse(payload.body, OrderRow)
    if row.status is None:
        return ignored("action_mode=ACK tells an id and nothing else")
    kind = "read" if payload.context.operation == "query" else "accepted"
    reader = payload.reader
    facts = {"cancel": reader.ended, "submit": reader.placed}.get(payload.context.operation)
    return told(kind, (reader.snapshot(row),) if facts is None else facts(row))


def _orders(payload: Payload) -> Line:
    rows = parse(payload.body, list[OrderRow])
    if all(row.succeeded is None for row in rows):
        return told("read", (payload.reader.snapshot(row) for row in rows))
    done = [row for row in rows if row.succeeded and row.status is not None]
    line = told("accepted", (fact for row in done for fact in payload.reader.ended(row)))
    failed = [row for row in rows if row.succeeded is False]
    if failed:
        line["outcome"]["kind"] = "partial"
        line["failed"] = [{"label": row.label, "message": row.message, "text": row.text} for row in failed]
    return line


def _cancelled(payload: Payload) -> Line:
    return ignored("a batch of cancels names orders and no states: each is told by its push")


def _price_order(payload: Payload) -> Line:
    return told("read", _price_order_facts(parse(payload.body, PriceOrderRow), payload))


def _price_orders(payload: Payload) -> Line:
    rows = parse(payload.body, list[PriceOrderRow])
    return told("read", (fact for row in rows for fact in _price_order_facts(row, payload)))


def _price_order_facts(row: PriceOrderRow, payload: Payload) -> tuple[Any, ...]:
    name = payload.context.client_order_id
    if row.status == price_orders.FIRED:
        return (price_orders.triggered(row, payload.reader, name),)
    return price_orders.ended(row, payload.reader, name)


def _candles(payload: Payload) -> Line:
    context = payload.context
    if context.symbol is None or context.interval is None:
        return ignored("candles do not say whose they are: give context.symbol and context.interval")
    rows = parse(payload.body, list[prices.CandleRow])
    return told("read", prices.candles(rows, context.symbol, context.interval, context.ts_init_ms))


def _book(payload: Payload) -> Line:
    if payload.context.symbol is None:
        return ignored("a book does not say whose it is: give context.symbol")
    return told("read", (prices.depth(parse(payload.body, BookRow), payload.context.symbol, payload.reader.now_ms),))


def _pairs(payload: Payload) -> Line:
    return answered("instrument", symbols.instruments_of(parse(payload.body, list[PairRow])))


def _detail(payload: Payload) -> Line:
    problem = reads.key_of(parse(payload.body, AccountDetail))
    if problem is None:
        return ignored("a classic account: what the key may do is tried, not told")
    return answered("key_check", (problem,))


def _time(payload: Payload) -> Line:
    server_time_ms = parse(payload.body, ServerTime).server_time
    return answered("server_time", ({"server_time_ms": server_time_ms},))


def _unused(reason: str) -> Callable[[Payload], Line]:
    return lambda payload: ignored(reason)


_OBJECTS: Final[tuple[tuple[frozenset[str], Callable[[Payload], Line]], ...]] = (
    (frozenset({"label"}), _error),
    (frozenset({"trigger", "put"}), _price_order),
    (frozenset({"id", "id_string"}), _unused("a created price order tells its number and nothing else")),
    (frozenset({"id", "text"}), _order),
    (frozenset({"asks", "bids"}), _book),
    (frozenset({"server_time"}), _time),
    (frozenset({"user_id", "key"}), _detail),
    (frozenset({"taker_fee"}), _unused("fee rates: fees are taken from the trades themselves")),
    (frozenset({"triggerTime"}), _unused("the dead-man switch is not used: protection must outlive us")),
    (frozenset({"tx_id"}), _unused("a transfer: balances tell what it did")),
    (frozenset({"BTC_USDT"}), _unused("fee rates: fees are taken from the trades themselves")),
)
"""The first shape whose keys are all there; the order matters where one shape's keys hold another's."""

_LISTS: Final[tuple[tuple[frozenset[str], Callable[[Payload], Line]], ...]] = (
    (frozenset({"trigger", "put"}), _price_orders),
    (
        frozenset({"currency_pair", "orders"}),
        lambda p: told("read", (p.reader.snapshot(o) for e in parse(p.body, list[PairOrders]) for o in e.orders)),
    ),
    (
        frozenset({"order_id", "role"}),
        lambda p: told("read", (p.reader.trade(row) for row in parse(p.body, list[TradeRow]))),
    ),
    (frozenset({"id", "status"}), _orders),
    (frozenset({"id", "succeeded"}), _cancelled),
    (
        frozenset({"currency", "available"}),
        lambda p: told(
            "read", (reads.balances_of(parse(p.body, list[BalanceRow]), p.reader.account_id, p.reader.now_ms),)
        ),
    ),
    (frozenset({"amount_precision"}), _pairs),
    (
        frozenset({"currency_pair", "last"}),
        lambda p: told("read", prices.tickers(parse(p.body, list[TickerRow]), p.reader.now_ms)),
    ),
    (
        frozenset({"sequence_id", "side"}),
        lambda p: told(
            "read", (prices.public_trade(row, p.reader.now_ms) for row in parse(p.body, list[PublicTradeRow]))
        ),
    ),
    (frozenset({"change", "balance"}), _unused("the account's book: balances are read as they are")),
    (frozenset({"currency", "chains"}), _unused("currencies: what trades stands in currency_pairs")),
)
