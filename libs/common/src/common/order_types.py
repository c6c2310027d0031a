"""The kinds of orders, apart from orders so that what an exchange takes can be said in the same words."""

from enum import StrEnum


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"

    @property
    def waits_for_trigger(self) -> bool:
        """Whether the order waits for a price before it works (exchanges count these as algo orders)."""
        return self.value.startswith(("STOP_LOSS", "TAKE_PROFIT"))
