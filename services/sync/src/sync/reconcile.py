"""The ledger held against an exchange: which facts are missing, what must still be asked, which orders are not ours.

Pure. A listing of what is open settles most orders; a listing of trades settles those that filled; what is left is
asked for one by one (`questions`), and their answers come back in here as `fates`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from common import ids
from common.connector.outcomes import FateKind, OrderFate
from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import (
    FactBase,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
)
from common.terms import altered
from sync.ledger import Drift, Finding, LedgerOrder

LISTING_LAG_MS: Final = 5_000
"""How long an exchange's listing may still show an order that has ended."""


class ExchangeView(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange has told of one account and symbol."""

    open_orders: tuple[OrderSnapshot, ...]
    read_ms: int
    """When the listing was asked for, by our clock."""
    trades: tuple[OrderFilled, ...] = ()
    """Trades of the account, oldest first, where they were asked for."""
    fates: Mapping[str, OrderFate] = {}
    """By client order id, what looking at single orders has shown."""


class Reconciled(msgspec.Struct, frozen=True, kw_only=True):
    """What holding the two against each other has shown."""

    findings: tuple[Finding, ...] = ()
    questions: tuple[LedgerOrder, ...] = ()
    """What the view does not settle."""
    unsettled: tuple[LedgerOrder, ...] = ()
    """What was asked for and is not settled yet: the exchange gave no usable answer, or none that proves anything."""
    foreign: tuple[OrderSnapshot, ...] = ()
    """Open orders that nobody placed through us: shown, never touched."""

    @property
    def facts(self) -> tuple[OrderFact, ...]:
        """All facts that are missing, order by order."""
        return tuple(fact for finding in self.findings for fact in finding.facts)


def reconcile(ledger: Sequence[LedgerOrder], view: ExchangeView) -> Reconciled:
    """Hold the ledger's orders of one account and symbol against the exchange.

    `ledger` holds every order it has as unfinished or with trades missing, and every order of ours that the exchange
    shows. Where both agree nothing comes of it.
    """
    shown, foreign = _named(ledger, view.open_orders)
    findings: list[Finding] = []
    questions: list[LedgerOrder] = []
    unsettled: list[LedgerOrder] = []
    for order in ledger:
        fate = view.fates.get(order.client_order_id)
        open_order = shown.get(order.client_order_id)
        if fate is not None:
            finding = _by_fate(order, fate, view.read_ms)
            if finding is None and fate.kind in {FateKind.ABSENT, FateKind.UNCLEAR, FateKind.SETTLING}:
                unsettled.append(order)
        elif open_order is not None and not _more_traded(order, open_order):
            finding = _by_listing(order, open_order)
        elif _settled_otherwise(order) or _awaited(order):
            continue
        else:
            finding = _by_trades(order, view.trades, view.read_ms)
            if finding is None:
                questions.append(order)
        if finding is not None:
            findings.append(finding)
    return Reconciled(
        findings=tuple(findings), questions=tuple(questions), unsettled=tuple(unsettled), foreign=tuple(foreign)
    )


def ours_by_name(open_orders: Iterable[OrderSnapshot]) -> set[str]:
    """The client ids among these that are of our making."""
    return {
        order.client_order_id
        for order in open_orders
        if order.client_order_id is not None and ids.parse(order.client_order_id) is not None
    }


def _named(
    ledger: Sequence[LedgerOrder], open_orders: Iterable[OrderSnapshot]
) -> tuple[dict[str, OrderSnapshot], list[OrderSnapshot]]:
    """The exchange's open orders under our names, and those that are not ours."""
    by_name = {order.client_order_id: order for order in ledger}
    by_number = {order.exchange_order_id: order for order in ledger if order.exchange_order_id is not None}
    shown: dict[str, OrderSnapshot] = {}
    foreign: list[OrderSnapshot] = []
    for seen in open_orders:
        ours = by_name.get(seen.client_order_id or "") or by_number.get(seen.exchange_order_id or "")
        if ours is not None:
            shown[ours.client_order_id] = msgspec.structs.replace(seen, client_order_id=ours.client_order_id)
        elif not _spawned(seen, ledger, by_number):
            foreign.append(seen)
    return shown, foreign


def _spawned(seen: OrderSnapshot, ledger: Iterable[LedgerOrder], numbers: Mapping[str, LedgerOrder]) -> bool:
    """Whether it is what a trigger order of ours became: named after it (Bitget), or of its terms (Gate.io).

    Or an exit that came along with an entry and that the engine has not found yet.
    """
    if any(order.live and _awaited(order) and order.trigger_px == seen.trigger_px for order in ledger):
        return True
    if seen.client_order_id is not None:
        return seen.client_order_id in numbers
    return any(
        order.live
        and order.order_type.waits_for_trigger
        and (order.side, order.qty, order.price) == (seen.side, seen.qty, seen.price)
        for order in ledger
    )


def _more_traded(order: LedgerOrder, seen: OrderSnapshot) -> bool:
    """Whether the exchange knows of trades that the ledger does not: they must be read with their fees."""
    return (seen.cum_qty or ZERO) > order.itemised_qty


def _settled_otherwise(order: LedgerOrder) -> bool:
    """Ended, with all its trades: that the listing does not show it (any more) is as it should be."""
    return not order.live and order.cum_qty <= order.itemised_qty


def _awaited(order: LedgerOrder) -> bool:
    """Not found yet among what the exchange places by itself: only the engine's look by its terms can find it."""
    return order.adopted and order.exchange_order_id is None


def _by_listing(order: LedgerOrder, seen: OrderSnapshot) -> Finding | None:
    """An order the listing shows open, with no trade we do not know."""
    if not order.live:
        lags = seen.ts_init_ms - order.updated_ms < LISTING_LAG_MS
        return None if lags else _finding(Drift.LEFT_OVER, order, (seen,))
    if order.status is None or (order.exchange_order_id is None and seen.exchange_order_id is not None):
        return _finding(Drift.ARRIVED, order, (seen,))
    return _finding(Drift.CHANGED, order, (seen,)) if _altered(order, seen) else None


def _by_trades(order: LedgerOrder, trades: Iterable[OrderFilled], now_ms: int) -> Finding | None:
    """An order that the listed trades complete: nothing more needs to be asked."""
    if order.exchange_order_id is None or order.qty is None:
        return None
    mine = [trade for trade in trades if trade.exchange_order_id == order.exchange_order_id]
    if not mine or sum((trade.last_qty or ZERO for trade in mine), ZERO) < order.qty:
        return None
    drift = Drift.FILLED if order.live else Drift.TRADES_MISSING
    return _finding(drift, order, _filled(order, mine, now_ms))


def _filled(order: LedgerOrder, trades: Sequence[OrderFilled], now_ms: int) -> tuple[OrderFilled, ...]:
    """The trades as facts about the order, with the running total that only the order knows."""
    total, paid = ZERO, ZERO
    facts = []
    for trade in trades:
        qty, px = trade.last_qty or ZERO, trade.last_px or ZERO
        total, paid = total + qty, paid + qty * px
        facts.append(
            msgspec.structs.replace(
                trade,
                client_order_id=order.client_order_id,
                side=order.side,
                order_type=order.order_type,
                status=OrderStatus.FILLED if total == order.qty else OrderStatus.PARTIALLY_FILLED,
                qty=order.qty,
                price=order.price,
                trigger_px=order.trigger_px,
                cum_qty=total,
                avg_px=paid / total,
                ts_init_ms=now_ms,
            )
        )
    return tuple(facts)


def _by_fate(order: LedgerOrder, fate: OrderFate, now_ms: int) -> Finding | None:
    match fate.kind:
        case FateKind.FOUND:
            return _by_facts(order, _under(order.client_order_id, fate.facts))
        case FateKind.NEVER_ARRIVED if order.live:
            drift = Drift.NEVER_ARRIVED if order.status is None else Drift.GONE
            return _finding(drift, order, (_never_arrived(order, fate.code, now_ms),))
        case _:
            return None


def _by_facts(order: LedgerOrder, facts: tuple[OrderFact, ...]) -> Finding | None:
    """An order that was looked at by itself: its trades, and what it looks like now."""
    seen = next((fact for fact in facts if isinstance(fact, OrderSnapshot)), None)
    if seen is None or seen.status is None:
        return None
    if not order.live:
        itemised = sum((fact.last_qty or ZERO for fact in facts if isinstance(fact, OrderFilled)), ZERO)
        if itemised > order.itemised_qty:
            return _finding(Drift.TRADES_MISSING, order, facts)
        return None if seen.status.terminal else _by_listing(order, seen)
    if seen.status.terminal:
        return _finding(_ENDS[seen.status], order, facts)
    if _more_traded(order, seen):
        return _finding(Drift.FILLED, order, facts)
    if any(isinstance(fact, OrderTriggered) for fact in facts):
        return _finding(Drift.TRIGGERED, order, facts)
    return _by_listing(order, seen)


_ENDS: Final = {
    OrderStatus.FILLED: Drift.FILLED,
    OrderStatus.CANCELED: Drift.CANCELED,
    OrderStatus.EXPIRED: Drift.EXPIRED,
    OrderStatus.REJECTED: Drift.EXPIRED,
}


def _under(client_order_id: str, facts: Iterable[OrderFact]) -> tuple[OrderFact, ...]:
    return tuple(fact if fact.client_order_id == client_order_id else _renamed(fact, client_order_id) for fact in facts)


def _renamed(fact: OrderFact, client_order_id: str) -> OrderFact:
    assert isinstance(fact, FactBase)
    return msgspec.structs.replace(fact, client_order_id=client_order_id)


def _never_arrived(order: LedgerOrder, code: str, now_ms: int) -> OrderRejected:
    return OrderRejected(
        account_id=order.account_id,
        exchange=order.exchange,
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
        category=ErrorCategory.NOT_FOUND,
        code=code,
        reason="the exchange does not have this order and can no longer receive it",
    )


def _altered(order: LedgerOrder, seen: OrderSnapshot) -> bool:
    if order.adopted:
        return False
    return altered(seen, order_type=order.order_type, qty=order.qty, price=order.price, trigger_px=order.trigger_px)


def _finding(drift: Drift, order: LedgerOrder, facts: tuple[OrderFact, ...]) -> Finding:
    return Finding(drift=drift, symbol=order.symbol, client_order_id=order.client_order_id, facts=facts)


def traded_since_ms(orders: Iterable[LedgerOrder], margin_ms: int) -> int:
    """From when on trades must be read so that none of these orders lacks one."""
    return min(order.submitted_ms for order in orders) - margin_ms
