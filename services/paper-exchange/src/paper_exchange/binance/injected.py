"""The errors that faults ask for, with what Binance would say by default."""

from paper_exchange.binance.errors import ApiError, too_much_weight
from paper_exchange.faults import Fault, Kind


def injected(fault: Fault, now_ms: int) -> ApiError:
    """The error of a request fault; its status, code and text win over the defaults."""
    if fault.kind is Kind.RATE_LIMITED:
        error = too_much_weight(6000, fault.retry_after_s * 1000)
        error.data = {"serverTime": now_ms, "retryAfter": now_ms + fault.retry_after_s * 1000}
        return error
    if fault.kind is Kind.ERROR_AFTER_ACCEPT:
        text = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        return ApiError(fault.code or -1007, fault.msg or text, fault.status or 503)
    text = "Internal error; unable to process your request. Please try again."
    return ApiError(fault.code or -1001, fault.msg or text, fault.status or (400 if fault.code else 500))
