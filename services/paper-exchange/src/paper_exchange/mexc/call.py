"""One request on its way through the face."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.mexc.errors import bad_symbol
from paper_exchange.mexc.keys import ApiKey
from paper_exchange.mexc.params import Params
from paper_exchange.mexc.venue import Venue


@dataclass(frozen=True, slots=True)
class Call:
    """The venue, the parameters, the moment, and (on signed calls) the key."""

    venue: Venue
    params: Params
    now_ms: int
    key: ApiKey | None = None

    @property
    def signer(self) -> ApiKey:
        """The key of a signed call."""
        assert self.key is not None
        return self.key

    @property
    def account(self) -> Account:
        """The account of a signed call."""
        return self.venue.exchange.ledger.accounts[self.signer.uid]

    def market(self) -> Market:
        """The market of the mandatory `symbol`. Raises: 33333, -1121."""
        return self.market_of(self.params.need("symbol"))

    def market_of(self, symbol: str) -> Market:
        """A market by its name. Raises: -1121."""
        market = self.venue.exchange.markets.get(symbol)
        if market is None:
            raise bad_symbol()
        return market

    def optional_symbol(self) -> str | None:
        """`symbol` when it was sent. Raises: -1121."""
        symbol = self.params.text("symbol")
        return None if symbol is None else self.market_of(symbol).instrument.symbol

    def wrapped(self, data: Any) -> dict[str, Any]:
        """The envelope of some endpoints; their success code is 0 or 200."""
        code = self.venue.switches.success_code
        return {"data": data, "code": code, "msg": "success", "timestamp": self.now_ms}


Run = Callable[[Call], Any]
