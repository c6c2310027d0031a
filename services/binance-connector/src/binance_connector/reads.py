"""Questions with the reading of their answers: pure calls, each a request and a function over the reply."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from binance_connector import queries
from binance_connector.bodies import Reader
from binance_connector.frames import OrderBody, OrderListBody, TradeBody
from binance_connector.names import cancel_id
from binance_connector.read_frames import AccountBody, ApiRestrictions
from binance_connector.replies import read_of
from common import ids
from common.accounts import AssetBalance, BalanceChanged
from common.connector.amounts import finite
from common.connector.bodies import parse
from common.connector.ports import (
    Call,
    HttpRequest,
    KeyCheck,
    OrderAbsent,
    OrderAnswer,
    OrderFound,
    OrderListAnswer,
    OrderListFound,
    OrderRef,
    Rejected,
    Reply,
    Unknown,
)
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.orders import OrderFilled, OrderSnapshot

T = TypeVar("T")

_ABSENT = {ErrorCategory.NOT_FOUND, ErrorCategory.ALREADY_CLOSED}
_EXIT_LEGS = {ids.Leg.TAKE_PROFIT, ids.Leg.STOP_LOSS}


def simple(request: HttpRequest, value: Callable[[bytes, int], T]) -> Call[T | Rejected | Unknown]:
    """A call whose answer is one value of its body."""
    return Call(request, lambda reply, now_ms: read_of(reply, lambda body: value(body, now_ms)))


def order(ref: OrderRef) -> Call[OrderAnswer]:
    """Asks by the surest id, and, before it says "absent", by the other names the order may have.

    Which client id an order answers to after a cancel is not settled in the documentation, so an order that is not
    there under its own id is asked for under the id of our cancel, and an exit leg through its list.
    """
    if ref.exchange_order_id is not None:
        return _asked(ref, queries.order(ref.symbol, exchange_order_id=ref.exchange_order_id), None)
    assert ref.client_order_id is not None, "an order is asked for by one of its ids"
    renamed = _renamed(ref, queries.order(ref.symbol, client_order_id=cancel_id(ref.client_order_id)))
    return _asked(ref, queries.order(ref.symbol, client_order_id=ref.client_order_id), renamed)


def _asked(ref: OrderRef, request: HttpRequest, otherwise: Call[OrderAnswer] | None) -> Call[OrderAnswer]:
    """Whatever the exchange calls it by now, it was found by a name of ours: that name stays."""

    def read(reply: Reply, now_ms: int) -> OrderAnswer | Call[OrderAnswer]:
        answer = _read_order(ref, reply, now_ms)
        if isinstance(answer, OrderAbsent):
            return otherwise or answer
        if isinstance(answer, OrderFound) and ref.client_order_id is not None:
            return OrderFound(msgspec.structs.replace(answer.order, client_order_id=ref.client_order_id))
        return answer

    return Call(request, read)


def _renamed(ref: OrderRef, request: HttpRequest) -> Call[OrderAnswer]:
    """A cancel of one leg names both legs of a list: only the one that was asked for counts."""

    def read(reply: Reply, now_ms: int) -> OrderAnswer | Call[OrderAnswer]:
        answer = _read_order(ref, reply, now_ms)
        if isinstance(answer, OrderFound) and answer.order.client_order_id != ref.client_order_id:
            answer = OrderAbsent("-2013")
        return (_by_list(ref) or answer) if isinstance(answer, OrderAbsent) else answer

    return Call(request, read)


def _read_order(ref: OrderRef, reply: Reply, now_ms: int) -> OrderAnswer:
    reader = Reader(ref.account_id, now_ms)
    answer = read_of(reply, lambda body: OrderFound(reader.snapshot(parse(body, OrderBody))))
    if isinstance(answer, Rejected) and answer.category in _ABSENT:
        return OrderAbsent(answer.code)
    return answer


def _by_list(ref: OrderRef) -> Call[OrderAnswer] | None:
    key = ids.parse(ref.client_order_id or "")
    if key is None or key.leg not in _EXIT_LEGS:
        return None
    list_id = ids.client_order_id(key.bracket_id, ids.Leg.LIST, key.generation)

    def read(reply: Reply, now_ms: int) -> OrderAnswer | Call[OrderAnswer]:
        answer = read_of(reply, lambda body: parse(body, OrderListBody))
        if isinstance(answer, OrderListBody):
            leg = next((leg for leg in answer.orders if leg.client_order_id == ref.client_order_id), None)
            if leg is None:
                return OrderAbsent("-2013")
            return _asked(ref, queries.order(ref.symbol, exchange_order_id=str(leg.order_id)), None)
        return OrderAbsent(answer.code) if isinstance(answer, Rejected) and answer.category in _ABSENT else answer

    return Call(queries.order_list(list_id), read)


def order_list(list_client_order_id: str) -> Call[OrderListAnswer]:
    """The legs of a list; what became of them only their own queries tell."""

    def read(reply: Reply, now_ms: int) -> OrderListAnswer:
        answer = read_of(reply, lambda body: parse(body, OrderListBody))
        if isinstance(answer, OrderListBody):
            return OrderListFound(tuple(leg.client_order_id for leg in answer.orders))
        if isinstance(answer, Rejected) and answer.category in _ABSENT:
            return OrderAbsent(answer.code)
        return answer

    return Call(queries.order_list(list_client_order_id), read)


def open_orders(account_id: str, symbol: str | None) -> Call[tuple[OrderSnapshot, ...] | Rejected | Unknown]:
    """Snapshots of all open orders."""

    def value(body: bytes, now_ms: int) -> tuple[OrderSnapshot, ...]:
        reader = Reader(account_id, now_ms)
        return tuple(reader.snapshot(order_body) for order_body in parse(body, list[OrderBody]))

    return simple(queries.open_orders(symbol), value)


TradesAnswer = tuple[OrderFilled, ...] | Rejected | Unknown


def my_trades(
    account_id: str, symbol: str, *, since_ms: int | None, exchange_order_id: str | None
) -> Call[TradesAnswer]:
    """All trades since a time, or of one order, page by page."""

    def page(request: HttpRequest, before: tuple[OrderFilled, ...]) -> Call[TradesAnswer]:
        def read(reply: Reply, now_ms: int) -> TradesAnswer | Call[TradesAnswer]:
            rows = read_of(reply, lambda body: _trades(account_id, body, now_ms))
            if not isinstance(rows, tuple):
                return rows
            trades = (*before, *rows)
            if len(rows) < queries.PAGE:
                return trades
            following = max(int(fill.trade_id or 0) for fill in rows) + 1
            return page(queries.my_trades(symbol, exchange_order_id=exchange_order_id, from_id=following), trades)

        return Call(request, read)

    return page(queries.my_trades(symbol, since_ms=since_ms, exchange_order_id=exchange_order_id), ())


def _trades(account_id: str, body: bytes, now_ms: int) -> tuple[OrderFilled, ...]:
    reader = Reader(account_id, now_ms)
    return tuple(reader.trade(row) for row in parse(body, list[TradeBody]))


def balances(account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
    """All balances of the account."""
    return simple(queries.account(), lambda body, now_ms: balances_of(parse(body, AccountBody), account_id, now_ms))


def balances_of(body: AccountBody, account_id: str, now_ms: int) -> BalanceChanged:
    """An account body as absolute balances. Raises UnreadableFrame."""
    return BalanceChanged(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        balances=tuple(
            AssetBalance(asset=b.asset, free=finite(b.free, "free"), locked=finite(b.locked, "locked"))
            for b in body.balances
        ),
        ts_event_ms=body.update_time if body.update_time is not None else now_ms,
        ts_init_ms=now_ms,
    )


KeyAnswer = KeyCheck | Rejected | Unknown


def check_key() -> Call[KeyAnswer]:
    """What the key may do, from its restrictions; where they cannot be asked (testnet), from the account."""

    def read(reply: Reply, now_ms: int) -> KeyAnswer | Call[KeyAnswer]:
        answer = read_of(reply, lambda body: restrictions_of(parse(body, ApiRestrictions)))
        if isinstance(answer, Unknown):
            return _check_account()
        return _denied(answer)

    return Call(queries.api_restrictions(), read)


def _check_account() -> Call[KeyAnswer]:
    def read(reply: Reply, now_ms: int) -> KeyAnswer:
        return _denied(read_of(reply, lambda body: key_of_account(parse(body, AccountBody))))

    return Call(queries.account(), read)


def _denied(answer: KeyAnswer) -> KeyAnswer:
    if isinstance(answer, Rejected) and answer.category in {ErrorCategory.AUTH, ErrorCategory.PERMISSION}:
        problem = f"the exchange refuses the key ({answer.code}): wrong key, wrong environment or address not allowed"
        return KeyCheck(ok=False, can_trade=False, problem=problem)
    return answer


def restrictions_of(body: ApiRestrictions) -> KeyCheck:
    """The key's own permissions."""
    problem = None
    if not body.enable_spot_and_margin_trading:
        problem = "the key may not trade spot: enable spot trading for it"
    elif not body.enable_reading:
        problem = "the key may not read: enable reading for it"
    return KeyCheck(
        ok=problem is None,
        can_trade=body.enable_spot_and_margin_trading,
        can_withdraw=body.enable_withdrawals,
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
