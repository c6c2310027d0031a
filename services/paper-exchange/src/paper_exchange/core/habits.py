"""Where exchanges differ inside the core."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Habits:
    """The ways of one exchange; the defaults are Binance's."""

    shared_ids_after: int | None = None
    """Order and trade ids count over all symbols from here on; None counts them per symbol, from 1."""
    accepts_takers_as_makers: bool = False
    """A post-only order that would trade at once is accepted and then ends, instead of being refused."""
    fees_in: Literal["received", "quote"] = "received"
    """What a fee is paid in when not in the discount asset; a purchase with quote fees locks its fee as well."""
    unique_client_ids: bool = True
    """A client order id that an open order has is refused."""
    discount_asset: str = "BNB"
    discount: Decimal = Decimal("0.75")


BINANCE = Habits()
