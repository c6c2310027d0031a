"""Bitget's error codes (section 8), and which of them says what the core refuses."""

from typing import Any

from paper_exchange.core.instruments import Instrument
from paper_exchange.core.refusals import Reason

Json = dict[str, Any]
SUCCESS = "00000"


class ApiError(Exception):
    """An answer with a code other than success."""

    def __init__(self, code: str, msg: str, status: int = 400) -> None:
        super().__init__(f"{code} {msg}")
        self.code, self.msg, self.status = code, msg, status

    def body(self, now_ms: int) -> Json:
        """The envelope."""
        return {"code": self.code, "msg": self.msg, "requestTime": now_ms, "data": None}


def missing(name: str) -> ApiError:
    """A parameter that must be there."""
    return ApiError("40019", f"Parameter {name} cannot be empty")


def wrong(name: str) -> ApiError:
    """A parameter with a value that means nothing."""
    return ApiError("40020", f"Parameter {name} error")


def no_symbol(symbol: str) -> ApiError:
    """A symbol that is not traded."""
    return ApiError("40034", f"Parameter {symbol} does not exist")


def no_order() -> ApiError:
    """An order that does not exist, or is over."""
    return ApiError("43001", "The order does not exist")


def no_plan() -> ApiError:
    """A plan that does not exist."""
    return ApiError("43025", "Plan order does not exist")


def plan_closed() -> ApiError:
    """A plan that is over."""
    return ApiError("43026", "The planned order has been closed")


def duplicate() -> ApiError:
    """A client id that lives."""
    return ApiError("43118", "clientOrderId duplicate")


def below_minimum() -> ApiError:
    """An order that is worth less than 1 USDT, in whatever coin it is counted."""
    return ApiError("45110", "less than the minimum amount 1 USDT")


def bad_size(instrument: Instrument) -> ApiError:
    """A size with too many decimals."""
    places = -int(instrument.step.as_tuple().exponent)
    return ApiError("40808", f"Parameter verification exception size checkBDScale error checkScale={places}")


def too_fast() -> ApiError:
    """More requests than allowed."""
    return ApiError("429", "Too Many Requests", 429)


_FIXED = {
    Reason.PERCENT_PRICE: ("40815", "The order price is higher than the highest limit price"),
    Reason.MARKET_LOT_SIZE: ("45112", "more than the maximum order quantity"),
    Reason.MAX_NUM_ORDERS: ("43005", "Exceed the maximum number of orders"),
    Reason.ZERO_NOTIONAL: ("45111", "less than the minimum order quantity"),
    Reason.INSUFFICIENT_BALANCE: ("43012", "Insufficient balance"),
    Reason.DUPLICATE_CLIENT_ORDER_ID: ("43118", "clientOrderId duplicate"),
    Reason.MARKET_CLOSED: ("43120", "symbol is not open trade"),
    Reason.NOT_OPEN: ("43001", "The order does not exist"),
    Reason.NO_LIQUIDITY: ("43001", "The order does not exist"),
}


def refusal(reason: Reason, instrument: Instrument) -> ApiError:
    """What Bitget says when the core refuses."""
    if reason is Reason.PRICE_FILTER:
        return ApiError("45115", f"The price you enter should be a multiple of {instrument.tick:f}")
    if reason is Reason.LOT_SIZE:
        return bad_size(instrument)
    if reason is Reason.NOTIONAL:
        return below_minimum()
    if reason is Reason.MAX_NUM_ALGO_ORDERS:
        return ApiError("43071", f"Trigger order limit for a single trading pair is {instrument.max_algo_orders}")
    return ApiError(*_FIXED[reason])
