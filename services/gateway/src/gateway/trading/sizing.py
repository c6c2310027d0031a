"""From a size as a trader says it (a share of the balance, dollars, or a quantity) to a quantity in lots.

The rules, for a balance that is what the account has free:

- `sizePct` is a fraction (0.1 is 10 %) of the free quote asset for a buy, of the free base asset for a sell.
- `sizeUsd` is an amount of the quote asset, which must be a dollar coin.
- A market buy keeps `MARKET_BUY_KEEPS` of its budget for the price moving before it fills and for fees, so that it is
  never refused for want of the last cent: quantity = budget x 0.995 / ask, floored to the lot.
- A limit buy spends at most its budget at its own price. An exit order sells `balance x sizePct x 0.995`.
- `quoteOrderQty` is what a market buy spends, to the cent: the exchange finds the quantity.
- A quantity or price that is named is taken as it is, in whole steps of the symbol; only what is computed is floored.
"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from common.codec import plain
from common.instruments import ZERO, Instrument
from common.orders import OrderType, Side
from gateway.trading.plans import Market
from gateway.trading.refusals import insufficient, invalid, too_small
from gateway.trading.rules import check_px_steps, check_qty_steps

MARKET_BUY_KEEPS = Decimal("0.005")
OCO_BUFFER = Decimal("0.995")
"""The first system's rule: sell a little less than the balance shows, for fees not yet settled."""

DOLLARS = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "BUSD", "USD", "USD1", "DAI"})
ONE = Decimal(1)


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much: exactly one of the four."""

    pct: Decimal | None = None
    usd: Decimal | None = None
    qty: Decimal | None = None
    quote: Decimal | None = None
    """Of a market buy: what it spends."""

    @property
    def field(self) -> str:
        """The name of the one that is given, as the API spells it. Raises Refused unless it is exactly one."""
        given = [
            name
            for name, value in (
                ("sizePct", self.pct),
                ("sizeUsd", self.usd),
                ("quantity", self.qty),
                ("quoteOrderQty", self.quote),
            )
            if value is not None
        ]
        if len(given) != 1:
            rule = f"Exactly one of sizePct, sizeUsd and quantity says the size; {len(given)} are given."
            fix = "Keep one of them." if given else "Add one of them: sizePct 0.1 is 10 %."
            raise invalid(given[1] if given else "sizePct", rule, fix, code="SIZE_AMBIGUOUS")
        return given[0]


class Sized(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity in lots, the tick-true limit price, and the price the order is expected to fill at.

    With `quote_qty`, that is what the order spends, and the quantity is what it is expected to buy.
    """

    qty: Decimal
    quote_qty: Decimal | None = None
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
    limit = _limit_px(instrument, order_type, price)
    if size.quote is not None:
        return _by_value(size.quote, instrument, market, free, is_market_buy=side is Side.BUY and limit is None)
    entry_px = _entry_px(limit, market, side)
    if side is Side.BUY:
        spends = ONE - MARKET_BUY_KEEPS if limit is None else ONE
        qty = _buy_qty(size, instrument, free.get(instrument.quote, ZERO), limit or market.ask_px, spends)
    else:
        qty = _sell_qty(size, instrument, free.get(instrument.base, ZERO), limit or market.bid_px)
    _check_bounds(qty, limit or entry_px, instrument, order_type, field)
    return Sized(qty=qty, price=limit, entry_px=entry_px, field=field)


def expected_px(
    size: Size, instrument: Instrument, market: Market, *, side: Side, order_type: OrderType, price: Decimal | None
) -> Decimal:
    """The price at which such an order would fill, whoever places it.

    Raises Refused for a size or a price that no balance could mend.
    """
    _checked(size)
    return _entry_px(_limit_px(instrument, order_type, price), market, side)


def size_exits(size: Size, instrument: Instrument, free_base: Decimal) -> Decimal:
    """How much of a held asset exits may sell: balance x sizePct x 0.995, or the quantity named. Raises Refused."""
    field = _checked(size)
    if size.usd is not None:
        raise invalid("sizeUsd", "Exits are sized by what is held.", "Use sizePct or quantity.")
    if size.qty is not None:
        check_qty_steps(instrument, size.qty, field)
        if size.qty > free_base:
            raise insufficient(field, instrument.base, size.qty, free_base)
        return size.qty
    assert size.pct is not None, "exactly one of three is given"
    return instrument.floor_qty(free_base * size.pct * OCO_BUFFER)


def _checked(size: Size) -> str:
    field = size.field
    if size.pct is not None and not 0 < size.pct <= 1:
        rule = "sizePct is a fraction above 0 and at most 1."
        raise invalid(field, rule, "Write 10 % as 0.1.", code="SIZE_OUT_OF_RANGE")
    for value in (size.usd, size.qty, size.quote):
        if value is not None and value <= 0:
            raise invalid(field, f"{field} is above 0.", "Name a positive size.", code="SIZE_OUT_OF_RANGE")
    return field


def _entry_px(limit: Decimal | None, market: Market, side: Side) -> Decimal:
    if side is Side.BUY:
        return market.ask_px if limit is None else min(limit, market.ask_px)
    return market.bid_px if limit is None else max(limit, market.bid_px)


def _limit_px(instrument: Instrument, order_type: OrderType, price: Decimal | None) -> Decimal | None:
    """The limit price; None for a market order."""
    if order_type is OrderType.MARKET:
        if price is not None:
            raise invalid("price", "A MARKET order has no price.", "Leave price out, or make it a LIMIT order.")
        return None
    if price is None:
        raise invalid("price", f"A {order_type} order has a price.", "Add price, or make it a MARKET order.")
    if price <= 0:
        raise invalid("price", "A price is above 0.", "Name a positive price.")
    check_px_steps(instrument, price, "price")
    low, high = instrument.min_px, instrument.max_px
    if price < low or (high > 0 and price > high):
        rule = f"A price of {instrument.symbol} is at least {plain(max(low, instrument.tick_size))}"
        raise invalid("price", rule + (f" and at most {plain(high)}." if high else "."), "Name a price in this range.")
    return price


def _by_value(
    spent: Decimal, instrument: Instrument, market: Market, free: Mapping[str, Decimal], *, is_market_buy: bool
) -> Sized:
    field = "quoteOrderQty"
    if not is_market_buy:
        raise invalid(field, "Only a MARKET BUY is given by value.", "Name quantity instead.")
    if spent > free.get(instrument.quote, ZERO):
        raise insufficient(field, instrument.quote, spent, free.get(instrument.quote, ZERO))
    qty = instrument.floor_qty(spent / market.ask_px)
    smallest = max(instrument.min_notional, instrument.market_min_notional)
    if spent < smallest:
        raise too_small(field, "The order", qty, market.ask_px, instrument, worth=spent, smallest=smallest)
    _check_largest(qty, market.ask_px, instrument, OrderType.MARKET, field)
    return Sized(qty=qty, quote_qty=spent, price=None, entry_px=market.ask_px, field=field)


def _buy_qty(size: Size, instrument: Instrument, free: Decimal, px: Decimal, spends: Decimal) -> Decimal:
    """`spends` is the part of its budget that the order may use."""
    if size.qty is not None:
        check_qty_steps(instrument, size.qty, size.field)
        if size.qty * px > free * spends:
            raise insufficient(size.field, instrument.quote, size.qty * px / spends, free)
        return size.qty
    budget = free * size.pct if size.pct is not None else _dollars(size, instrument)
    if budget > free:
        raise insufficient(size.field, instrument.quote, budget, free)
    return instrument.floor_qty(budget * spends / px)


def _sell_qty(size: Size, instrument: Instrument, free: Decimal, px: Decimal) -> Decimal:
    if size.pct is not None:
        return instrument.floor_qty(free * size.pct)
    if size.qty is not None:
        check_qty_steps(instrument, size.qty, size.field)
    qty = size.qty if size.qty is not None else instrument.floor_qty(_dollars(size, instrument) / px)
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
        raise too_small(field, "The order", qty, px, instrument, smallest=smallest)
    _check_largest(qty, px, instrument, order_type, field)


def _check_largest(qty: Decimal, px: Decimal, instrument: Instrument, order_type: OrderType, field: str) -> None:
    market = order_type is OrderType.MARKET
    largest = min(
        (m for m in (instrument.max_qty, instrument.market_max_qty if market else ZERO) if m > 0), default=qty
    )
    if qty > largest:
        rule = f"The largest {order_type} order of {instrument.symbol} is {plain(largest)}; this one is {plain(qty)}."
        raise invalid(field, rule, "Reduce the size, or place several orders.", code="ORDER_TOO_LARGE")
    if instrument.max_notional and qty * px > instrument.max_notional:
        rule = f"The largest order of {instrument.symbol} is worth {plain(instrument.max_notional)} {instrument.quote}."
        raise invalid(field, rule, "Reduce the size, or place several orders.", code="ORDER_TOO_LARGE")
