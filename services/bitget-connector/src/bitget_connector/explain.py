"""Any payload of Bitget to facts: told apart by its own keys, and by `kind` where two answers look alike."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import orjson

from bitget_connector import prices, reads
from bitget_connector.classic_frames import AccountInfo, PlanCanceled
from bitget_connector.facts import time_ms
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.lines import Context, Line, dumped, ignored, outcome_of, refused, told
from bitget_connector.memory import Memory
from bitget_connector.public_frames import Book, CandleRow, PublicTrade, ServerTime, SocketFrame, Symbol, Ticker
from bitget_connector.replies import judged, parse
from bitget_connector.rows import OrderRow, PlanRow, PlanStatus, TradeRow
from bitget_connector.translate import balances, order_fields, plan_fact, plan_snapshot, snapshot, standing, trade_fact
from common.codec import encode
from common.connector.ports import Rejected
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderSnapshot, OrderStatus


class Payload(msgspec.Struct, frozen=True):
    """Bytes, what they hold as JSON, what somebody called them, and what is known beside them."""

    body: bytes
    value: Any
    kind: str
    context: Context

    @property
    def account_id(self) -> str:
        """Whose facts these are."""
        return self.context.account_id or "unknown"

    @property
    def now_ms(self) -> int:
        """Our own time of the facts."""
        return self.context.ts_init_ms

    @property
    def names(self) -> Memory:
        """The names that the context knows."""
        memory = Memory()
        for exchange_id, client_oid in self.context.client_order_ids.items():
            memory.remember_plan(self.account_id, exchange_id, client_oid)
            memory.remember_order(self.account_id, exchange_id, client_oid)
        return memory

    def within(self, value: Any) -> "Payload":
        """A part of this payload."""
        return Payload(dumped(value), value, self.kind, self.context)


def answer(payload: Payload) -> Line:
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
            return failed(code, str(value.get("msg") or value.get("message") or ""), payload.context)
        return _data(payload.within(value.get("data")))
    if "side" in value and ("category" in value or "orderType" in value):
        return ignored("a request, not an answer")
    return _data(payload)


def failed(code: str, said: str, context: Context) -> Line:
    """A failing code by the allowlist."""
    return refused(judged(code, said), context)


def _event(payload: Payload) -> Line:
    frame = parse(payload.body, SocketFrame)
    if frame.event == "error":
        code = str(frame.code)
        category = ErrorCategory.RATE_LIMITED if code in {"30006", "30007"} else ErrorCategory.BAD_REQUEST
        if code in {"30005", "30011", "30012", "30015"}:
            category = ErrorCategory.AUTH
        elif code in {"30013", "30014"}:
            category = ErrorCategory.CLOCK
        return refused(Rejected(category, code, frame.msg or ""), payload.context)
    if frame.event in {"login", "subscribe", "unsubscribe"}:
        return ignored(f"the answer to {frame.event}: it says only that it arrived")
    raise UnreadableFrame(f"event: {frame.event!r} is not documented")


def _push(payload: Payload) -> Line:
    frame = parse(payload.body, SocketFrame)
    assert frame.arg is not None, "a push has its arg"
    words: Family = UNIFIED if frame.arg.topic is not None else CLASSIC
    channel, rows = frame.arg.channel or frame.arg.topic or "", bytes(frame.data)
    account_id, now_ms = payload.account_id, payload.now_ms
    if channel in {"orders", "order"}:
        return _orders_pushed(payload, words.pushed_orders(rows))
    if channel in {"orders-algo", "strategy-order"}:
        return told("event", [plan_fact(row, account_id, now_ms) for row in words.pushed_plans(rows)])
    if channel == "fill":
        return told("event", _trade_facts(payload, words.pushed_trades(rows)))
    if channel == "account":
        ts_ms = time_ms(frame.ts, "ts") if frame.ts not in (None, "") else now_ms
        return told("event", (balances(words.pushed_balances(rows), account_id, ts_ms, now_ms),))
    facts = prices.pushed(frame.arg, frame.action, rows, now_ms)
    if facts is None:
        return ignored(f"a market channel we have no use for: {channel}")
    return told("market", facts)


def _orders_pushed(payload: Payload, rows: Sequence[tuple[OrderRow, TradeRow | None]]) -> Line:
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


def _data(payload: Payload) -> Line:
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
            return _candles(payload)
        if isinstance(value[0], dict):
            for keys, explain in _ROWS:
                if keys <= value[0].keys():
                    return explain(payload)
    if value is None:
        return ignored("an empty answer: it says only that it arrived")
    raise UnreadableFrame("data: a shape that is not documented")


def _acknowledged(payload: Payload) -> Line:
    """Placements, changes and cancels of one order all answer with its two ids."""
    context, kind = payload.context, payload.kind
    if "cancel" in kind or context.operation == "cancel":
        return {**told("accepted", ()), "ignored": "a cancel that was taken: the order's end is told by a push"}
    if "modify" in kind:
        return {**told("accepted", ()), "ignored": "a change that was taken: we change nothing, so it was by hand"}
    order_id, client_oid = payload.value["orderId"], payload.value.get("clientOid")
    if not isinstance(order_id, str) or not isinstance(client_oid, str | None):
        raise UnreadableFrame("orderId, clientOid: texts are needed")
    if context.symbol is None:
        why = "an acknowledgement does not say of what: give context.symbol"
        return {**told("accepted", ()), "ignored": why}
    return told("accepted", (_accepted(payload, order_id, client_oid),))


def _accepted(payload: Payload, order_id: str, client_oid: str | None) -> OrderAccepted:
    return OrderAccepted(
        account_id=payload.account_id,
        exchange=Exchange.BITGET,
        symbol=payload.context.symbol or "",
        client_order_id=client_oid or payload.context.client_order_id,
        exchange_order_id=order_id,
        status=OrderStatus.NEW,
        ts_event_ms=payload.now_ms,
        ts_init_ms=payload.now_ms,
    )


def _batch(payload: Payload) -> Line:
    """A batch answers success whatever became of its rows: each row is told by itself."""
    good, bad = payload.value["successList"], payload.value.get("failureList", [])
    if not isinstance(good, list) or not isinstance(bad, list):
        raise UnreadableFrame("successList, failureList: lists are needed")
    canceling = "cancel" in payload.kind or payload.context.operation == "cancel"
    operation: Literal["submit", "cancel"] = "cancel" if canceling else "submit"
    parts = [_acknowledged(payload.within(row)) for row in good if isinstance(row, dict) and "orderId" in row]
    for row in bad:
        if not isinstance(row, dict):
            raise UnreadableFrame("failureList: objects are needed")
        client_oid = row.get("clientOid") if isinstance(row.get("clientOid"), str) else None
        context = msgspec.structs.replace(payload.context, client_order_id=client_oid, operation=operation)
        parts.append(failed(str(row.get("errorCode") or "no-code"), str(row.get("errorMsg") or ""), context))
    line: Line = {"facts": [fact for part in parts for fact in part["facts"]], "outcome": outcome_of("partial")}
    line["outcomes"] = [part["outcome"] for part in parts]
    if not bad:
        line["outcome"] = outcome_of("accepted")
    return line


def _replaced(payload: Payload) -> Line:
    if payload.value["success"] == "success":
        return _acknowledged(payload)
    # The old order may be gone while the new one failed.
    return {**told("partial", ()), "outcome": outcome_of("partial", "failure", None, "after_query")}


def _plan_canceled(payload: Payload) -> Line:
    if parse(payload.body, PlanCanceled).result.lower() == "success":
        return {**told("accepted", ()), "ignored": "a plan was cancelled: a push tells it"}
    line = refused(Rejected(ErrorCategory.NOT_FOUND, "failure", "it may have fired"), payload.context)
    return {**line, "facts": []}


def _order(payload: Payload) -> Line:
    words = _words_of(payload.value)
    row = words.read_order(payload.body)
    return told("read", () if row is None else (_snapshot(payload, row),))


def _orders(payload: Payload) -> Line:
    return told("read", [_snapshot(payload, row) for row in CLASSIC.read_orders(payload.body).rows])


def _snapshot(payload: Payload, row: OrderRow) -> OrderSnapshot:
    name = payload.names.name_of(payload.account_id, row.order_id, row.client_oid) or row.client_oid
    return snapshot(row, name, payload.account_id, payload.now_ms)


def _plans(payload: Payload, rows: Sequence[PlanRow]) -> Line:
    """Waiting or over as it stands; one that fired is told as fired, for what it spawned is another row."""
    facts = [
        (plan_fact if row.status is PlanStatus.FIRED else plan_snapshot)(row, payload.account_id, payload.now_ms)
        for row in rows
    ]
    return told("read", facts)


def _paged(payload: Payload) -> Line:
    """The lists of unified accounts."""
    rows = payload.value["list"]
    first = rows[0] if isinstance(rows, list) and rows else {}
    if not isinstance(first, dict):
        raise UnreadableFrame("list: objects are needed")
    if "execId" in first:
        return told("read", _trade_facts(payload, UNIFIED.read_trades(payload.body).rows))
    if "orderStatus" in first:
        return told("read", [_snapshot(payload, row) for row in UNIFIED.read_orders(payload.body).rows])
    return _plans(payload, UNIFIED.read_plans(payload.body).rows)


def _trade_facts(payload: Payload, rows: Sequence[TradeRow]) -> list[Any]:
    names = payload.names
    return [
        trade_fact(row, payload.account_id, payload.now_ms, name=names.order_name(payload.account_id, row.order_id))
        for row in rows
    ]


def _balances(payload: Payload) -> Line:
    rows = (UNIFIED if "assets" in payload.value else CLASSIC).read_balances(payload.body)
    return told("read", (balances(rows, payload.account_id, payload.now_ms, payload.now_ms),))


def _instruments(payload: Payload) -> Line:
    found = prices.instruments(parse(payload.body, list[Symbol]))
    return {**told("read", ()), "facts": [{"type": "instrument", **orjson.loads(encode(each))} for each in found]}


def _tickers(payload: Payload) -> Line:
    return told("read", [prices.ticker(row, payload.now_ms) for row in parse(payload.body, list[Ticker])])


def _candles(payload: Payload) -> Line:
    context = payload.context
    rows = parse(payload.body, list[CandleRow])
    if context.symbol is None or context.interval is None:
        return _needs("candles do not say whose they are: give context.symbol and context.interval")
    return told("read", prices.candles(rows, context.symbol, context.interval, payload.now_ms))


def _depth(payload: Payload) -> Line:
    body = parse(payload.body, Book)
    if payload.context.symbol is None:
        return _needs("a book does not say whose it is: give context.symbol")
    return told("read", (prices.depth(body, payload.context.symbol, payload.now_ms),))


def _public_trades(payload: Payload) -> Line:
    rows = parse(payload.body, list[PublicTrade])
    symbols = [row.get("symbol") for row in payload.value]
    if not all(isinstance(symbol, str) for symbol in symbols):
        return _needs("public trades of a socket do not say whose they are: give the whole frame")
    facts = [prices.public_trade(row, symbol, payload.now_ms) for row, symbol in zip(rows, symbols, strict=True)]
    return told("read", list(reversed(facts)))


def _needs(reason: str) -> Line:
    return {**told("read", ()), "ignored": reason}


def _key(payload: Payload) -> Line:
    check = reads.key_of(parse(payload.body, AccountInfo))
    return {**told("read", ()), "facts": [{"type": "key_check", **orjson.loads(encode(check))}]}


def _time(payload: Payload) -> Line:
    server_ms = time_ms(parse(payload.body, ServerTime).server_time, "serverTime")
    return {**told("read", ()), "facts": [{"type": "server_time", "server_time_ms": server_ms}]}


def _words_of(row: dict[str, Any]) -> Family:
    return UNIFIED if "orderStatus" in row else CLASSIC


_Explain = Callable[[Payload], Line]
_OBJECTS: tuple[tuple[frozenset[str], _Explain], ...] = (
    (frozenset({"serverTime"}), _time),
    (frozenset({"authorities"}), _key),
    (frozenset({"orderList"}), lambda p: _plans(p, CLASSIC.read_plans(p.body).rows)),
    (frozenset({"successList"}), _batch),
    (frozenset({"success", "orderId"}), _replaced),
    (frozenset({"result"}), _plan_canceled),
    (frozenset({"list"}), _paged),
    (frozenset({"assets"}), _balances),
    (frozenset({"asks", "bids"}), _depth),
    (frozenset({"makerFeeRate"}), lambda _: ignored("fee rates: fees are taken from the fills themselves")),
    (frozenset({"orderId", "side"}), _order),
    (frozenset({"orderId"}), _acknowledged),
    (frozenset({"symbol"}), lambda _: ignored("a cancel of all that has begun: pushes tell each order's end")),
)
"""The first shape whose keys are all there; the order matters where one shape's keys hold another's."""

_ROWS: tuple[tuple[frozenset[str], _Explain], ...] = (
    (frozenset({"coinId"}), lambda _: ignored("coins and their chains: nothing is ever withdrawn")),
    (frozenset({"baseCoin", "pricePrecision"}), _instruments),
    (frozenset({"lastPr"}), _tickers),
    (frozenset({"tradeId", "orderId"}), lambda p: told("read", _trade_facts(p, CLASSIC.read_trades(p.body).rows))),
    (frozenset({"tradeId", "price"}), _public_trades),
    (frozenset({"coin", "available"}), _balances),
    (frozenset({"orderId", "type", "status", "side"}), lambda p: _plans(p, UNIFIED.read_plans(p.body).rows)),
    (frozenset({"orderId", "side"}), _orders),
    (
        frozenset({"orderId", "type"}),
        lambda _: ignored("the ids of what a plan spawned: the connector reads those orders themselves"),
    ),
    (frozenset({"orderId"}), lambda _: ignored("results of a cancel of all: pushes tell each order's end")),
)
