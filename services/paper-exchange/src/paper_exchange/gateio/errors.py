"""What Gate.io answers when it does not do as asked (section 11): a label, a message and an HTTP status."""

from paper_exchange.core.refusals import Reason

_STATUS = {
    "INVALID_KEY": 401, "INVALID_SIGNATURE": 401, "INVALID_CREDENTIALS": 401, "MISSING_REQUIRED_HEADER": 401,
    "AUTHENTICATION_FAILED": 401, "REQUEST_EXPIRED": 403, "FORBIDDEN": 403, "READ_ONLY": 403, "IP_FORBIDDEN": 403,
    "ORDER_NOT_FOUND": 404, "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405, "TOO_MANY_REQUESTS": 429, "INTERNAL": 500,
    "SERVER_ERROR": 500,
}  # fmt: skip


class ApiError(Exception):
    """An answer other than success; the status follows from the label unless it is given."""

    def __init__(self, label: str, message: str, status: int | None = None) -> None:
        super().__init__(f"{label}: {message}")
        self.label, self.message, self.status = label, message, status or _STATUS.get(label, 400)

    def body(self) -> dict[str, str]:
        """The JSON body; batch answers carry the same two fields per element."""
        return {"label": self.label, "message": self.message}


_REFUSALS = {
    Reason.PRICE_FILTER: ("INVALID_PRECISION", "Invalid price precision"),
    Reason.PERCENT_PRICE: ("PRICE_THRESHOLD_EXCEEDED", "Order price exceeds the allowed range"),
    Reason.LOT_SIZE: ("INVALID_PRECISION", "Invalid amount precision"),
    Reason.MARKET_LOT_SIZE: ("AMOUNT_TOO_MUCH", "Market order amount is too large"),
    Reason.NOTIONAL: ("INVALID_PARAM_VALUE", "Your order size is too small"),
    Reason.ZERO_NOTIONAL: ("AMOUNT_TOO_LITTLE", "Order amount is too small"),
    Reason.MAX_NUM_ORDERS: ("TOO_MANY_ORDERS", "Too many open orders"),
    Reason.MAX_NUM_ALGO_ORDERS: ("TOO_MANY_ORDERS", "Too many open price orders"),
    Reason.INSUFFICIENT_BALANCE: ("BALANCE_NOT_ENOUGH", "Not enough balance"),
    Reason.WOULD_TAKE: ("POC_FILL_IMMEDIATELY", "POC order would be filled immediately"),
    Reason.MARKET_CLOSED: ("TRADE_RESTRICTED", "Trading of this currency pair is restricted"),
    Reason.NOT_OPEN: ("ORDER_CLOSED", "Order already closed"),
    Reason.NO_LIQUIDITY: ("ORDER_BOOK_NOT_FOUND", "Not enough liquidity"),
}


def refusal(reason: Reason) -> ApiError:
    """The core's refusal in Gate.io's words."""
    return ApiError(*_REFUSALS[reason])


def bad_value(name: str, value: object) -> ApiError:
    """A parameter has a value that it cannot have."""
    return ApiError("INVALID_PARAM_VALUE", f"Invalid parameter `{name}` with value: {value}")


def bad_argument(name: str, reason: str = "") -> ApiError:
    """The same, as price orders word it."""
    return ApiError("INVALID_PARAM_VALUE", f"invalid argument: {name}{' ' if reason else ''}{reason}")


def missing(name: str) -> ApiError:
    """A mandatory parameter is absent."""
    return ApiError("MISSING_REQUIRED_PARAM", f"Missing required parameter: {name}")


def bad_body() -> ApiError:
    """The body is not the JSON that this call takes."""
    return ApiError("INVALID_REQUEST_BODY", "Invalid request body")


def missing_header(name: str) -> ApiError:
    """A private call without one of its headers."""
    return ApiError("MISSING_REQUIRED_HEADER", f"Missing required header: {name}")


def bad_key() -> ApiError:
    """Nobody has this key."""
    return ApiError("INVALID_KEY", "Invalid key provided")


def bad_signature() -> ApiError:
    """The signature does not fit."""
    return ApiError("INVALID_SIGNATURE", "Signature mismatch")


def expired() -> ApiError:
    """The timestamp is more than a minute away, or the request came after its own `x-gate-exptime`."""
    return ApiError("REQUEST_EXPIRED", "gap between request Timestamp and server time exceeds 60")


def bad_pair(name: str) -> ApiError:
    """No such currency pair."""
    return ApiError("INVALID_CURRENCY_PAIR", f"Invalid currency pair {name}")


def bad_currency(name: str) -> ApiError:
    """No such currency."""
    return ApiError("INVALID_CURRENCY", f"Invalid currency {name}")


def no_order() -> ApiError:
    """No such order."""
    return ApiError("ORDER_NOT_FOUND", "Order not found")


def too_small(value: str, minimum: str, quote: str) -> ApiError:
    """The order is worth less than the pair's minimum."""
    text = f"Your order size {value} {quote} is too small. The minimum is {minimum} {quote}"
    return ApiError("INVALID_PARAM_VALUE", text)


def too_many_requests() -> ApiError:
    """A rate limit is used up."""
    return ApiError("TOO_MANY_REQUESTS", "Request Rate limit Exceeded (211)")
