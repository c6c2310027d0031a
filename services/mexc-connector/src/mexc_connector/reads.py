"""Questions with the reading of their answers: pure calls, each a request and a function over the reply."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from common.accounts import BalanceChanged
from common.connector.bodies import parse
from common.connector.ports import (
    Call,
    HttpRequest,
    KeyCheck,
    OrderAbsent,
    OrderAnswer,
    OrderFound,
    OrderRef,
    Rejected,
    Reply,
    Unknown,
)
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderFilled, OrderSnapshot
from mexc_connector import queries
from mexc_connector.bodies import Reader
from mexc_connector.frames import AccountBody, ApiKeyBody, OrderBody, TradeBody
from mexc_connector.replies import read_of
from mexc_connector.told import ToldTrades

T = TypeVar("T")

_EMPTY = frozenset({b"", b"{}"})
_MAY_TRADE = "SPOT_DEAL_WRITE"
_MAY_READ = ("SPOT_ACCOUNT_READ", "SPOT_ACCOUNT_R")


def simple(request: HttpRequest, value: Callable[[bytes, int], T]) -> Call[T | Rejected | Unknown]:
    """A call whose answer is one value of its body."""
    return Call(request, lambda reply, now_ms: read_of(reply, lambda body: value(body, now_ms)))


def order(ref: OrderRef) -> Call[OrderAnswer]:
    """By the exchange's id where it is known, else by ours. An empty answer means the same as "unknown order"."""
    request = queries.order(ref.symbol, client_order_id=ref.client_order_id, exchange_order_id=ref.exchange_order_id)

    def read(reply: Reply, now_ms: int) -> OrderAnswer:
        if reply.status == 200 and reply.body.strip() in _EMPTY:
            return OrderAbsent("empty")
        reader = Reader(ref.account_id, now_ms)
        answer = read_of(reply, lambda body: reader.snapshot(parse(body, OrderBody)))
        if isinstance(answer, Rejected) and answer.category is ErrorCategory.NOT_FOUND:
            return OrderAbsent(answer.code)
        if isinstance(answer, Rejected | Unknown):
            return answer
        # The name it was found by is its name, also where the answer leaves it empty.
        own_id = ref.client_order_id or answer.client_order_id
        return OrderFound(msgspec.structs.replace(answer, client_order_id=own_id))

    return Call(request, read)


def open_orders(account_id: str, symbol: str | None) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
    """Snapshots of all open orders; those placed by hand in the web interface have types that are not ours."""

    def value(body: bytes, now_ms: int) -> tuple[OrderSnapshot, ...]:
        reader = Reader(account_id, now_ms)
        return tuple(reader.snapshot(each) for each in parse(body, list[OrderBody]))

    return simple(queries.open_orders(symbol), value)


TradesAnswer = tuple[OrderFilled, ...] | Rejected | Unknown
Span = tuple[int | None, int | None]


def my_trades(
    account_id: str, symbol: str, *, since_ms: int | None, exchange_order_id: str | None, told: ToldTrades
) -> Call[TradesAnswer]:
    """All trades since a time, or of one order, oldest first.

    There is no cursor, and which end a full page leaves out is not documented: after a full page both sides of what it
    told are asked for again. The bounds overlap, because several trades share one (floored) second.
    """
    since_ms = None if exchange_order_id is not None else since_ms

    def page(spans: tuple[Span, ...], known: dict[str, OrderFilled]) -> Call[TradesAnswer]:
        (start_ms, end_ms), *rest = spans
        request = queries.my_trades(symbol, exchange_order_id=exchange_order_id, start_ms=start_ms, end_ms=end_ms)

        def read(reply: Reply, now_ms: int) -> TradesAnswer | Call[TradesAnswer]:
            rows = read_of(reply, lambda body: _trades(account_id, body, now_ms))
            if isinstance(rows, Rejected | Unknown):
                return rows
            read_now = {_identity(row): row for row in rows}
            open_spans = list(rest)
            if len(rows) >= queries.PAGE and read_now.keys() - known.keys():
                times = [row.ts_event_ms for row in rows]
                open_spans += [(start_ms, min(times)), (max(times), end_ms)]
            everything = {**known, **read_now}
            if open_spans:
                return page(tuple(open_spans), everything)
            in_order = tuple(sorted(everything.values(), key=lambda row: row.ts_event_ms))
            # Only all the trades of an order can show that one of them was told under another id.
            return in_order if exchange_order_id is None else told.named(in_order)

        return Call(request, read)

    return page(((since_ms, None),), {})


def _identity(trade: OrderFilled) -> str:
    return f"{trade.exchange_order_id}/{trade.trade_id}"


def _trades(account_id: str, body: bytes, now_ms: int) -> tuple[OrderFilled, ...]:
    """One page, oldest first: the exchange lists the newest first, and its times are whole seconds."""
    reader = Reader(account_id, now_ms)
    rows = [reader.trade(row) for row in parse(body, list[TradeBody])]
    if len(rows) > 1 and rows[0].ts_event_ms > rows[-1].ts_event_ms:
        rows.reverse()
    return tuple(rows)


def balances(account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
    """All balances of the account."""
    return simple(queries.account(), lambda body, now: Reader(account_id, now).balances(parse(body, AccountBody)))


KeyAnswer = KeyCheck | Rejected | Unknown


def check_key() -> Call[KeyAnswer]:
    """What the key itself may do; where that cannot be asked, what its account may."""

    def read(reply: Reply, now_ms: int) -> KeyAnswer | Call[KeyAnswer]:
        answer = read_of(reply, lambda body: key_of_info(parse(body, ApiKeyBody)))
        if isinstance(answer, KeyCheck):
            return answer
        if isinstance(answer, Rejected) and answer.category in {ErrorCategory.CLOCK, ErrorCategory.RATE_LIMITED}:
            return answer
        return _check_account()

    return Call(queries.api_key_info(), read)


def _check_account() -> Call[KeyAnswer]:
    def read(reply: Reply, now_ms: int) -> KeyAnswer:
        answer = read_of(reply, lambda body: key_of_account(parse(body, AccountBody)))
        if isinstance(answer, Rejected) and answer.category in {ErrorCategory.AUTH, ErrorCategory.PERMISSION}:
            problem = f"the exchange refuses the key ({answer.code}): wrong key, wrong secret or address not allowed"
            return KeyCheck(ok=False, can_trade=False, problem=problem)
        return answer

    return Call(queries.account(), read)


def key_of_info(body: ApiKeyBody) -> KeyCheck:
    """The key's own permissions. Raises UnreadableFrame where none are told."""
    permissions = {each.strip() for each in body.permissions.split(",") if each.strip()}
    if not permissions:
        raise UnreadableFrame("permissions: none told")
    can_trade = _MAY_TRADE in permissions
    problem = None
    if body.status not in {None, "VALID"}:
        problem = f"the key is {body.status}: make a new one"
    elif not can_trade:
        problem = "the key may not trade spot: enable spot trading for it"
    elif not permissions.intersection(_MAY_READ):
        problem = "the key may not read the account: enable reading for it"
    return KeyCheck(
        ok=problem is None,
        can_trade=can_trade,
        can_withdraw=any("WITHDRAW" in each and not each.endswith("_READ") for each in permissions),
        account_kind="SPOT",
        problem=problem,
    )


def key_of_account(body: AccountBody) -> KeyCheck:
    """What the account may do. Its `canWithdraw` is about the account, and says nothing of the key."""
    can_trade = body.can_trade is True
    return KeyCheck(
        ok=can_trade,
        can_trade=can_trade,
        account_kind=body.account_type,
        problem=None if can_trade else "the account may not trade",
    )
