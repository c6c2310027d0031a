"""How the demo speaks of each exchange: what protects a trade there, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

EVERYWHERE: Final = "all"


@dataclass(frozen=True)
class Venue:
    """One exchange of the demo. The words complete the sentences of the steps."""

    exchange: str
    pair: str
    """What an exit pair is called."""
    stopped: str
    """What happened when the stop was reached."""
    partner: str
    """How the other leg of a pair ends."""
    events: frozenset[str]
    """What a frontend hears of a protected trade, at least."""

    @property
    def name(self) -> str:
        """As the API spells it."""
        return self.exchange.upper()


_EVENTS: Final = frozenset({"order_update", "auto_oco_placed", "protection_update"})
VENUES: Final[Mapping[str, Venue]] = MappingProxyType(
    {
        venue.exchange: venue
        for venue in (
            Venue(
                exchange="binance",
                pair="OCO list",
                stopped="the exchange ended the other leg of its list",
                partner="its stop went with it",
                events=_EVENTS | {"list_status_update"},
            ),
            Venue(
                exchange="bitget",
                pair="Pair of triggers",
                stopped="its trigger placed a market order",
                partner="the engine cancelled the stop of its pair",
                events=_EVENTS,
            ),
            Venue(
                exchange="gateio",
                pair="Pair of triggers",
                stopped="its trigger placed a limit order priced to sell at once",
                partner="the engine cancelled the stop of its pair",
                events=_EVENTS,
            ),
            Venue(
                exchange="mexc",
                pair="Target with engine-held stop",
                stopped="the engine saw the price, cancelled the target and sold at market",
                partner="the engine gave its stop up",
                events=_EVENTS,
            ),
        )
    }
)


def venues_named(exchange: str) -> tuple[Venue, ...]:
    """The exchange, or every one for `all`; none for a name that is not known."""
    if exchange.lower() == EVERYWHERE:
        return tuple(VENUES.values())
    venue = VENUES.get(exchange.lower())
    return () if venue is None else (venue,)
