"""From a size as a trader says it (a share of the balance, dollars, or a quantity) to a quantity in lots.

The rules, for a balance that is what the account has free:

- `sizePct` is a fraction (0.1 is 10 %) of the free quote asset for a buy, of the free base asset for a sell.
- `sizeUsd` is an amount of the quote asset, which must be a dollar coin.
- A market buy keeps `MARKET_BUY_KEEPS` of its budget for the price moving before it fills and for fees, so that it is
  never refused for want of the last cent: quantity = budget x 0.995 / ask, floored to the lot.
- A limit buy spends at most its budget at its own price. An exit order sells `balance x sizePct x 0.995`.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from common.codec import plain
from common.instruments import ZERO, Instrument
from common.orders import OrderType, Side
from gateway.trading.plans import Market
from gateway.trading.refusals import insufficient, invalid, too_small

MARKET_BUY_KEEPS = Decimal("0.005")
OCO_BUFFER = Decimal("0.995")
"""The first system's rule: sell a little less than the balance shows, for fees not yet settled."""

DOLLARS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "USD1", "DAI"})
ONE = Decimal(1)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much: exactly one of the three."""

    pct: Decimal | None = None
    usd: Decimal | None = None
    qty: Decimal | None = None

    @property
    def field(self) -> str:
        """The name of the one that is given, as the API spells it. Raises Refused unless it is exactly one."""
        given = [
            name
            for name, value in (("sizePct", self.pct), ("sizeUsd", self.usd), ("quantity", self.qty))
            if value is not None
        ]
        if len(given) != 1:
            rule = f"Exactly one of sizePct, sizeUsd and quantity says the size; {len(given)} are given."
            raise invalid(given[1] if given else "sizePct", rule, "Keep one of them.", code="SIZE_AMBIGUOUS")
        return given[0]


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity in lots, the tick-true limit price, and the price the order is expected to fill at."""

    qty: Decimal
    price: Decimal | None
    entry_px: Decimal
    field: str


def size_order(
    size: Size,
    instrument: Instrument,
    market: Market,
    free: Mapping[str, Decimal],
    *,
    side: Side,
    order_type: OrderType,
    price: Decimal | None,
) -> Sized:
    """The quantity of a MARKET or LIMIT order. Raises Refused naming the field at fault."""
    field = _checked(size)
    limit = _limit_px(instrument, side, order_type, price)
    if side is Side.BUY:
        entry_px = market.ask_px if limit is None else min(limit, market.ask_px)
        spends = ONE - MARKET_BUY_KEEPS if limit is None else ONE
        qty = _buy_qty(size, instrument, free.get(instrument.quote, ZERO), limit or market.ask_px, spends)
    else:
        entry_px = market.bid_px if limit is None else max(limit, market.bid_px)
        qty = _sell_qty(size, instrument, free.get(instrument.base, ZERO), limit or market.bid_px)
    _check_bounds(qty, limit or entry_px, instrument, order_type, field)
    return Sized(qty=qty, price=limit, entry_px=entry_px, field=field)


def size_exits(size: Size, instrument: Instrument, free_base: Decimal) -> Decimal:
    """How much of a held asset exits may sell: balance x sizePct x 0.995, or the quantity named. Raises Refused."""
    field = _checked(size)
    if size.usd is not None:
        raise invalid("sizeUsd", "Exits are sized by what is held.", "Use sizePct or quantity.")
    if size.qty is not None:
        qty = instrument.floor_qty(size.qty)
        if qty > free_base:
            raise insufficient(field, instrument.base, qty, free_base)
        return qty
    assert size.pct is not None, "exactly one of three is given"
    return instrument.floor_qty(free_base * size.pct * OCO_BUFFER)


def _checked(size: Size) -> str:
    field = size.field
    if size.pct is not None and not 0 < size.pct <= 1:
        rule = "sizePct is a fraction above 0 and at most 1."
        raise invalid(field, rule, "Write 10 % as 0.1.", code="SIZE_OUT_OF_RANGE")
    for value in (size.usd, size.qty):
        if value is not None and value <= 0:
            raise invalid(field, f"{field} is above 0.", "Name a positive size.", code="SIZE_OUT_OF_RANGE")
    return field


def _limit_px(instrument: Instrument, side: Side, order_type: OrderType, price: Decimal | None) -> Decimal | None:
    """The limit price in ticks, rounded to the trader's advantage; None for a market order."""
    if order_type is OrderType.MARKET:
        if price is not None:
            raise invalid("price", "A MARKET order has no price.", "Leave price out, or make it a LIMIT order.")
        return None
    if price is None:
        raise invalid("price", "A LIMIT order has a price.", "Add price, or make it a MARKET order.")
    if price <= 0:
        raise invalid("price", "A price is above 0.", "Name a positive price.")
    rounded = instrument.floor_px(price) if side is Side.BUY else instrument.ceil_px(price)
    low, high = instrument.min_px, instrument.max_px
    if rounded <= 0 or rounded < low or (high > 0 and rounded > high):
        rule = f"A price of {instrument.symbol} is at least {plain(max(low, instrument.tick_size))}"
        raise invalid("price", rule + (f" and at most {plain(high)}." if high else "."), "Name a price in this range.")
    return rounded


def _buy_qty(size: Size, instrument: Instrument, free: Decimal, px: Decimal, spends: Decimal) -> Decimal:
    """`spends` is the part of its budget that the order may use."""
    if size.qty is not None:
        qty = instrument.floor_qty(size.qty)
        if qty * px > free * spends:
            raise insufficient(size.field, instrument.quote, qty * px / spends, free)
        return qty
    budget = free * size.pct if size.pct is not None else _dollars(size, instrument)
    if budget > free:
        raise insufficient(size.field, instrument.quote, budget, free)
    return instrument.floor_qty(budget * spends / px)


def _sell_qty(size: Size, instrument: Instrument, free: Decimal, px: Decimal) -> Decimal:
    if size.pct is not None:
        return instrument.floor_qty(free * size.pct)
    wanted = size.qty if size.qty is not None else _dollars(size, instrument) / px
    qty = instrument.floor_qty(wanted)
    if qty > free:
        raise insufficient(size.field, instrument.base, qty, free)
    return qty


def _dollars(size: Size, instrument: Instrument) -> Decimal:
    if instrument.quote not in DOLLARS:
        rule = f"sizeUsd needs a pair priced in a dollar coin; {instrument.symbol} is priced in {instrument.quote}."
        raise invalid("sizeUsd", rule, "Use sizePct or quantity.")
    assert size.usd is not None, "exactly one of three is given"
    return size.usd


def _check_bounds(qty: Decimal, px: Decimal, instrument: Instrument, order_type: OrderType, field: str) -> None:
    market = order_type is OrderType.MARKET
    smallest = max(instrument.min_notional, instrument.market_min_notional if market else ZERO)
    if not instrument.sellable(qty, px) or qty * px < smallest:
        raise too_small(field, "The order", qty, px, msgspec.structs.replace(instrument, min_notional=smallest))
    largest = min(
        (m for m in (instrument.max_qty, instrument.market_max_qty if market else ZERO) if m > 0), default=qty
    )
    if qty > largest:
        rule = f"The largest {order_type} order of {instrument.symbol} is {plain(largest)}; this one is {plain(qty)}."
        raise invalid(field, rule, "Reduce the size, or place several orders.", code="ORDER_TOO_LARGE")
    if instrument.max_notional and qty * px > instrument.max_notional:
        rule = f"The largest order of {instrument.symbol} is worth {plain(instrument.max_notional)} {instrument.quote}."
        raise invalid(field, rule, "Reduce the size, or place several orders.", code="ORDER_TOO_LARGE")
