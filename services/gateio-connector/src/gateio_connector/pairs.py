"""Pairs and symbols: `BTC_USDT` there, `BTCUSDT` here. Where a symbol's quote begins is never guessed."""

from collections.abc import Iterable

from common.errors import UnreadableFrame
from common.instruments import Instrument


def symbol_of(pair: str) -> str:
    """Our symbol of a pair id. Raises UnreadableFrame for what is no pair id."""
    base, separator, quote = pair.partition("_")
    if not (base and separator and quote) or "_" in quote or len(pair) > 60:
        raise UnreadableFrame(f"currency_pair: {pair[:60]!r} is not BASE_QUOTE")
    return base + quote


class Listed:
    """The instruments as the exchange last listed them. Shared by the calls of all accounts."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Instrument] = {}

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """The exchange's whole list."""
        self._by_symbol = {instrument.symbol: instrument for instrument in instruments}

    def get(self, symbol: str) -> Instrument | None:
        """The instrument; None while the list is not read, and for symbols that are not in it."""
        return self._by_symbol.get(symbol)
