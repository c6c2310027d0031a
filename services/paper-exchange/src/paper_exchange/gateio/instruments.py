"""What trades here: Gate.io's grids, and how its pairs are called."""

from collections.abc import Iterable
from decimal import Decimal

from paper_exchange.core.instruments import Instrument

PRICE_ORDERS_PER_PAIR = 50  # The number is not published.


def pair_of(instrument: Instrument) -> str:
    """The pair's id: `BTC_USDT`."""
    return f"{instrument.base}_{instrument.quote}"


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
        min_notional=Decimal(3) if quote == "USDT" else Decimal("0.00003"),
        max_notional=Decimal(5_000_000),
        min_px=tick,
        multiplier_up=Decimal(2),
        multiplier_down=Decimal("0.5"),
        max_algo_orders=PRICE_ORDERS_PER_PAIR,
    )


GATE_INSTRUMENTS = (
    _of("BTC", "USDT", ("98000", "0.1", "0.000001"), "9000", "100"),
    _of("ETH", "USDT", ("3500", "0.01", "0.0001"), "9000", "2000"),
    _of("BNB", "USDT", ("890", "0.1", "0.001"), "900000", "1500"),
    _of("SOL", "USDT", ("190", "0.01", "0.001"), "900000", "15000"),
    _of("ZEC", "USDT", ("450", "0.01", "0.001"), "90000", "2500"),
    _of("GT", "USDT", ("15", "0.001", "0.001"), "9000000", "150000"),
    _of("ETH", "BTC", ("0.03571", "0.00001", "0.0001"), "100000", "2000"),
)


def pairs_of(instruments: Iterable[Instrument]) -> dict[str, str]:
    """Pair ids to symbols; the symbol is base and quote without anything between them."""
    return {pair_of(instrument): instrument.symbol for instrument in instruments}
