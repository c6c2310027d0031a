"""What MEXC answers when it does not do as asked (section 8 of the reference)."""

from typing import Any

from paper_exchange.core.refusals import Reason


class ApiError(Exception):
    """An answer other than success; nearly all are HTTP 400."""

    def __init__(self, code: int, msg: str, status: int = 400, *, retry_after_ms: int = 0) -> None:
        super().__init__(f"{code}: {msg}")
        self.code, self.msg, self.status, self.retry_after_ms = code, msg, status, retry_after_ms

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"msg": self.msg, "code": self.code}


_REFUSALS = {
    Reason.PRICE_FILTER: (30010, "no valid trade price"),
    Reason.PERCENT_PRICE: (30087, "Order price exceeds allowed range"),
    Reason.LOT_SIZE: (10097, "amount error"),
    Reason.MARKET_LOT_SIZE: (30003, "The maximum transaction volume is exceeded"),
    Reason.NOTIONAL: (30002, "The minimum transaction volume is not reached"),
    Reason.MAX_NUM_ORDERS: (30029, "cannot exceed the maximum order limit"),
    Reason.ZERO_NOTIONAL: (10097, "amount error"),
    Reason.INSUFFICIENT_BALANCE: (30004, "Insufficient position"),
    Reason.DUPLICATE_CLIENT_ORDER_ID: (44444, "newClientOrderId exists"),
    Reason.WOULD_TAKE: (30010, "no valid trade price"),
    Reason.MARKET_CLOSED: (30016, "trading disabled"),
    Reason.NOT_OPEN: (-2011, "Unknown order sent."),
    Reason.NO_LIQUIDITY: (30025, "no opposing order"),
}


def refusal(reason: Reason) -> ApiError:
    """The core's refusal in MEXC's words."""
    return ApiError(*_REFUSALS[reason])


def oversold(code: int) -> ApiError:
    """More is to be sold than is free; MEXC has two codes for it."""
    return ApiError(code, "Oversold" if code == 30005 else "Insufficient position")


def missing(name: str) -> ApiError:
    """A mandatory parameter is absent or empty."""
    return ApiError(33333, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str) -> ApiError:
    """A parameter does not have the form that it should have."""
    return ApiError(33333, f"Parameter '{name}' is malformed.")


def illegal(name: str) -> ApiError:
    """A parameter has characters outside its range."""
    return ApiError(700008, f"Illegal characters found in parameter '{name}'.")


def bad_combination() -> ApiError:
    """Parameters that exclude each other."""
    return ApiError(-1128, "Combination of optional parameters invalid.")


def no_id() -> ApiError:
    """Neither of the two ids was sent."""
    return ApiError(700004, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null")


def no_key() -> ApiError:
    """A signed call without the key header."""
    return ApiError(400, "api key required")


def bad_key() -> ApiError:
    """Nobody has this key."""
    return ApiError(10072, "Api key info invalid")


def bad_signature() -> ApiError:
    """The signature is absent or does not fit."""
    return ApiError(700002, "Signature for this request is not valid.")


def bad_time() -> ApiError:
    """The timestamp lies outside the window, on either side."""
    return ApiError(700003, "Timestamp for this request is outside of the recvWindow.")


def bad_window() -> ApiError:
    """The window is longer than sixty seconds."""
    return ApiError(700005, "recvWindow must less than 60000")


def bad_content_type() -> ApiError:
    """The request does not say that it is JSON."""
    return ApiError(700013, "Invalid content Type.")


def no_permission() -> ApiError:
    """The key may not do this."""
    return ApiError(700007, "No permission to access the endpoint.")


def bad_symbol() -> ApiError:
    """No such symbol."""
    return ApiError(-1121, "Invalid symbol.")


def no_order(code: int) -> ApiError:
    """A query found no such order; which code MEXC uses is not known."""
    return ApiError(code, "Order does not exist.")


def too_many(retry_after_ms: int) -> ApiError:
    """A rate limit is used up."""
    return ApiError(429, "Too Many Requests", 429, retry_after_ms=retry_after_ms)
