"""Which error labels prove that nothing was done, and what each means: the allowlist, as data.

Whatever is not in this table is Unknown, never a refusal. Labels that may also answer a repetition of a request that
was done (REPEATED_CREATION and its kin) are left out on purpose: they are Unknown, and the order is looked up.
"""

from typing import Final

from common.errors import ErrorCategory

REPEAT_REQUEST: Final = "REPEAT_REQUEST"

_LABELS: Final[dict[ErrorCategory, tuple[str, ...]]] = {
    ErrorCategory.BAD_REQUEST: (
        "INVALID_PARAM_VALUE",
        "INVALID_ARGUMENT",
        "INVALID_REQUEST_BODY",
        "MISSING_REQUIRED_PARAM",
        "BAD_REQUEST",
        "INVALID_PROTOCOL",
        "METHOD_NOT_ALLOWED",
        "NOT_FOUND",
        "NOT_ACCEPTABLE",
        "INVALID_CONTENT_TYPE",
        "TOO_MANY_CURRENCY_PAIRS",
        "MIXED_ACCOUNT_TYPE",
    ),
    ErrorCategory.FILTER: ("INVALID_PRECISION", "AMOUNT_TOO_LITTLE", "AMOUNT_TOO_MUCH", "PRICE_THRESHOLD_EXCEEDED"),
    ErrorCategory.PRICE_RELATION: (
        "AUTO_TRIGGER_PRICE_GREATE_LAST",
        "AUTO_TRIGGER_PRICE_LESS_LAST",
        "POC_FILL_IMMEDIATELY",
    ),
    ErrorCategory.TOO_MANY_ORDERS: ("TOO_MANY_ORDERS",),
    ErrorCategory.INVALID_SYMBOL: ("INVALID_CURRENCY", "INVALID_CURRENCY_PAIR"),
    ErrorCategory.INSUFFICIENT_BALANCE: ("BALANCE_NOT_ENOUGH", "QUANTITY_NOT_ENOUGH", "MARGIN_BALANCE_NOT_ENOUGH"),
    ErrorCategory.AUTH: (
        "INVALID_KEY",
        "INVALID_SIGNATURE",
        "INVALID_CREDENTIALS",
        "MISSING_REQUIRED_HEADER",
        "AUTHENTICATION_FAILED",
        "IP_FORBIDDEN",
    ),
    ErrorCategory.PERMISSION: ("FORBIDDEN", "READ_ONLY", "ACCOUNT_LOCKED", "REQUEST_FORBIDDEN", "TRADE_RESTRICTED"),
    ErrorCategory.CLOCK: ("REQUEST_EXPIRED",),
    ErrorCategory.NOT_FOUND: ("ORDER_NOT_FOUND", "CLIENT_ID_NOT_FOUND", "AUTO_ORDER_NOT_FOUND"),
    ErrorCategory.ALREADY_CLOSED: ("ORDER_CLOSED", "ORDER_CANCELLED", "CANCEL_FAIL"),
    ErrorCategory.MARKET_CLOSED: ("ORDER_BOOK_NOT_FOUND",),
    ErrorCategory.RATE_LIMITED: ("TOO_MANY_REQUESTS", "TOO_FAST"),
    ErrorCategory.UNCLASSIFIED: ("FOK_NOT_FILL", "INITIAL_MARGIN_TOO_LOW"),
}
_BY_LABEL: Final = {label: category for category, labels in _LABELS.items() for label in labels}


def category_of(label: str) -> ErrorCategory | None:
    """What a label means; None where it proves nothing."""
    return _BY_LABEL.get(label)
