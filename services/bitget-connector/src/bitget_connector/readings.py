"""The data of an answer, shape by shape; what it does not say itself must stand in the context."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import orjson

from bitget_connector import prices, reads, translate
from bitget_connector.classic_frames import AccountInfo, PlanCanceled
from bitget_connector.facts import time_ms
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.memory import Memory
from bitget_connector.public_frames import Book, CandleRow, PublicTrade, ServerTime, Symbol, Ticker
from bitget_connector.replies import judged, parse
from bitget_connector.rows import OrderRow, PlanRow, PlanStatus, TradeRow
from common.codec import encode
from common.connector.ports import Rejected
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderSnapshot, OrderStatus
from common.tools.lines import Context, Line, answered, dumped, outcome_of, refused, told


class Payload(msgspec.Struct, frozen=True):
    """Bytes, what they hold as JSON, what somebody called them, and what is known beside them."""

    body: bytes
    value: Any
    kind: str
    context: Context

    @property
    def account_id(self) -> str:
        """Whose facts these are."""
        return self.context.whose

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


def failed(code: str, said: str, context: Context) -> Line:
    """A failing code by the allowlist."""
    return refused(judged(code, said), context, Exchange.BITGET)


def acknowledged(payload: Payload) -> Line:
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
    return told("accepted", (accepted(payload, order_id, client_oid),))


def accepted(payload: Payload, order_id: str, client_oid: str | None) -> OrderAccepted:
    """A placement that was taken."""
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


def batch(payload: Payload) -> Line:
    """A batch answers success whatever became of its rows: each row is told by itself."""
    good, bad = payload.value["successList"], payload.value.get("failureList", [])
    if not isinstance(good, list) or not isinstance(bad, list):
        raise UnreadableFrame("successList, failureList: lists are needed")
    canceling = "cancel" in payload.kind or payload.context.operation == "cancel"
    operation: Literal["submit", "cancel"] = "cancel" if canceling else "submit"
    parts = [acknowledged(payload.within(row)) for row in good if isinstance(row, dict) and "orderId" in row]
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


def replaced(payload: Payload) -> Line:
    """A cancel with a new order in its place."""
    if payload.value["success"] == "success":
        return acknowledged(payload)
    # The old order may be gone while the new one failed.
    return {**told("partial", ()), "outcome": outcome_of("partial", "failure", None, "after_query")}


def plan_canceled(payload: Payload) -> Line:
    """The cancel of a plan."""
    if parse(payload.body, PlanCanceled).result.lower() == "success":
        return {**told("accepted", ()), "ignored": "a plan was cancelled: a push tells it"}
    line = refused(Rejected(ErrorCategory.NOT_FOUND, "failure", "it may have fired"), payload.context, Exchange.BITGET)
    return {**line, "facts": []}


def order(payload: Payload) -> Line:
    """One order."""
    words = words_of(payload.value)
    row = words.read_order(payload.body)
    return told("read", () if row is None else (snapshot(payload, row),))


def orders(payload: Payload) -> Line:
    """Orders of a Classic account."""
    return told("read", [snapshot(payload, row) for row in CLASSIC.read_orders(payload.body).rows])


def snapshot(payload: Payload, row: OrderRow) -> OrderSnapshot:
    """An order under its name."""
    name = payload.names.name_of(payload.account_id, row.order_id, row.client_oid) or row.client_oid
    return translate.snapshot(row, name, payload.account_id, payload.now_ms)


def plans(payload: Payload, rows: Sequence[PlanRow]) -> Line:
    """Waiting or over as it stands; one that fired is told as fired, for what it spawned is another row."""
    facts = [
        (translate.plan_fact if row.status is PlanStatus.FIRED else translate.plan_snapshot)(
            row, payload.account_id, payload.now_ms
        )
        for row in rows
    ]
    return told("read", facts)


def paged(payload: Payload) -> Line:
    """The lists of unified accounts."""
    rows = payload.value["list"]
    first = rows[0] if isinstance(rows, list) and rows else {}
    if not isinstance(first, dict):
        raise UnreadableFrame("list: objects are needed")
    if "execId" in first:
        return told("read", trade_facts(payload, UNIFIED.read_trades(payload.body).rows))
    if "orderStatus" in first:
        return told("read", [snapshot(payload, row) for row in UNIFIED.read_orders(payload.body).rows])
    return plans(payload, UNIFIED.read_plans(payload.body).rows)


def trade_facts(payload: Payload, rows: Sequence[TradeRow]) -> list[Any]:
    """Trades under the names of their orders."""
    names = payload.names
    return [
        translate.trade_fact(
            row, payload.account_id, payload.now_ms, name=names.order_name(payload.account_id, row.order_id)
        )
        for row in rows
    ]


def balances(payload: Payload) -> Line:
    """Balances."""
    rows = (UNIFIED if "assets" in payload.value else CLASSIC).read_balances(payload.body)
    return told("read", (translate.balances(rows, payload.account_id, payload.now_ms, payload.now_ms),))


def instruments(payload: Payload) -> Line:
    """Symbols and their rules."""
    found = prices.instruments(parse(payload.body, list[Symbol]))
    return {**told("read", ()), "facts": [{"type": "instrument", **orjson.loads(encode(each))} for each in found]}


def tickers(payload: Payload) -> Line:
    """Tickers."""
    return told("read", [prices.ticker(row, payload.now_ms) for row in parse(payload.body, list[Ticker])])


def candles(payload: Payload) -> Line:
    """Candles."""
    context = payload.context
    rows = parse(payload.body, list[CandleRow])
    if context.symbol is None or context.interval is None:
        return needs("candles do not say whose they are: give context.symbol and context.interval")
    return told("read", prices.candles(rows, context.symbol, context.interval, payload.now_ms))


def depth(payload: Payload) -> Line:
    """A whole book."""
    body = parse(payload.body, Book)
    if payload.context.symbol is None:
        return needs("a book does not say whose it is: give context.symbol")
    return told("read", (prices.depth(body, payload.context.symbol, payload.now_ms),))


def public_trades(payload: Payload) -> Line:
    """Public trades."""
    rows = parse(payload.body, list[PublicTrade])
    symbols = [row.get("symbol") for row in payload.value]
    if not all(isinstance(symbol, str) for symbol in symbols):
        return needs("public trades of a socket do not say whose they are: give the whole frame")
    facts = [prices.public_trade(row, symbol, payload.now_ms) for row, symbol in zip(rows, symbols, strict=True)]
    return told("read", list(reversed(facts)))


def needs(reason: str) -> Line:
    """What is missing."""
    return {**told("read", ()), "ignored": reason}


def key(payload: Payload) -> Line:
    """What a key may do."""
    return answered("key_check", (reads.key_of(parse(payload.body, AccountInfo)),))


def time(payload: Payload) -> Line:
    """The exchange's clock."""
    server_ms = time_ms(parse(payload.body, ServerTime).server_time, "serverTime")
    return answered("server_time", ({"server_time_ms": server_ms},))


def words_of(row: dict[str, Any]) -> Family:
    """The family a row is of."""
    return UNIFIED if "orderStatus" in row else CLASSIC
