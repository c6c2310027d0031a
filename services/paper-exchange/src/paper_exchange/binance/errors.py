"""What Binance answers when it does not do as asked (sections 5.2 and 12 of the reference)."""

from typing import Any

from paper_exchange.core.refusals import Reason


class ApiError(Exception):
    """An answer other than success; `data` goes into the body, `headers` onto the response."""

    def __init__(
        self, code: int, msg: str, status: int = 400, *, data: dict[str, Any] | None = None, retry_after_ms: int = 0
    ) -> None:
        super().__init__(f"{code}: {msg}")
        self.code, self.msg, self.status, self.data = code, msg, status, data
        self.retry_after_ms = retry_after_ms

    def body(self) -> dict[str, Any]:
        """The JSON body of the REST answer, and the `error` of the WebSocket API's."""
        body: dict[str, Any] = {"code": self.code, "msg": self.msg}
        if self.data is not None:
            body["data"] = self.data
        return body


_REFUSALS = {
    Reason.PRICE_FILTER: (-1013, "Filter failure: PRICE_FILTER"),
    Reason.PERCENT_PRICE: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Reason.LOT_SIZE: (-1013, "Filter failure: LOT_SIZE"),
    Reason.MARKET_LOT_SIZE: (-1013, "Filter failure: MARKET_LOT_SIZE"),
    Reason.NOTIONAL: (-1013, "Filter failure: NOTIONAL"),
    Reason.MAX_NUM_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    Reason.MAX_NUM_ALGO_ORDERS: (-1013, "Filter failure: MAX_NUM_ALGO_ORDERS"),
    Reason.MAX_NUM_ORDER_LISTS: (-1013, "Filter failure: MAX_NUM_ORDER_LISTS"),
    Reason.ZERO_NOTIONAL: (-2010, "Price * QTY is zero or less."),
    Reason.INSUFFICIENT_BALANCE: (-2010, "Account has insufficient balance for requested action."),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (-2010, "Duplicate order sent."),
    Reason.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Reason.WOULD_TRIGGER: (-2010, "Order would trigger immediately."),
    Reason.BAD_OCO_PRICES: (-2010, "The relationship of the prices for the orders is not correct."),
    Reason.MARKET_CLOSED: (-2010, "Market is closed."),
    Reason.NOT_OPEN: (-2011, "Unknown order sent."),
}


def refusal(reason: Reason) -> ApiError:
    """The core's refusal in Binance's words."""
    return ApiError(*_REFUSALS[reason])


def missing(name: str) -> ApiError:
    """A mandatory parameter is absent."""
    return ApiError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def unneeded(name: str) -> ApiError:
    """A parameter was sent that this order type does not take."""
    return ApiError(-1106, f"Parameter '{name}' sent when not required.")


def illegal(name: str, legal: str) -> ApiError:
    """A parameter has characters outside its range."""
    return ApiError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def no_id(first: str, second: str) -> ApiError:
    """Neither of two ids was sent."""
    return ApiError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def bad_key(status: int = 401) -> ApiError:
    """The key is unknown, revoked, or lacks the permission."""
    return ApiError(-2015, "Invalid API-key, IP, or permissions for action.", status)


def bad_key_format() -> ApiError:
    """The key header is absent or malformed."""
    return ApiError(-2014, "API-key format invalid.", 401)


def bad_signature() -> ApiError:
    """The signature does not fit the payload."""
    return ApiError(-1022, "Signature for this request is not valid.")


def late() -> ApiError:
    """The request is older than its receive window."""
    return ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


def early() -> ApiError:
    """The client's clock is a second or more ahead."""
    return ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")


def bad_symbol() -> ApiError:
    """No such symbol."""
    return ApiError(-1121, "Invalid symbol.")


def no_order() -> ApiError:
    """A query found no such order."""
    return ApiError(-2013, "Order does not exist.")


def too_much_weight(limit: int, retry_after_ms: int) -> ApiError:
    """The address has used up its request weight for this window."""
    text = (
        f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return ApiError(-1003, text, 429, retry_after_ms=retry_after_ms)


def too_many_orders(limit: int, window: str, retry_after_ms: int) -> ApiError:
    """The account has too many unfilled orders in this window."""
    text = f"Too many new orders; current limit is {limit} orders per {window}."
    return ApiError(-1015, text, 429, retry_after_ms=retry_after_ms)
