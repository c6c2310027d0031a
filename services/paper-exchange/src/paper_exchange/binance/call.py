"""One request on its way through the face, whichever transport brought it."""

from dataclasses import dataclass

from paper_exchange.binance.errors import bad_symbol
from paper_exchange.binance.keys import ApiKey
from paper_exchange.binance.limits import Limits, Meter
from paper_exchange.binance.params import Params
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market


@dataclass(slots=True)
class Call:
    """The exchange, the parameters, the moment, and (on signed calls) the account and key."""

    exchange: Exchange
    meter: Meter
    params: Params
    now_ms: int
    key: ApiKey | None = None
    orders_placed: int = 0

    @property
    def limits(self) -> Limits:
        """The exchange's limits."""
        return self.meter.limits

    @property
    def signer(self) -> ApiKey:
        """The key of a signed call."""
        assert self.key is not None
        return self.key

    @property
    def account(self) -> Account:
        """The account of a signed call."""
        return self.exchange.ledger.accounts[self.signer.uid]

    def market(self) -> Market:
        """The market of the mandatory `symbol`. Raises: -1102, -1121."""
        market = self.exchange.markets.get(self.params.need("symbol"))
        if market is None:
            raise bad_symbol()
        return market

    def check_room(self, number: int) -> None:
        """Is there room for `number` more orders. Raises: -1015."""
        self.meter.check_orders(self.signer.uid, number, self.now_ms)

    def count_orders(self, number: int) -> None:
        """Count `number` placed orders, which the response then reports."""
        self.meter.count_orders(self.signer.uid, number, self.now_ms)
        self.orders_placed += number
