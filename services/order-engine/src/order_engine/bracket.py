"""What the engine knows of a bracket: one entry, its exits, and the amounts that follow from them.

All of it is frozen and holds no clock; the same history always gives the same bracket. Derived amounts are computed
once per version: a frozen value cannot make them wrong.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.derived import derived
from common.exchanges import CAPABILITIES, Exchange, ExitStyle
from common.exits import ExitPlan, lowest_exit_px
from common.instruments import ZERO, Instrument
from common.orders import OrderType, Side, TimeInForce
from common.protection import BracketState
from order_engine.ladder import Ladder
from order_engine.order import Order, Role


class ExitKind(StrEnum):
    """How an exit is placed; chosen by capability, escalated by refusals."""

    OCO = "oco"
    PAIR = "pair"
    """Trigger orders that the exchange does not link: a target, or several, and one stop for what they cover."""
    HELD = "held"
    """A resting take-profit, and a stop that the engine holds."""
    STOP = "stop"
    MARKET = "market"

    @property
    def waits(self) -> bool:
        """Whether it waits for a price and so counts against the budget of exit pairs."""
        return self is not ExitKind.MARKET


class Exit(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One way out for a part of the quantity: targets with their stop, a lone stop, or a market sell."""

    generation: int
    level: int
    kind: ExitKind
    qty: Decimal
    legs: tuple[Order, ...]
    list_client_order_id: str | None = None
    released: bool = False
    """The user cancelled it: what it held is theirs to look after."""
    moving: bool = False
    """The engine is cancelling it to place its quantity anew."""
    placed: bool = False
    """The confirmation has been published."""
    settled: bool = False
    """Its end has been published and its rest handed back."""
    act_at_ms: int | None = None
    """When to stop waiting for a leg that executes slowly."""
    renew_at_ms: int | None = None
    """When to place it anew, because the exchange will end its triggers."""

    @derived
    def live(self) -> bool:
        return any(leg.live for leg in self.legs)

    @derived
    def sold_qty(self) -> Decimal:
        return sum((leg.filled_qty for leg in self.legs), ZERO)

    @derived
    def claim(self) -> Decimal:
        """How much of the held quantity this exit may still sell or has sold."""
        return max(self.qty, self.sold_qty) if self.live else self.sold_qty

    @derived
    def leaves_qty(self) -> Decimal:
        return self.claim - self.sold_qty

    @derived
    def stopped_qty(self) -> Decimal:
        """How much of what is left has a confirmed stop on the exchange that can still work.

        A stop for more than is left does not count: an exchange that locks nothing finds too little when it fires.
        """
        stops = (leg for leg in self.legs if leg.live and leg.confirmed and leg.sent)
        sizes = [leg.leaves_qty for leg in stops if leg.role is not Role.TAKE_PROFIT]
        return max((size for size in sizes if size <= self.leaves_qty), default=ZERO)

    @derived
    def targets(self) -> tuple[Order, ...]:
        return tuple(leg for leg in self.legs if leg.role is Role.TAKE_PROFIT)

    @derived
    def stops(self) -> tuple[Order, ...]:
        """More than one where a shared stop was placed anew."""
        return tuple(leg for leg in self.legs if leg.role is Role.STOP_LOSS)

    @property
    def stop(self) -> Order | None:
        """The stop that counts: the last one."""
        return self.stops[-1] if self.stops else None

    def claim_at(self, level: int) -> Decimal:
        """What of its claim belongs to one level of the plan."""
        if len(self.targets) <= 1:
            return self.claim if self.level == level else ZERO
        return sum((t.leaves_qty + t.filled_qty for t in self.targets if t.level == level), ZERO)


class Bracket(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One entry and what protects it; or, with `given_qty`, protection for what was held before."""

    bracket_id: str
    intent_id: str
    account_id: str
    user_id: str
    exchange: Exchange
    symbol: str
    instrument: Instrument
    plan: ExitPlan | None
    entry: Order | None = None
    given_qty: Decimal = ZERO
    reference_px: Decimal
    exits: tuple[Exit, ...] = ()
    next_generation: int = 0
    max_pairs: int
    """How many exit pairs this bracket may have waiting at once (the exchange's budget of algo orders)."""
    sell_now: Decimal = ZERO
    """Of what is held and free, how much must leave at market."""
    given_up_qty: Decimal = ZERO
    """Held by no exit when the user cancelled everything: theirs to look after."""
    missing_qty: Decimal = ZERO
    """Held by our count, but not on the account any more (sold or moved by hand)."""
    dust_px: Decimal | None = None
    """The market's price at which what is left was too little for the exchange to sell at all."""
    ladder: Ladder = Ladder()
    """What refused exits have taught since one was last confirmed."""
    protect_at_ms: int | None = None
    """When a growing partial fill is protected at the latest (debounce)."""
    bare_since_ms: int | None = None
    """Since when something of it has been unprotected."""
    alarm_at_ms: int | None = None
    """When that becomes overdue."""
    overdue: bool = False
    """It did, and has been told."""
    triggers_lock: bool = False
    """Waiting orders were seen to lock coins here: a target beside its stop is refused, so only stops are placed."""
    closed_reason: str | None = None
    opened_ms: int
    now_ms: int
    """The time of the latest event handled."""
    version: int = 0

    @derived
    def received_qty(self) -> Decimal:
        """What the entry delivered to sell: filled minus fees charged in base asset.

        Trades we know only by their total are assumed to have paid the taker fee in base, so that an exit is never
        larger than what arrived.
        """
        if self.entry is None:
            return self.given_qty
        if self.entry.side is Side.SELL:
            return ZERO
        unseen = max(self.entry.filled_qty - self.entry.itemised_qty, ZERO)
        fees = self.entry.fee_in(self.instrument.base) + unseen * self.instrument.taker_fee_rate
        return self.entry.filled_qty - fees

    @derived
    def sold_qty(self) -> Decimal:
        return sum((exit_.sold_qty for exit_ in self.exits), ZERO)

    @derived
    def released_qty(self) -> Decimal:
        """What the user has taken back: given up, or left over by exits they cancelled."""
        ended = (exit_ for exit_ in self.exits if exit_.released and not exit_.live)
        return self.given_up_qty + sum((max(exit_.qty - exit_.sold_qty, ZERO) for exit_ in ended), ZERO)

    @derived
    def held_qty(self) -> Decimal:
        """What is still held and ours to look after."""
        return max(self.received_qty - self.sold_qty - self.released_qty - self.missing_qty, ZERO)

    @derived
    def free_qty(self) -> Decimal:
        """Held in whole lots and covered by no exit."""
        claims = sum((exit_.claim for exit_ in self.exits), ZERO)
        return max(self.instrument.floor_qty(self.received_qty - claims - self.released_qty - self.missing_qty), ZERO)

    @derived
    def protected_qty(self) -> Decimal:
        """Held and covered by a confirmed exit with a working stop."""
        return min(sum((exit_.stopped_qty for exit_ in self.exits), ZERO), self.held_qty)

    @derived
    def guarded_qty(self) -> Decimal:
        """Held and watched over by the engine, on an exchange that cannot hold a stop itself."""
        if self.exit_style is not ExitStyle.HELD_STOP or self.plan is None:
            return ZERO
        return max(self.held_qty - self.protected_qty - self.dust_qty, ZERO)

    @derived
    def exit_style(self) -> ExitStyle:
        """How its exits are placed: as the plan says, else as the exchange does it best."""
        known = CAPABILITIES[self.exchange]
        chosen = self.plan.style if self.plan is not None else None
        if chosen not in known.exit_styles or (chosen is ExitStyle.PRESET and not self._takes_presets):
            return known.exit_style
        return chosen

    @property
    def _takes_presets(self) -> bool:
        """One target fits beside an entry; and nobody says what becomes of parts of one that rests in the book."""
        entry, plan = self.entry, self.plan
        if entry is None or plan is None or len(plan.levels) != 1:
            return False
        return entry.order_type is OrderType.MARKET or entry.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}

    @property
    def preset_basis_px(self) -> Decimal:
        """The price that preset levels count from: they are named before anybody knows what the entry will pay."""
        price = self.entry.price if self.entry is not None else None
        return price or self.reference_px

    @property
    def awaits_presets(self) -> bool:
        """Whether the exits are those that the entry brought along, and none were looked for yet."""
        return self.exit_style is ExitStyle.PRESET and self.entry is not None and not self.exits

    @derived
    def dust_qty(self) -> Decimal:
        """Held, but too little for the exchange to take an exit for it, at the lowest price the plan names."""
        rest = self.held_qty - sum((exit_.leaves_qty for exit_ in self.exits), ZERO)
        whole = self.instrument.floor_qty(rest)
        if whole <= 0:
            return max(rest, ZERO)
        px = self.avg_px or self.reference_px
        if self.plan is not None:
            px = min(px, lowest_exit_px(self.plan, self.instrument, px))
        px = min(px, self.dust_px or px)
        return rest if not self.instrument.sellable(whole, px) else ZERO

    @derived
    def unprotected_qty(self) -> Decimal:
        return max(self.held_qty - self.protected_qty - self.guarded_qty - self.dust_qty, ZERO)

    @derived
    def avg_px(self) -> Decimal | None:
        """The average entry price, before fees."""
        if self.entry is None:
            return self.reference_px if self.given_qty > 0 else None
        if self.entry.filled_qty <= 0:
            return None
        # A total that came without any price is valued by the price the order was sized by.
        return self.entry.quote_filled / self.entry.filled_qty or self.reference_px

    @derived
    def entry_live(self) -> bool:
        return self.entry is not None and self.entry.live

    @derived
    def live_exits(self) -> tuple[Exit, ...]:
        return tuple(exit_ for exit_ in self.exits if exit_.live)

    @derived
    def state(self) -> BracketState:
        if self.closed_reason is not None:
            return BracketState.CLOSED
        if self.held_qty <= 0:
            return BracketState.OPENING
        return BracketState.UNPROTECTED if self.unprotected_qty > 0 else BracketState.PROTECTED

    @derived
    def orders(self) -> tuple[Order, ...]:
        """All orders, the entry first."""
        exits = tuple(leg for exit_ in self.exits for leg in exit_.legs)
        return exits if self.entry is None else (self.entry, *exits)

    def order(self, client_order_id: str) -> Order | None:
        return next((order for order in self.orders if order.client_order_id == client_order_id), None)
