"""Requests to intents: pure, so that what would be sent can be tested without sending it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from common import ids
from common.exchanges import ExitStyle
from common.exits import ExitPlan
from common.instruments import ZERO, Instrument
from common.intents import PlaceExits, PlaceOrder
from common.market import Ticker
from common.orders import OrderType, Side, TimeInForce
from gateway.ports import Account
from gateway.trading.oco import check_both_legs, oco_plan
from gateway.trading.plans import Market, plan_for, preview
from gateway.trading.refusals import invalid, too_small
from gateway.trading.requests import PlaceOcoBody
from gateway.trading.rules import check_order_type, check_tradable
from gateway.trading.sizing import Sized, expected_px, size_exits, size_order
from gateway.trading.wishes import OrderWish


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as what, and until when it counts."""

    intent_id: str
    account: Account
    now_ms: int
    valid_until_ms: int

    @property
    def fields(self) -> dict[str, Any]:
        """What every intent says."""
        return {
            "intent_id": self.intent_id,
            "user_id": self.account.user_id,
            "account_id": self.account.account_id,
            "exchange": self.account.exchange,
            "ts_init_ms": self.now_ms,
            "valid_until_ms": self.valid_until_ms,
        }

    @property
    def bracket_id(self) -> str:
        """The bracket the intent will open."""
        return ids.bracket_id(self.account.account_id, self.intent_id)


def market_of(ticker: Ticker | None, symbol: str) -> Market:
    """The prices to size by. Raises Refused when the market has none."""
    last, bid, ask = (ticker.last_px, ticker.bid_px, ticker.ask_px) if ticker else (None, None, None)
    last = last or bid or ask
    if last is None:
        rule = f"{symbol} has no price at the moment."
        raise invalid("symbol", rule, "Wait until it trades again.", code="NO_PRICE")
    return Market(last_px=last, bid_px=bid or last, ask_px=ask or last)


def place_order(
    wish: OrderWish, stamp: Stamp, instrument: Instrument, market: Market, free: Mapping[str, Decimal]
) -> PlaceOrder:
    """An entry sized in lots; a buy has a plan whose exits can exist. Raises Refused."""
    _check_kind(wish, instrument)
    sized = size_order(
        wish.size, instrument, market, free, side=wish.side, order_type=wish.order_type, price=wish.price
    )
    plan = _plan(wish, sized, instrument, market) if wish.side is Side.BUY else None
    return PlaceOrder(
        **stamp.fields,
        symbol=instrument.symbol,
        side=wish.side,
        order_type=wish.order_type,
        qty=sized.qty if sized.quote_qty is None else None,
        quote_qty=sized.quote_qty,
        price=sized.price,
        time_in_force=_time_in_force(wish),
        plan=plan,
        instrument=instrument,
        reference_px=sized.entry_px,
        signal_id=wish.signal_id,
    )


def check_wish(wish: OrderWish, instrument: Instrument, market: Market) -> None:
    """Refuse an order that no account could have, whatever its balance. Raises Refused."""
    _check_kind(wish, instrument)
    _time_in_force(wish)
    entry_px = expected_px(wish.size, instrument, market, side=wish.side, order_type=wish.order_type, price=wish.price)
    if wish.side is Side.BUY:
        plan_for(wish.wanted, instrument, entry_px=entry_px, market=market)


def place_exits(
    body: PlaceOcoBody, stamp: Stamp, instrument: Instrument, market: Market, free: Mapping[str, Decimal]
) -> PlaceExits:
    """An exit pair on what is held. Raises Refused."""
    check_tradable(instrument)
    if body.side is not Side.SELL:
        raise invalid("side", "An OCO order here sells what is held.", "Set side to SELL, or leave it out.")
    plan = oco_plan(body.above, body.below, instrument, market)
    qty = size_exits(body.size, instrument, free.get(instrument.base, ZERO))
    if qty <= 0:
        raise too_small(body.size.field, "The order", qty, market.last_px, instrument)
    check_both_legs(plan, qty, instrument, body.size.field)
    return PlaceExits(
        **stamp.fields,
        symbol=instrument.symbol,
        qty=qty,
        plan=plan,
        instrument=instrument,
        reference_px=market.last_px,
    )


def _check_kind(wish: OrderWish, instrument: Instrument) -> None:
    check_tradable(instrument)
    check_order_type(instrument, wish.order_type)
    if wish.side is Side.SELL and wish.exit_field:
        rule = "Take-profit and stop protect a purchase."
        raise invalid(wish.exit_field, rule, "Leave it out, or protect holdings with place-oco-order.")


def _plan(wish: OrderWish, sized: Sized, instrument: Instrument, market: Market) -> ExitPlan:
    if wish.wanted.style is ExitStyle.PRESET and not wish.ends_at_once:
        rule = "Exits that an entry brings along belong to orders that end at once: MARKET, or LIMIT with IOC or FOK."
        raise invalid("exitStyle", rule, "Choose another exitStyle, or another type of order.")
    plan = plan_for(wish.wanted, instrument, entry_px=sized.entry_px, market=market)
    preview(plan, instrument, qty=sized.qty, entry_px=sized.entry_px, field=sized.field)
    return plan


def _time_in_force(wish: OrderWish) -> TimeInForce | None:
    if wish.order_type is OrderType.LIMIT:
        return wish.time_in_force or TimeInForce.GTC
    if wish.time_in_force is not None:
        raise invalid("timeInForce", f"A {wish.order_type} order has no time in force.", "Leave timeInForce out.")
    return None
