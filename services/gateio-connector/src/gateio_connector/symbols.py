"""`currency_pairs` to instruments. A rule that is null or zero is off."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from common.connector.amounts import amount
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderType
from gateio_connector.frames import PairRow
from gateio_connector.pairs import symbol_of

_ORDER_TYPES: Final = tuple(OrderType)
_MOST_DECIMALS: Final = 30


def instruments_of(rows: Iterable[PairRow]) -> tuple[Instrument, ...]:
    """All pairs that can be read. Two pairs that would be one symbol are both left out, and so is a pair with a broken
    rule, or of a unified market with several quotes: an order there could not be meant safely."""
    found: dict[str, Instrument] = {}
    ambiguous: set[str] = set()
    for row in rows:
        try:
            instrument = instrument_of(row)
        except UnreadableFrame:
            continue
        if instrument.symbol in found:
            ambiguous.add(instrument.symbol)
        found[instrument.symbol] = instrument
    return tuple(instrument for symbol, instrument in found.items() if symbol not in ambiguous)


def instrument_of(row: PairRow) -> Instrument:
    """The rules of one pair. Raises UnreadableFrame."""
    if row.trade_quotes:
        raise UnreadableFrame("trade_quotes: a market with several quotes")
    if row.id != f"{row.base}_{row.quote}":
        raise UnreadableFrame("id: not BASE_QUOTE")
    min_notional = amount(row.min_quote_amount, "min_quote_amount")
    return Instrument(
        exchange=Exchange.GATEIO,
        symbol=symbol_of(row.id),
        exchange_symbol=row.id,
        base=row.base,
        quote=row.quote,
        tick_size=_step(row.precision, "precision"),
        lot_size=_step(row.amount_precision, "amount_precision"),
        min_qty=amount(row.min_base_amount, "min_base_amount"),
        max_qty=amount(row.max_base_amount, "max_base_amount"),
        market_max_qty=amount(row.market_order_max_stock, "market_order_max_stock"),
        min_notional=min_notional,
        max_notional=amount(row.max_quote_amount, "max_quote_amount"),
        market_min_notional=min_notional,
        order_types=_ORDER_TYPES,
        tradable=row.trade_status == "tradable",
        # `fee` is deprecated and in percent; it is the only rate that is known without a key.
        taker_fee_rate=amount(row.fee, "fee") / 100 or Decimal("0.002"),
    )


def _step(decimals: int, name: str) -> Decimal:
    if not 0 <= decimals <= _MOST_DECIMALS:
        raise UnreadableFrame(f"{name}: 0 to {_MOST_DECIMALS} decimals")
    return Decimal(1).scaleb(-decimals) if decimals else Decimal(1)
