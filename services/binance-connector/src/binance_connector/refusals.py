"""Which error codes prove that nothing was done, and what each means: the allowlist, as data.

Whatever is not in these tables is Unknown, never a refusal. Binance puts many refusals under one code (-1013, -2010,
-2011, -2038); there its documented texts are the discriminator, and this table is the only place that knows them. A
text we do not know under such a code is a refusal all the same, but unclassified ("Error codes for Binance").
"""

from common.errors import ErrorCategory

_BAD_PARAMETERS = (
    -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1111, -1112, -1114, -1115, -1116, -1117, -1118, -1119,
    -1120, -1122, -1127, -1128, -1130, -1134, -1135, -1139, -1145, -1151,
)  # fmt: skip
_BAD_LISTS = (-1158, -1160, -1165, -1166, -1167, -1168, -1196, -1197, -1198, -1199)
_BAD_EXTRAS = (-1210, -1211, -1220, -1222, -1223, -1224, -1225)

BY_CODE: dict[int, ErrorCategory] = {
    **dict.fromkeys((*_BAD_PARAMETERS, *_BAD_LISTS, *_BAD_EXTRAS), ErrorCategory.BAD_REQUEST),
    -1002: ErrorCategory.PERMISSION,
    -1003: ErrorCategory.RATE_LIMITED,
    -1013: ErrorCategory.FILTER,
    -1014: ErrorCategory.BAD_REQUEST,
    -1015: ErrorCategory.RATE_LIMITED,
    -1016: ErrorCategory.EXCHANGE_DOWN,
    -1020: ErrorCategory.BAD_REQUEST,
    -1021: ErrorCategory.CLOCK,
    -1022: ErrorCategory.AUTH,
    -1034: ErrorCategory.RATE_LIMITED,
    -1121: ErrorCategory.INVALID_SYMBOL,
    # Not in the current list any more, but still answered for keys the exchange does not know.
    -2008: ErrorCategory.AUTH,
    -2010: ErrorCategory.UNCLASSIFIED,
    -2011: ErrorCategory.UNCLASSIFIED,
    -2013: ErrorCategory.NOT_FOUND,
    -2014: ErrorCategory.AUTH,
    -2015: ErrorCategory.AUTH,
    -2016: ErrorCategory.MARKET_CLOSED,
    # Ended more than 90 days ago without a fill, and archived since.
    -2026: ErrorCategory.ALREADY_CLOSED,
    -2035: ErrorCategory.BAD_REQUEST,
    -2036: ErrorCategory.BAD_REQUEST,
    -2038: ErrorCategory.UNCLASSIFIED,
    -2039: ErrorCategory.BAD_REQUEST,
    -2042: ErrorCategory.BAD_REQUEST,
    -2043: ErrorCategory.BAD_REQUEST,
}

_FILTERS_OF_COUNT = (
    "MAX_NUM_ORDERS",
    "MAX_NUM_ALGO_ORDERS",
    "MAX_NUM_ICEBERG_ORDERS",
    "MAX_NUM_ORDER_LISTS",
    "EXCHANGE_MAX_NUM_ORDERS",
    "EXCHANGE_MAX_NUM_ALGO_ORDERS",
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS",
    "EXCHANGE_MAX_NUM_ORDER_LISTS",
)
_NOT_SUPPORTED = (
    "Market orders are not supported for this symbol.",
    "Iceberg orders are not supported for this symbol.",
    "Stop loss orders are not supported for this symbol.",
    "Stop loss limit orders are not supported for this symbol.",
    "Take profit orders are not supported for this symbol.",
    "Take profit limit orders are not supported for this symbol.",
    "Trailing stop orders are not supported for this symbol.",
    "Pegged orders are not supported for this symbol.",
    "OCO orders are not supported for this symbol",
    "OCO orders are not supported for this symbol.",
    "OPO orders are not supported for this symbol.",
    # Spelled so by the exchange.
    "Quote order qty market orders are not support for this symbol.",
    "Order cancel-replace is not supported for this symbol.",
    "Unsupported order combination",
    "IcebergQty exceeds QTY.",
    "This order type may not use pegged price.",
    "This price peg cannot be used with this order type.",
)
_NOT_PERMITTED = (
    "This action is disabled on this account.",
    "This account may not place or cancel orders.",
    "This symbol is not permitted for this account.",
    "This symbol is restricted for this account.",
    "Rest API trading is not enabled.",
    "WebSocket API trading is not enabled.",
)
_CLOSED = (
    "Market is closed.",
    "This order type is not possible in this trading phase.",
    "Limit orders require GTC for this phase.",
)
_WRONG_SIDE = (
    "Order would trigger immediately.",
    "Order would immediately match and take.",
    "The relationship of the prices for the orders is not correct.",
)
_TOO_THIN = (
    "Price * QTY is zero or less.",
    "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
    "Order book liquidity is less than `MARKET_LOT_SIZE` filter minimum quantity.",
    "Order book liquidity is less than symbol minimum quantity.",
    "Order book liquidity is too low for this pegged order.",
    "Filter failure: MAX_POSITION",
)


def _under(code: int, texts: tuple[str, ...], category: ErrorCategory) -> dict[tuple[int, str], ErrorCategory]:
    return {(code, text): category for text in texts}


BY_TEXT: dict[tuple[int, str], ErrorCategory] = {
    **_under(-1013, tuple(f"Filter failure: {name}" for name in _FILTERS_OF_COUNT), ErrorCategory.TOO_MANY_ORDERS),
    **_under(-2010, tuple(f"Filter failure: {name}" for name in _FILTERS_OF_COUNT), ErrorCategory.TOO_MANY_ORDERS),
    **_under(-2010, _NOT_SUPPORTED, ErrorCategory.BAD_REQUEST),
    **_under(-2010, _NOT_PERMITTED, ErrorCategory.PERMISSION),
    **_under(-2010, _CLOSED, ErrorCategory.MARKET_CLOSED),
    **_under(-2010, _WRONG_SIDE, ErrorCategory.PRICE_RELATION),
    **_under(-2010, _TOO_THIN, ErrorCategory.FILTER),
    **_under(-2011, _NOT_PERMITTED, ErrorCategory.PERMISSION),
    (-2010, "Account has insufficient balance for requested action."): ErrorCategory.INSUFFICIENT_BALANCE,
    # An order with this client id is open: a first attempt arrived, or the id was used by hand.
    (-2010, "Duplicate order sent."): ErrorCategory.DUPLICATE_ID,
    (-2011, "Market is closed."): ErrorCategory.MARKET_CLOSED,
    # The cancel found nothing open: the order may well be filled, so whoever reads this asks.
    (-2011, "Unknown order sent."): ErrorCategory.NOT_FOUND,
    (-2011, "Order was not canceled due to cancel restrictions."): ErrorCategory.BAD_REQUEST,
    (-2011, "Cancel order is invalid. Check origClOrdId and orderId."): ErrorCategory.BAD_REQUEST,
    (-2038, "Filter failure: MAX_NUM_ORDER_AMENDS"): ErrorCategory.FILTER,
    (-2038, "The requested action would change no state; rejecting"): ErrorCategory.BAD_REQUEST,
    (-2038, "Order amend (quantity increase) is not supported."): ErrorCategory.BAD_REQUEST,
}

OVERLOADED = -1008
"""Documented as "try again", its HTTP status undocumented: a refusal only where the status says so (4xx)."""


def category_of(code: int, text: str, status: int) -> ErrorCategory | None:
    """What a refusal means, or None if the code does not prove that nothing was done."""
    if code == OVERLOADED:
        return ErrorCategory.EXCHANGE_DOWN if 400 <= status < 500 else None
    return BY_TEXT.get((code, text)) or BY_CODE.get(code)
