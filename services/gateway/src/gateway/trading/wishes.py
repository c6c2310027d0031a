"""One order as a trader wishes it, whichever endpoint heard the words."""

from decimal import Decimal

import msgspec

from common.exchanges import ExitStyle
from common.orders import OrderType, Side, TimeInForce
from gateway.trading.defaults import completed
from gateway.trading.plans import Wanted
from gateway.trading.sizing import Size


class OrderWish(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of it is checked against the market yet."""

    symbol: str
    side: Side
    order_type: OrderType
    size: Size
    price: Decimal | None
    time_in_force: TimeInForce | None
    wanted: Wanted
    exit_field: str | None
    """The first field that speaks of exits; None when none does."""
    credential_id: str | None
    signal_id: str | None = None

    def completed_by(self, own: Wanted | None) -> "OrderWish":
        """The wish with the user's own defaults where it leaves the exits open, and as far as they suit it."""
        wanted = completed(self.wanted, own)
        suits = self.ends_at_once and len(wanted.take_profits or (None,)) == 1
        if wanted.style is ExitStyle.PRESET and self.wanted.style is None and not suits:
            wanted = msgspec.structs.replace(wanted, style=None)
        return msgspec.structs.replace(self, wanted=wanted)

    @property
    def ends_at_once(self) -> bool:
        """Whether nothing of it can come to rest in the book."""
        return self.order_type is OrderType.MARKET or self.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
