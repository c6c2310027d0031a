"""What the traders of a history do: intents as the gateway makes them, and things done by hand on the exchange."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from common import ids
from common.bus.messages import Outgoing
from common.bus.topics import ORDER_INTENTS
from common.connector.ports import Call, ExchangeInfo, SignedRequest
from common.exchanges import Exchange
from common.exits import PriceTarget
from common.instruments import Instrument
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, IntentBase, PlaceExits, PlaceOrder
from common.orders import OrderType, Side, TimeInForce
from gateway.trading.plans import Market, Wanted, plan_for
from gateway.trading.service import intent_message
from paper_exchange.core.orders import Order
from paper_exchange.core.refusals import Refused
from paper_exchange.core.trigger import Trigger
from paper_exchange.core.triggers import TriggerExchange
from tests.simulation.broker import MemoryBroker
from tests.simulation.determinism import world_ms
from tests.simulation.exchanges import BASE, SYMBOL, Venue
from tests.simulation.network import Request
from tests.simulation.plan import Step, What

_VALID_MS: Final = 30_000
_NOBODY: Final = None
_NEAR: Final = Decimal("1.02")
"""How far above a bid the market may be when part of it fills, as a factor."""


def account_id(exchange: Exchange, number: int) -> str:
    """The id of an account of a history."""
    return f"{exchange}-{number}"


async def read_instrument(venue: Venue, symbol: str = SYMBOL) -> Instrument:
    """The rules of the symbol, as a connector reads them."""
    dialect = venue.dialect()
    now_ms = venue.server.now_ms()
    call: Call[Any] = dialect.fetch_instruments()
    while True:
        signed: SignedRequest = dialect.sign(call.request, _NOBODY, now_ms)
        answer = call.read(await venue.network.handle(Request(signed, lambda: None)), now_ms)
        if not isinstance(answer, Call):
            break
        call = answer
    assert isinstance(answer, ExchangeInfo), answer
    return next(each for each in answer.instruments if each.symbol == symbol)


@dataclass
class Traders:
    """Everybody who trades in a history."""

    venues: dict[Exchange, Venue]
    instruments: dict[Exchange, Instrument]
    broker: MemoryBroker

    def __post_init__(self) -> None:
        self.intents: dict[str, IntentBase] = {}

    def act(self, step: Step, twice: bool) -> None:
        """Do what a step says; an intent may be published twice, as a gateway does that was not told it arrived."""
        venue = self.venues[step.exchange]
        match step.what:
            case What.PART:
                self._fill_part(venue, step)
            case What.HAND_CANCEL:
                self._cancel_by_hand(venue, step)
            case What.HAND_SELL:
                self._sell_by_hand(venue, step)
            case _:
                intent = self._intent(venue, step)
                if intent is not None:
                    self._publish(intent, twice)

    # -- intents ----------------------------------------------------------------------------------------------------

    def _publish(self, intent: IntentBase, twice: bool) -> None:
        self.intents[intent.intent_id] = intent
        message = intent_message(intent)
        self.deliver(message)
        if twice:
            self.broker.loop.later(1.2, self.deliver, message)
            self.broker.loop.later(4.0, self.deliver, message)

    def awaited(self) -> list[IntentBase]:
        """The intents that must be decided: all but those the broker had acknowledged and then forgot."""
        kept = {
            raw.ce_id for place, log in self.broker.logs.items() if place[0] == ORDER_INTENTS.name for raw in log.raws
        }
        return [intent for intent in self.intents.values() if intent.intent_id in kept]

    def deliver(self, message: Outgoing) -> None:
        """As an outbox does: until the broker has it."""
        if self.broker.up:
            self.broker.append(message)
        else:
            self.broker.loop.later(0.3, self.deliver, message)

    def _intent(self, venue: Venue, step: Step) -> IntentBase | None:
        now_ms = world_ms(self.broker.loop)
        about: dict[str, Any] = {
            "intent_id": f"intent-{step.number}",
            "user_id": f"user-{step.account}",
            "account_id": account_id(step.exchange, step.account),
            "exchange": step.exchange,
            "symbol": SYMBOL,
            "ts_init_ms": now_ms,
            "valid_until_ms": now_ms + _VALID_MS,
        }
        match step.what:
            case What.BUY | What.BID | What.PROTECT:
                return self._entry(venue, step, about)
            case What.CANCEL_ALL:
                return CancelAllOrdersIntent(**about)
            case _:
                leg = ids.Leg.ENTRY if step.what is What.CANCEL_ENTRY else ids.Leg.STOP_LOSS
                places = [each for each in self.intents.values() if isinstance(each, PlaceOrder)]
                mine = [each for each in places if each.account_id == about["account_id"]]
                if not mine:
                    return None
                bracket_id = ids.bracket_id(mine[-1].account_id, mine[-1].intent_id)
                return CancelOrderIntent(**about, client_order_id=ids.client_order_id(bracket_id, leg, 0))

    def _entry(self, venue: Venue, step: Step, about: dict[str, Any]) -> IntentBase:
        instrument, market = self.instruments[step.exchange], venue.server.exchange.markets[SYMBOL]
        last = market.last
        bids = step.what is What.BID
        px = instrument.floor_px(last * Decimal("0.99")) if bids else last
        levels = 1 + step.number % 3
        wanted = Wanted(
            take_profits=tuple(PriceTarget(pct=Decimal(pct)) for pct in ("2.5", "4", "6")[:levels]),
            stop_loss=PriceTarget(pct=Decimal(-4)),
        )
        plan = plan_for(wanted, instrument, entry_px=px, market=Market(last_px=last, bid_px=last, ask_px=last))
        qty = instrument.floor_qty(Decimal(str(step.amount)) / px)
        if step.what is What.PROTECT:
            deposit = qty * Decimal("1.01")
            venue.server.exchange.adjust(venue.uids[about["account_id"]], BASE, deposit, venue.server.now_ms())
            return PlaceExits(**about, qty=qty, plan=plan, instrument=instrument, reference_px=px)
        return PlaceOrder(
            **about,
            side=Side.BUY,
            order_type=OrderType.LIMIT if bids else OrderType.MARKET,
            qty=qty,
            price=px if bids else None,
            time_in_force=TimeInForce.GTC if bids else None,
            plan=plan,
            instrument=instrument,
            reference_px=px,
        )

    # -- the market, and other hands --------------------------------------------------------------------------------

    def _resting(self, venue: Venue, step: Step, side: str) -> list[Order]:
        account = venue.server.exchange.ledger.accounts[venue.uids[account_id(step.exchange, step.account)]]
        return [each for each in account.open_orders.values() if each.side == side]

    def _fill_part(self, venue: Venue, step: Step) -> None:
        exchange, now_ms = venue.server.exchange, venue.server.now_ms()
        market = exchange.markets[SYMBOL]
        resting = [order for order in self._resting(venue, step, "BUY") if order.is_working]
        # Nobody sells to one who pays less than others do, or much less than the market.
        if resting and resting[0].px == market.bids.best_px() and market.mark <= resting[0].px * _NEAR:
            order, step_qty = resting[0], market.instrument.step
            qty = (order.leaves_qty * Decimal(str(step.amount)) / step_qty).to_integral_value() * step_qty
            if qty > 0:
                exchange.fill(order, qty, now_ms)
                exchange.settle(now_ms)

    def _cancel_by_hand(self, venue: Venue, step: Step) -> None:
        exchange, now_ms = venue.server.exchange, venue.server.now_ms()
        uid = venue.uids[account_id(step.exchange, step.account)]
        armed: list[Trigger] = exchange.armed(uid) if isinstance(exchange, TriggerExchange) else []
        exits = self._resting(venue, step, "SELL")
        try:
            if armed and isinstance(exchange, TriggerExchange):
                exchange.cancel_trigger(armed[step.number % len(armed)], now_ms)
            elif exits:
                exchange.cancel(exits[step.number % len(exits)], "", now_ms)
        except Refused:
            return
        exchange.settle(now_ms)

    def _sell_by_hand(self, venue: Venue, step: Step) -> None:
        """Free what is locked, and sell a share of everything."""
        exchange, now_ms = venue.server.exchange, venue.server.now_ms()
        uid = venue.uids[account_id(step.exchange, step.account)]
        for order in self._resting(venue, step, "SELL"):
            if order.is_open:
                exchange.cancel(order, "", now_ms)
        exchange.settle(now_ms)
        free = exchange.ledger.accounts[uid].balance(BASE).free
        grid = exchange.markets[SYMBOL].instrument.step
        qty = (free * Decimal(str(abs(step.amount))) / grid).to_integral_value(rounding="ROUND_FLOOR") * grid
        if qty > 0:
            exchange.adjust(uid, BASE, -qty, now_ms)
