"""P1 to P3 in every state a history can reach: any order of facts, repeats, losses, refusals, partial fills."""

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from common.commands import (
    AdoptOrder,
    CancelAllOrders,
    Command,
    CommandBase,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from common.errors import ErrorCategory
from common.exchanges import CAPABILITIES, Exchange, ExitStyle, Residency
from common.orders import OrderFact, OrderType, Side
from common.protection import BracketState
from order_engine.bracket import Bracket
from order_engine.decide import decide, next_wake_ms
from order_engine.events import AskAll, CancelWanted, Event, Observed, PriceSeen, Ticked
from order_engine.opening import open_bracket
from order_engine.testing.builders import BTCUSDT, NOW_MS, a_plan, an_intent
from order_engine.testing.model_exchange import ModelExchange

REFUSALS = [
    ErrorCategory.PRICE_RELATION,
    ErrorCategory.TOO_MANY_ORDERS,
    ErrorCategory.FILTER,
    ErrorCategory.RATE_LIMITED,
    ErrorCategory.UNCLASSIFIED,
    ErrorCategory.EXCHANGE_DOWN,
    ErrorCategory.AUTH,
    ErrorCategory.EXPIRED,
]


def told_briefly(bracket: Bracket) -> str:
    """What matters of a bracket when a property fails."""
    orders = ", ".join(f"{o.client_order_id[17:]}:{o.status}:{o.cum_qty}/{o.qty}" for o in bracket.orders)
    amounts = f"held {bracket.held_qty} protected {bracket.protected_qty} free {bracket.free_qty}"
    return f"{bracket.state} v{bracket.version} {amounts} sell_now {bracket.sell_now} [{orders}]"


PLANS = [
    a_plan(),
    a_plan(("104000", "95000", "1")),
    a_plan(("103000", "95000", "0.2"), ("104000", "96000", "0.3"), ("106000", "97000", "0.5")),
    a_plan(stop_loss_type=OrderType.STOP_LOSS_LIMIT),
]
DAY_MS = 86_400_000
TARGETS = {
    Exchange.BINANCE: OrderType.LIMIT_MAKER,
    Exchange.BITGET: OrderType.TAKE_PROFIT,
    Exchange.GATEIO: OrderType.TAKE_PROFIT_LIMIT,
    Exchange.MEXC: OrderType.LIMIT,
}


def _chain(command: Command) -> str:
    """What a connector carries out one after the other."""
    named = (getattr(command, name, None) for name in ("list_client_order_id", "client_order_id"))
    return next((name for name in named if name is not None), "")


class World:
    """One bracket, one exchange, and a network between them that misbehaves as the history says."""

    def __repr__(self) -> str:
        return told_briefly(self.bracket)

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.now_ms = NOW_MS
        name = draw(st.sampled_from(Exchange))
        self.exchange = ModelExchange(
            "account-1",
            exchange=name,
            fee_in_base=draw(st.booleans()),
            presets_appear=draw(st.booleans()),
            triggers_lock=CAPABILITIES[name].triggers_lock_balance is None and draw(st.integers(0, 3)) == 3,
        )
        style = draw(st.sampled_from(CAPABILITIES[name].exit_styles))
        limit = style is not ExitStyle.PRESET and draw(st.booleans())
        qty = draw(st.sampled_from(["0.01", "0.00011", "0.02003", "0.5"]))
        intent = an_intent(
            qty,
            order_type=OrderType.LIMIT if limit else OrderType.MARKET,
            price=Decimal(100_000) if limit else None,
            exchange=name,
            instrument=msgspec.structs.replace(BTCUSDT, exchange=name),
            plan=msgspec.structs.replace(
                PLANS[1] if style is ExitStyle.PRESET else draw(st.sampled_from(PLANS)),
                take_profit_type=TARGETS[name],
                style=style,
            ),
        )
        in_use = draw(st.sampled_from([0, 0, 0, 3]))
        bracket, effects = open_bracket(intent, algo_orders_in_use=in_use, cause="intent", now_ms=NOW_MS)
        assert bracket is not None
        self.opened = bracket
        self.bracket: Bracket = bracket
        self.commands: list[Command] = []
        self.facts: list[OrderFact] = []
        self.events: list[Event] = []
        self.seen_facts: list[OrderFact] = []
        self._take(effects)

    def feed(self, event: Event) -> None:
        self.events.append(event)
        self.bracket, effects = decide(self.bracket, event)
        self._take(effects)
        self.check()

    def _take(self, effects: tuple[Any, ...]) -> None:
        self.commands += [effect for effect in effects if isinstance(effect, CommandBase)]  # type: ignore[misc]

    def check(self) -> None:
        bracket, exchange = self.bracket, self.exchange
        # P2: what is sold and what open exits could still sell never exceed what arrived. Two unlinked triggers may
        # both be open for a moment after one has sold; then the other finds nothing.
        assert exchange.sold <= exchange.bought
        if CAPABILITIES[exchange.exchange].exit_style is not ExitStyle.TRIGGER_PAIR:
            assert exchange.sold + exchange.may_still_sell <= exchange.bought
            assert sum(exit_.claim for exit_ in bracket.exits) <= bracket.received_qty
        else:
            # A shared stop is never placed anew beside the one it replaces.
            assert sum(order.leaves_qty for order in exchange.orders.values() if order.stops) <= exchange.bought
        # P3: no client id is ever submitted twice.
        assert len(exchange.submitted) == len(set(exchange.submitted))
        # P1, the books: what is held is protected, unprotected or dust, and nothing is negative.
        parts = (bracket.protected_qty, bracket.unprotected_qty, bracket.dust_qty)
        assert all(part >= 0 for part in parts)
        assert bracket.protected_qty <= bracket.held_qty
        # The exchange's budget of waiting orders is kept.
        waiting = sum(o.order_type.waits_for_trigger for o in exchange.open_orders())
        assert waiting <= 5 or self.exchange.exchange is not Exchange.BINANCE

    def step(self) -> None:
        move = self.draw(
            st.sampled_from(
                ["command"] * 4
                + ["fact"] * 6
                + ["fill_entry"] * 2
                + [
                    "fill_exit",
                    "fill_exit",
                    "stop",
                    "price",
                    "repeat",
                    "lose",
                    "tick",
                    "refuse",
                    "by_hand",
                    "forget",
                    "cancel_entry",
                ]
            )
        )
        getattr(self, move)()

    def command(self) -> None:
        if self.commands:
            # Those about one order keep their order, all others overtake each other.
            chosen = self.commands[self.draw(st.integers(0, len(self.commands) - 1))]
            first = next(n for n, each in enumerate(self.commands) if _chain(each) == _chain(chosen))
            self.facts += self.exchange.handle(self.commands.pop(first), self.now_ms)

    def fact(self) -> None:
        if self.facts:
            fact = self.facts.pop(self.draw(st.integers(0, len(self.facts) - 1)))
            self.seen_facts.append(fact)
            self.feed(Observed(cause="fact", now_ms=self.now_ms, fact=fact))

    def repeat(self) -> None:
        if self.seen_facts:
            self.feed(Observed(cause="again", now_ms=self.now_ms, fact=self.draw(st.sampled_from(self.seen_facts))))

    def lose(self) -> None:
        if self.facts:
            self.facts.pop(self.draw(st.integers(0, len(self.facts) - 1)))

    def forget(self) -> None:
        self.facts.clear()
        self.feed(AskAll(cause="broker", now_ms=self.now_ms))

    def tick(self) -> None:
        self.now_ms += self.draw(st.sampled_from([1, 250, 1_500, 30_000, 28 * DAY_MS]))
        self.feed(Ticked(cause="tick", now_ms=self.now_ms))

    def refuse(self) -> None:
        if self.bracket.entry is not None and self.bracket.entry.confirmed:
            self.exchange.refuse_next.append(self.draw(st.sampled_from(REFUSALS)))

    def fill_entry(self, part: Decimal | None = None) -> None:
        self._fill([o for o in self.exchange.open_orders() if o.side is Side.BUY], part)

    def fill_exit(self) -> None:
        self._fill([o for o in self.exchange.open_orders() if o.order_type in TARGETS.values()])

    def stop(self) -> None:
        self._fill([o for o in self.exchange.open_orders() if o.order_type.value.startswith("STOP")])

    def price(self) -> None:
        px = self.draw(st.sampled_from([Decimal(94_000), Decimal(95_500), Decimal(100_000)]))
        self.feed(PriceSeen(cause="price", now_ms=self.now_ms, px=px))

    def _fill(self, orders: list[Any], part: Decimal | None = None) -> None:
        if orders:
            order = self.draw(st.sampled_from(orders))
            part = part or self.draw(st.sampled_from([Decimal(1), Decimal(1), Decimal("0.3")]))
            qty = max((order.qty * part).quantize(Decimal("0.00001")), Decimal("0.00001"))
            self.facts += self.exchange.fill(order.client_order_id, qty)

    def by_hand(self) -> None:
        orders = self.exchange.open_orders()
        if orders and self.draw(st.integers(0, 3)) == 0:
            self.facts += self.exchange.expire(self.draw(st.sampled_from(orders)).client_order_id)

    def cancel_entry(self) -> None:
        assert self.bracket.entry is not None
        self.feed(CancelWanted(cause="user", now_ms=self.now_ms, client_order_id=self.bracket.entry.client_order_id))

    def arrive(self) -> None:
        """The entry fills at once and everything under way arrives: what is held is protected."""
        for _ in range(40):
            if self.commands:
                self.command()
            elif self.facts:
                self.feed(Observed(cause="fact", now_ms=self.now_ms, fact=self.facts.pop(0)))
            else:
                self.fill_entry(part=Decimal(1))

    def come_to_rest(self) -> None:
        """The network heals: everything under way arrives, time passes, nothing more is lost or refused.

        Renewals of triggers, weeks ahead, go on for ever, and so do questions about what the exchange placed itself.
        """
        self.exchange.refuse_next.clear()
        idle = 0
        for _ in range(400):
            if self.commands:
                self.command()
            elif self.facts:
                fact = self.facts.pop(0)
                self.feed(Observed(cause="fact", now_ms=self.now_ms, fact=fact))
            elif (wake_ms := next_wake_ms(self.bracket)) is not None and wake_ms - self.now_ms < DAY_MS and idle < 20:
                self.now_ms = max(self.now_ms, wake_ms)
                self.feed(Ticked(cause="tick", now_ms=self.now_ms))
                idle = idle + 1 if all(isinstance(each, QueryOrder | AdoptOrder) for each in self.commands) else 0
            else:
                return
        raise AssertionError(f"the bracket does not come to rest: {told_briefly(self.bracket)}")


@st.composite
def worlds(draw: Any) -> World:
    world = World(draw)
    if draw(st.booleans()):
        world.arrive()
        if draw(st.booleans()):
            world.fill_exit()
    for _ in range(draw(st.integers(0, 40))):
        world.step()
    return world


@settings(max_examples=400, deadline=None)
@given(worlds())
def test_whatever_happens_what_is_held_is_protected_or_dust_once_the_network_heals(world: World) -> None:
    world.feed(AskAll(cause="heal", now_ms=world.now_ms))
    world.come_to_rest()
    bracket = world.bracket
    assert bracket.unprotected_qty == 0, told_briefly(bracket)
    assert world.exchange.sold + world.exchange.may_still_sell <= world.exchange.bought
    assert bracket.state in {BracketState.PROTECTED, BracketState.CLOSED, BracketState.OPENING}
    # What the engine believes is what the exchange knows.
    assert bracket.sold_qty == world.exchange.sold
    assert bracket.entry is not None
    entry = world.exchange.orders.get(bracket.entry.client_order_id)
    assert bracket.entry.filled_qty == (entry.cum_qty if entry else 0)
    on_exchange = {o.client_order_id for o in world.exchange.open_orders()}
    sent = [order for order in bracket.orders if order.residency is Residency.EXCHANGE]
    assert {order.client_order_id for order in sent if order.live} == on_exchange


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_a_replayed_history_gives_the_same_bracket(world: World) -> None:
    bracket = world.opened
    for event in world.events:
        bracket, _ = decide(bracket, event)
    assert bracket == world.bracket


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_facts_told_twice_change_nothing(world: World) -> None:
    once, twice = world.opened, world.opened
    for event in world.events:
        once, effects_once = decide(once, event)
        twice, effects_first = decide(twice, event)
        assert effects_first == effects_once
        if not isinstance(event, Observed):
            continue
        twice, effects_second = decide(twice, event)
        submits = [e for e in effects_second if isinstance(e, SubmitOrder | SubmitOrderList | CancelAllOrders)]
        assert submits == []
    assert once == twice
