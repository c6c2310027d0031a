"""What can be traded, and within which limits."""

from dataclasses import dataclass
from decimal import Decimal

from paper_exchange.core.money import is_multiple
from paper_exchange.core.refusals import Reason, Refused


@dataclass(frozen=True, slots=True)
class Instrument:
    """One symbol with its grid and limits; `start_px` is where its market opens."""

    symbol: str
    base: str
    quote: str
    start_px: Decimal
    tick: Decimal
    step: Decimal
    min_qty: Decimal
    max_qty: Decimal
    market_max_qty: Decimal
    min_notional: Decimal
    min_px: Decimal
    max_px: Decimal = Decimal(1_000_000)
    max_notional: Decimal = Decimal(9_000_000)
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")
    max_orders: int = 200
    max_algo_orders: int = 5
    max_lists: int = 20

    def check_px(self, px: Decimal) -> None:
        """Refuse a price (or stop price) out of bounds or off the tick."""
        if not (self.min_px <= px <= self.max_px and is_multiple(px, self.tick)):
            raise Refused(Reason.PRICE_FILTER)

    def check_px_near(self, px: Decimal, reference: Decimal) -> None:
        """Refuse a limit price too far from `reference` in either direction."""
        if not reference * self.multiplier_down <= px <= reference * self.multiplier_up:
            raise Refused(Reason.PERCENT_PRICE)

    def check_qty(self, qty: Decimal) -> None:
        """Refuse a quantity out of bounds or off the step."""
        if not (self.min_qty <= qty <= self.max_qty and is_multiple(qty, self.step)):
            raise Refused(Reason.LOT_SIZE)

    def check_market_qty(self, qty: Decimal) -> None:
        """Refuse a market order above its own, lower, limit."""
        if qty > self.market_max_qty:
            raise Refused(Reason.MARKET_LOT_SIZE)

    def check_notional(self, notional: Decimal, *, is_market: bool) -> None:
        """Refuse a value below the minimum, or above the maximum unless it is a market order."""
        if notional < self.min_notional or (notional > self.max_notional and not is_market):
            raise Refused(Reason.NOTIONAL)


def _of(base: str, quote: str, px_and_grid: tuple[str, str, str], most: str, market_most: str) -> Instrument:
    px, tick, step = map(Decimal, px_and_grid)
    return Instrument(
        symbol=base + quote,
        base=base,
        quote=quote,
        start_px=px,
        tick=tick,
        step=step,
        min_qty=step,
        max_qty=Decimal(most),
        market_max_qty=Decimal(market_most),
        min_notional=Decimal(5) if quote == "USDT" else Decimal("0.0001"),
        min_px=tick,
    )


DEFAULT_INSTRUMENTS = (
    _of("BTC", "USDT", ("98000", "0.01", "0.00001"), "9000", "96.3180251"),
    _of("ETH", "USDT", ("3500", "0.01", "0.0001"), "9000", "1900.5"),
    _of("BNB", "USDT", ("890", "0.01", "0.001"), "900000", "1500"),
    _of("SOL", "USDT", ("190", "0.01", "0.001"), "900000", "15000"),
    _of("ZEC", "USDT", ("450", "0.01", "0.001"), "90000", "2500"),
    _of("ETH", "BTC", ("0.03571", "0.00001", "0.0001"), "100000", "2000"),
)
