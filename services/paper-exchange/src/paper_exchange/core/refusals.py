"""Why the core will not do something; each face words it in its own protocol."""

from enum import Enum, auto


class Reason(Enum):
    """The rule that an order or a cancel broke."""

    PRICE_FILTER = auto()
    PERCENT_PRICE = auto()
    LOT_SIZE = auto()
    MARKET_LOT_SIZE = auto()
    NOTIONAL = auto()
    MAX_NUM_ORDERS = auto()
    MAX_NUM_ALGO_ORDERS = auto()
    MAX_NUM_ORDER_LISTS = auto()
    ZERO_NOTIONAL = auto()
    INSUFFICIENT_BALANCE = auto()
    DUPLICATE_CLIENT_ORDER_ID = auto()
    WOULD_TAKE = auto()
    WOULD_TRIGGER = auto()
    BAD_OCO_PRICES = auto()
    MARKET_CLOSED = auto()
    NOT_OPEN = auto()
    CANCEL_RESTRICTED = auto()
    NO_LIQUIDITY = auto()


class Refused(Exception):
    """The core refused a command and changed nothing."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.name)
        self.reason = reason
