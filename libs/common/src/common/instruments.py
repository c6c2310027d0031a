"""What may be traded and in which steps; rounding that never sells more than is held."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec

from common.exchanges import Exchange
from common.orders import OrderType

ZERO = Decimal(0)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `value`; a zero step means the rule is off."""
    if step <= 0:
        return value
    return (value / step).to_integral_value(rounding=ROUND_FLOOR) * step


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` that is not below `value`; a zero step means the rule is off."""
    if step <= 0:
        return value
    return (value / step).to_integral_value(rounding=ROUND_CEILING) * step


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one symbol. Zero means that a bound or step is off."""

    exchange: Exchange
    symbol: str
    """Our name, base and quote glued: BTCUSDT."""
    exchange_symbol: str
    """The exchange's own name: BTCUSDT, BTC_USDT."""
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_qty: Decimal = ZERO
    max_qty: Decimal = ZERO
    market_max_qty: Decimal = ZERO
    min_px: Decimal = ZERO
    max_px: Decimal = ZERO
    min_notional: Decimal = ZERO
    """Smallest price x quantity of one order, in quote asset."""
    max_notional: Decimal = ZERO
    market_min_notional: Decimal = ZERO
    max_algo_orders: int = 0
    """Waiting stop and take-profit orders allowed on this symbol; 0 means no limit is known."""
    max_order_lists: int = 0
    max_orders: int = 0
    order_types: tuple[OrderType, ...] = ()
    oco_allowed: bool = False
    tradable: bool = True
    taker_fee_rate: Decimal = Decimal("0.001")
    """Assumed for fills whose fee is not known yet, so that exits are never sized above what arrived."""

    def floor_qty(self, qty: Decimal) -> Decimal:
        """Quantity in whole lots, never more than given."""
        return floor_to(qty, self.lot_size)

    def floor_px(self, px: Decimal) -> Decimal:
        """Price in whole ticks, never above the given one."""
        return floor_to(px, self.tick_size)

    def ceil_px(self, px: Decimal) -> Decimal:
        """Price in whole ticks, never below the given one."""
        return ceil_to(px, self.tick_size)

    def sellable(self, qty: Decimal, px: Decimal) -> bool:
        """Whether an order of this quantity at this price is large enough for the exchange to take it."""
        return qty > 0 and qty >= self.min_qty and qty * px >= self.min_notional
