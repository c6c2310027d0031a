"""One request on its way through the face."""

from dataclasses import dataclass
from typing import Any

from paper_exchange.bitget.errors import ApiError, no_symbol, refusal
from paper_exchange.bitget.keys import ApiKey
from paper_exchange.bitget.params import Params
from paper_exchange.bitget.switches import Switches
from paper_exchange.bitget.venue import Venue
from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.refusals import Refused
from paper_exchange.core.triggers import TriggerExchange

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """The venue, the moment, the body (or query) as sent, and (on private calls) who asks."""

    venue: Venue
    sent: Any
    now_ms: int
    key: ApiKey | None = None

    @property
    def params(self) -> Params:
        """The fields of the one object that most requests are. Raises: 40017 for another shape."""
        return Params(self.sent)

    @property
    def exchange(self) -> TriggerExchange:
        """The matching core."""
        return self.venue.exchange

    @property
    def switches(self) -> Switches:
        """How the doubts stand."""
        return self.venue.switches

    @property
    def uid(self) -> int:
        """Who asks, on a private call."""
        assert self.key is not None
        return self.key.uid

    @property
    def account(self) -> Account:
        """The account of who asks."""
        return self.exchange.ledger.accounts[self.uid]

    def market(self, params: Params | None = None) -> Market:
        """The market of the mandatory `symbol`. Raises: 40019, 40034."""
        return self.market_of((params or self.params).need("symbol"))

    def market_of(self, symbol: str) -> Market:
        """The market of a symbol. Raises: 40034."""
        market = self.exchange.markets.get(symbol)
        if market is None:
            raise no_symbol(symbol)
        return market

    def markets(self) -> list[Market]:
        """The market of the optional `symbol`, or all. Raises: 40034."""
        symbol = self.params.text("symbol")
        return list(self.exchange.markets.values()) if symbol is None else [self.market_of(symbol)]

    def refused(self, refused: Refused, market: Market) -> ApiError:
        """The error that words a refusal of the core."""
        return refusal(refused.reason, market.instrument)
