"""One request on its way through the face, whichever transport brought it."""

from dataclasses import dataclass
from typing import Any

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.keys import ApiKey
from paper_exchange.gateio.limits import Pool, Usage
from paper_exchange.gateio.switches import Switches
from paper_exchange.gateio.venue import Venue


@dataclass(slots=True)
class Call:
    """The venue, the parameters, the moment, and (on signed calls) the key; `name` is the path's last part."""

    venue: Venue
    query: Fields
    body: Any
    name: str
    now_ms: int
    key: ApiKey | None = None
    default_text: str = "apiv4"
    usage: Usage | None = None

    @property
    def uid(self) -> int:
        """The account of a signed call."""
        assert self.key is not None
        return self.key.uid

    @property
    def account(self) -> Account:
        """The same, with its orders and balances."""
        return self.venue.exchange.ledger.accounts[self.uid]

    @property
    def switches(self) -> Switches:
        """How the doubts are decided at present."""
        return self.venue.switches

    def market(self, fields: Fields, name: str = "currency_pair") -> Market:
        """The market of a mandatory pair. Raises: MISSING_REQUIRED_PARAM, INVALID_CURRENCY_PAIR."""
        return self.venue.market(fields.need(name))

    def optional_symbol(self, name: str = "currency_pair") -> str | None:
        """The symbol of the query's pair, or None. Raises: INVALID_CURRENCY_PAIR."""
        pair = self.query.text(name)
        return None if pair is None else self.venue.market(pair).instrument.symbol

    def spend(self, pool: Pool, who: str, count: int = 1) -> None:
        """Count requests against a limit. Raises: limits.Exceeded."""
        self.usage = self.venue.meter.spend(pool, who, count, self.now_ms)
