"""Questions about an account, with the reading of their answers: pure calls."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from common.accounts import AssetBalance, BalanceChanged
from common.connector.amounts import amount
from common.connector.bodies import parse
from common.connector.calls import then
from common.connector.ports import Call, HttpRequest, KeyCheck, OrderAbsent, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderFilled, OrderSnapshot
from gateio_connector import lists, price_orders, queries
from gateio_connector.finding import trigger
from gateio_connector.frames import AccountDetail, BalanceRow, OrderRow, PriceOrderRow, TradeRow
from gateio_connector.memory import Memory
from gateio_connector.names import client_id_of, price_order_of
from gateio_connector.orders import Reader
from gateio_connector.replies import refusal, value_of

T = TypeVar("T")
UNIFIED_MODE = 2
Snapshots = tuple[OrderSnapshot, ...] | Rejected | Unknown
Trades = tuple[OrderFilled, ...] | Rejected | Unknown
KeyAnswer = KeyCheck | Rejected | Unknown


def simple(request: HttpRequest, value: Callable[[bytes, int], T]) -> Call[T | Rejected | Unknown]:
    """A call whose answer is one value of its body."""
    return Call(request, lambda reply, now_ms: value_of(reply, lambda body: value(body, now_ms)))


def open_orders(memory: Memory, account_id: str, pair: str | None) -> Call[Snapshots]:
    """Open orders and waiting price orders. An open order that a price order placed is told as that price order."""

    def with_orders(orders: lists.Rows[OrderRow], _: int) -> Snapshots | Call[Snapshots]:
        if isinstance(orders, Rejected | Unknown):
            return orders
        waiting = lists.price_orders("open", pair)
        return then(waiting, lambda rows, now_ms: with_triggers(orders, rows, now_ms))

    def with_triggers(
        orders: tuple[OrderRow, ...], waiting: lists.Rows[PriceOrderRow], now_ms: int
    ) -> Snapshots | Call[Snapshots]:
        if isinstance(waiting, Rejected | Unknown):
            return waiting
        nameless = {row.id for row in orders if client_id_of(row.text) is None}
        if not nameless:
            return _told(account_id, now_ms, orders, waiting, {})

        def found(rows: lists.Rows[PriceOrderRow], now_ms: int) -> Snapshots:
            if isinstance(rows, Rejected | Unknown):
                return rows
            memory.learn(account_id, rows)
            owners = {str(row.fired_order_id): row for row in rows if row.fired_order_id}
            return _told(account_id, now_ms, orders, waiting, owners)

        fired = lists.price_orders("finished", pair, lambda rows: nameless <= {str(row.fired_order_id) for row in rows})
        return then(fired, found)

    plain = lists.open_orders() if pair is None else lists.orders(pair, "open")
    return then(plain, with_orders)


def _told(
    account_id: str,
    now_ms: int,
    orders: tuple[OrderRow, ...],
    waiting: tuple[PriceOrderRow, ...],
    owners: dict[str, PriceOrderRow],
) -> tuple[OrderSnapshot, ...] | Unknown:
    reader = Reader(account_id, now_ms)
    try:
        placed = [
            price_orders.followed(owners[row.id], row, reader) if row.id in owners else reader.snapshot(row)
            for row in orders
        ]
        # One that fired between the two lists is found through its order, or by whoever misses it.
        armed = [price_orders.snapshot(row, reader) for row in waiting if row.status != price_orders.FIRED]
    except UnreadableFrame as error:
        return Unknown("unreadable", error.reason)
    return (*placed, *armed)


def my_trades(
    memory: Memory, account_id: str, pair: str, *, since_ms: int | None, exchange_order_id: str | None
) -> Call[Trades]:
    """Trades since a time, or of one order, oldest first; those of a price order are its order's."""
    price_order_id = price_order_of(exchange_order_id)
    if price_order_id is None:
        return _trades(memory, account_id, pair, since_ms, exchange_order_id)

    def of_child(row: PriceOrderRow | OrderAbsent | Rejected | Unknown, _: int) -> Trades | Call[Trades]:
        if isinstance(row, Rejected | Unknown):
            return row
        if isinstance(row, OrderAbsent) or not row.fired_order_id:
            return ()
        memory.learn(account_id, (row,))
        return _trades(memory, account_id, pair, None, str(row.fired_order_id))

    return then(trigger(price_order_id), of_child)


def _trades(memory: Memory, account_id: str, pair: str, since_ms: int | None, order_id: str | None) -> Call[Trades]:
    pages = lists.paged(
        lambda number: queries.my_trades(pair, since_ms=since_ms, order_id=order_id, page=number + 1),
        lambda body: parse(body, list[TradeRow]),
        size=queries.TRADES_PAGE,
    )

    def told(rows: lists.Rows[TradeRow], now_ms: int) -> Trades:
        if isinstance(rows, Rejected | Unknown):
            return rows
        reader = Reader(account_id, now_ms)
        try:
            fills = [_owned(memory, reader.trade(row)) for row in rows]
        except UnreadableFrame as error:
            return Unknown("unreadable", error.reason)
        return tuple(sorted(fills, key=lambda fill: (fill.ts_event_ms, len(fill.trade_id or ""), fill.trade_id or "")))

    return then(pages, told)


def _owned(memory: Memory, fill: OrderFilled) -> OrderFilled:
    owner = memory.owner(fill.account_id, fill.exchange_order_id or "")
    return fill if owner is None else msgspec.structs.replace(fill, exchange_order_id=owner)


def balances(account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
    """All balances the exchange lists."""
    return simple(
        queries.accounts(), lambda body, now_ms: balances_of(parse(body, list[BalanceRow]), account_id, now_ms)
    )


def balances_of(rows: list[BalanceRow], account_id: str, now_ms: int) -> BalanceChanged:
    """Rows as absolute balances. Raises UnreadableFrame."""
    return BalanceChanged(
        account_id=account_id,
        exchange=Exchange.GATEIO,
        balances=tuple(
            AssetBalance(
                asset=row.currency, free=amount(row.available, "available"), locked=amount(row.locked, "locked")
            )
            for row in rows
        ),
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )


def check_key() -> Call[KeyAnswer]:
    """What the key may do. Nothing tells a key's permissions, so it is tried whether it may cancel. A key that may not
    read the account's details may still trade."""

    def read(reply: Reply, now_ms: int) -> KeyAnswer | Call[KeyAnswer]:
        detail = value_of(reply, lambda body: parse(body, AccountDetail))
        if isinstance(detail, AccountDetail):
            return key_of(detail) or _may_trade()
        if isinstance(detail, Rejected) and detail.category is ErrorCategory.PERMISSION:
            return _may_trade()
        return _denied(detail)

    return Call(queries.account_detail(), read)


def key_of(detail: AccountDetail) -> KeyCheck | None:
    """Why the account cannot be traded by us; None where nothing speaks against it."""
    if detail.key.mode != UNIFIED_MODE:
        return None
    return KeyCheck(
        ok=False,
        can_trade=False,
        account_kind="UNIFIED",
        problem="the key belongs to a unified account: switch the account to classic mode, or use a sub-account",
    )


def _may_trade() -> Call[KeyAnswer]:
    def read(reply: Reply, now_ms: int) -> KeyAnswer:
        answer = refusal(reply)
        if isinstance(answer, Unknown):
            return answer
        if answer is not None and answer.category in {ErrorCategory.RATE_LIMITED, ErrorCategory.CLOCK}:
            return answer
        if answer is not None and answer.category is ErrorCategory.AUTH:
            return _denied(answer)
        allowed = answer is None or answer.category is not ErrorCategory.PERMISSION
        return KeyCheck(
            ok=allowed,
            can_trade=allowed,
            account_kind="SPOT",
            problem=None if allowed else "the key may only read: give it spot trading",
        )

    return Call(queries.may_trade(), read)


def _denied(answer: Rejected | Unknown) -> KeyAnswer:
    if isinstance(answer, Rejected) and answer.category in {ErrorCategory.AUTH, ErrorCategory.PERMISSION}:
        problem = f"the exchange refuses the key ({answer.code}): wrong key, wrong environment or address not allowed"
        return KeyCheck(ok=False, can_trade=False, problem=problem)
    return answer
