"""Trigger orders on the matching core: armed apart from the book, they place an ordinary order when they fire."""

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from paper_exchange.core.events import Emit, Event, TriggerChanged
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.habits import BINANCE, Habits
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, floor_to
from paper_exchange.core.orders import Order
from paper_exchange.core.refusals import Reason, Refused
from paper_exchange.core.trigger import Trigger, TriggerGroup, TriggerRequest, TriggerStatus
from paper_exchange.core.waiting import Waiting

Namer = Callable[[Trigger], str]


def own_name(trigger: Trigger) -> str:
    """The child is called what its request says, or else what its trigger is called."""
    return trigger.request.child.client_order_id or trigger.client_id


@dataclass(frozen=True, slots=True)
class Attached:
    """Exits that wait for their entry to end; `linked` ones will be a group."""

    exits: tuple[TriggerRequest, ...]
    linked: bool


class TriggerExchange(Exchange):
    """An exchange with triggers. They fire in `settle`, which also ends those whose time is over.

    `name_child` chooses the client id of a child when it is placed. With `tells_fired_first` the fact FIRED goes
    before the child's own facts instead of after them.
    """

    def __init__(
        self, instruments: Iterable[Instrument], rng: random.Random, emit: Emit, now_ms: int, habits: Habits = BINANCE,
        name_child: Namer = own_name,
    ) -> None:  # fmt: skip
        super().__init__(instruments, rng, emit, now_ms, habits)
        self.triggers: dict[int, dict[int, Trigger]] = {}
        self._armed: dict[int, dict[int, Trigger]] = {}
        self.tells_fired_first = False
        self._name_child = name_child
        self._waiting = {symbol: Waiting() for symbol in self.markets}
        self._due: deque[Trigger] = deque()
        self._expiring: list[tuple[int, int, Trigger]] = []
        self._attached: dict[Order, Attached] = {}
        self._entered: deque[tuple[Order, Attached]] = deque()

    def armed(self, uid: int, symbol: str | None = None) -> list[Trigger]:
        """The account's triggers (of one symbol, or all) that can still fire, oldest first."""
        armed = self._armed.get(uid, {}).values()
        return [trigger for trigger in armed if symbol in {None, trigger.symbol}]

    # -- arming ---------------------------------------------------------------------------------------------------

    def arm(self, uid: int, symbol: str, request: TriggerRequest, now_ms: int) -> Trigger:
        """Arm one trigger. Raises: Refused."""
        return self.arm_group(uid, symbol, [request], now_ms)[0]

    def arm_group(self, uid: int, symbol: str, requests: Sequence[TriggerRequest], now_ms: int) -> list[Trigger]:
        """Arm triggers of which the first to fire cancels the others. Raises: Refused, with nothing armed."""
        market = self._open_market(symbol)
        for request in requests:
            self._check_trigger(uid, market, request)
        if len(self.armed(uid, symbol)) + len(requests) > market.instrument.max_algo_orders:
            raise Refused(Reason.MAX_NUM_ALGO_ORDERS)
        return self._arm(uid, market, requests, now_ms)

    def _check_trigger(self, uid: int, market: Market, request: TriggerRequest) -> None:
        """Grid and, if asked for, balance; what the child is worth matters when it is placed."""
        child, instrument = request.child, market.instrument
        instrument.check_px(request.px)
        if child.px:
            instrument.check_px(child.px)
        if not child.quote_qty:
            instrument.check_qty(child.qty)
        if request.balance == "CHECK":
            free = self._account(uid).balance(_paid_asset(request, market)).free
            if free < request.needs():
                raise Refused(Reason.INSUFFICIENT_BALANCE)

    def _arm(self, uid: int, market: Market, requests: Sequence[TriggerRequest], now_ms: int) -> list[Trigger]:
        group, symbol = TriggerGroup(), market.instrument.symbol
        for request in requests:
            rises = _rises(request, market)
            trigger = Trigger(uid, symbol, market.ids.next_order_id(), request, rises, group, now_ms, now_ms)
            group.members.append(trigger)
        self._rehold(group, market)
        for trigger in group.members:
            self.triggers.setdefault(uid, {})[trigger.order_id] = trigger
            self._armed.setdefault(uid, {})[trigger.order_id] = trigger
            self._await(trigger, market)
            self._tell(trigger, now_ms)
        if group.locked:
            self._report_balances(self._account(uid), market, now_ms)
        return group.members

    def _await(self, trigger: Trigger, market: Market) -> None:
        self._waiting[trigger.symbol].add(trigger, market.last)
        if trigger.request.expires_ms is not None:
            heapq.heappush(self._expiring, (trigger.request.expires_ms, trigger.order_id, trigger))

    def modify(self, trigger: Trigger, request: TriggerRequest, now_ms: int) -> None:
        """Give an armed trigger other terms; its id stays, its direction and lock are found anew. Raises: Refused."""
        market = self.markets[trigger.symbol]
        if not trigger.is_armed:
            raise Refused(Reason.NOT_OPEN)
        self._check_trigger(trigger.uid, market, request)
        before, waiting = trigger.request, self._waiting[trigger.symbol]
        waiting.discard(trigger)
        trigger.request = request
        try:
            self._rehold(trigger.group, market)
        except Refused:
            trigger.request = before
            waiting.add(trigger, market.last)
            raise
        trigger.rises, trigger.updated_ms = _rises(request, market), now_ms
        self._await(trigger, market)
        self._tell(trigger, now_ms)

    def _rehold(self, group: TriggerGroup, market: Market) -> None:
        first = group.members[0]
        needed = group.needs()
        self.ledger.hold(first.uid, _paid_asset(first.request, market), needed - group.locked)
        group.locked = needed

    # -- attaching ------------------------------------------------------------------------------------------------

    def attach(self, entry: Order, exits: Sequence[TriggerRequest], *, linked: bool = True) -> None:
        """Arm `exits` when `entry` ends with fills, each sized by what the entry delivered, net of fees.

        `linked` makes them one group. Call it after placing and before settling. Exits too small for the grid are
        armed all the same and then fail.
        """
        attached = Attached(tuple(exits), linked)
        if entry.is_open:
            self._attached[entry] = attached
        elif entry.cum_qty:
            self._entered.append((entry, attached))

    def attached_to(self, entry: Order) -> tuple[TriggerRequest, ...]:
        """The exits that wait for `entry`."""
        attached = self._attached.get(entry)
        return () if attached is None else attached.exits

    def cancel(self, order: Order, cancel_id: str, now_ms: int) -> None:
        """Cancel an open order; what it has bought is still due its exits. Raises: Refused(NOT_OPEN)."""
        super().cancel(order, cancel_id, now_ms)
        self._release_exits(order)

    def _ended(self, order: Order, market: Market, now_ms: int) -> None:
        super()._ended(order, market, now_ms)
        self._release_exits(order)

    def _release_exits(self, order: Order) -> None:
        attached = self._attached.pop(order, None)
        if attached is not None and attached.exits and order.cum_qty:
            self._entered.append((order, attached))

    def _arm_exits(self, entry: Order, attached: Attached, now_ms: int) -> None:
        market = self.markets[entry.symbol]
        base, step = market.instrument.base, market.instrument.step
        fees = sum((fill.fee for fill in entry.fills if fill.fee_asset == base), ZERO)
        qty = floor_to(entry.cum_qty - fees, step)
        sized = [replace(request, child=replace(request.child, qty=qty)) for request in attached.exits]
        for group in [sized] if attached.linked else [[request] for request in sized]:
            self._arm(entry.uid, market, group, now_ms)

    # -- ending ---------------------------------------------------------------------------------------------------

    def cancel_trigger(self, trigger: Trigger, now_ms: int) -> None:
        """Cancel an armed trigger; the others of its group stay. Raises: Refused(NOT_OPEN)."""
        if not trigger.is_armed:
            raise Refused(Reason.NOT_OPEN)
        self._end_trigger(trigger, "CANCELED", now_ms)

    def _end_trigger(self, trigger: Trigger, status: TriggerStatus, now_ms: int) -> None:
        self._waiting[trigger.symbol].discard(trigger)
        self._turn(trigger, status, now_ms)

    def _turn(self, trigger: Trigger, status: TriggerStatus, now_ms: int) -> None:
        """Leave the armed for another status, which may free what was locked; told to its owner."""
        market, held = self.markets[trigger.symbol], trigger.group.locked
        trigger.status, trigger.updated_ms = status, now_ms
        self._armed[trigger.uid].pop(trigger.order_id, None)
        self._rehold(trigger.group, market)
        self._tell(trigger, now_ms)
        if trigger.group.locked != held:
            self._report_balances(self._account(trigger.uid), market, now_ms)

    def _tell(self, trigger: Trigger, now_ms: int) -> None:
        self._emit(TriggerChanged(trigger, now_ms, trigger.status, trigger.order, trigger.reason))

    # -- firing ---------------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Carry out what the last command or the clock set off: expiries, attached exits, triggers that were hit."""
        while self._expiring and self._expiring[0][0] <= now_ms:
            expires_ms, _, trigger = heapq.heappop(self._expiring)
            if trigger.is_armed and trigger.request.expires_ms == expires_ms:
                self._end_trigger(trigger, "EXPIRED", now_ms)
        while True:
            super().settle(now_ms)
            if self._entered:
                self._arm_exits(*self._entered.popleft(), now_ms)
            elif self._due:
                self._fire(self._due.popleft(), now_ms)
            else:
                return

    def _record(self, market: Market, px: Decimal, qty: Decimal, now_ms: int, *, buyer_is_maker: bool) -> int:
        trade_id = super()._record(market, px, qty, now_ms, buyer_is_maker=buyer_is_maker)
        self._due.extend(self._waiting[market.instrument.symbol].take_reached(px))
        return trade_id

    def _next_px(self, market: Market, target: Decimal) -> Decimal:
        """Triggers are stations on the way as well."""
        nearest, waiting = super()._next_px(market, target), self._waiting[market.instrument.symbol]
        if target >= market.mark:
            trigger_px = waiting.on_rise.best_px()
            return nearest if trigger_px is None else max(market.mark, min(nearest, trigger_px))
        trigger_px = waiting.on_fall.best_px()
        return nearest if trigger_px is None else min(market.mark, max(nearest, trigger_px))

    def _fire(self, trigger: Trigger, now_ms: int) -> None:
        """Place the child, or fail; whichever it is, the others of the group are over."""
        if not trigger.is_armed:
            return
        self._turn(trigger, "FIRING", now_ms)
        for other in trigger.group.members:
            if other.is_armed:
                self._end_trigger(other, "CANCELED", now_ms)
        child = replace(trigger.request.child, client_order_id=self._name_child(trigger))
        # What the child sets off is held back, because some say that a trigger has fired before they show its child.
        told: list[Event] = []
        emit, self._emit = self._emit, told.append
        try:
            trigger.order = self.place(trigger.uid, trigger.symbol, child, now_ms)
        except Refused as refused:
            trigger.reason = refused.reason
        finally:
            self._emit = emit
        status: TriggerStatus = "FAILED" if trigger.order is None else "FIRED"
        if self.tells_fired_first:
            self._turn(trigger, status, now_ms)
        for event in told:
            self._emit(event)
        if not self.tells_fired_first:
            self._turn(trigger, status, now_ms)


def _rises(request: TriggerRequest, market: Market) -> bool:
    """From where the trigger price will be reached: as asked for, or from where the last price stands."""
    return request.px > market.last if request.rises is None else request.rises


def _paid_asset(request: TriggerRequest, market: Market) -> str:
    return market.instrument.base if request.child.side == "SELL" else market.instrument.quote
