"""Errors by what a caller can do about them: correct the request, wait, or ask what became of an order."""

from enum import StrEnum


class ErrorCategory(StrEnum):
    """Why an exchange refused, in words shared by all exchanges; `decide` chooses the next step by it."""

    INSUFFICIENT_BALANCE = "insufficient_balance"
    FILTER = "filter"
    """A rule of the instrument: tick, lot, minimum or maximum."""
    PRICE_RELATION = "price_relation"
    """A price on the wrong side of the market: would trigger at once, would match at once, wrong OCO order."""
    TOO_MANY_ORDERS = "too_many_orders"
    """The exchange's budget of open (algo) orders is used up."""
    DUPLICATE_ID = "duplicate_id"
    """An order with this client id is open already: the first attempt arrived."""
    NOT_FOUND = "not_found"
    """The exchange provably does not have this order and can no longer receive it."""
    ALREADY_CLOSED = "already_closed"
    RATE_LIMITED = "rate_limited"
    CLOCK = "clock"
    AUTH = "auth"
    PERMISSION = "permission"
    MARKET_CLOSED = "market_closed"
    INVALID_SYMBOL = "invalid_symbol"
    BAD_REQUEST = "bad_request"
    EXPIRED = "expired"
    """We did not send it: its validity had passed before it could leave."""
    EXCHANGE_DOWN = "exchange_down"
    UNCLASSIFIED = "unclassified"


class CgtError(Exception):
    """The root of the errors this project raises on purpose."""


class UnreadableFrame(CgtError):
    """Bytes from an exchange that we cannot read as a fact: dead-letter them and reconcile the account."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnreadableMessage(CgtError):
    """A message on a topic that does not fit its schema."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unavailable(CgtError):
    """A dependency does not answer now; try again after `retry_after_ms`."""

    def __init__(self, what: str, retry_after_ms: int = 500) -> None:
        super().__init__(f"{what} is unavailable; try again in {retry_after_ms} ms")
        self.what = what
        self.retry_after_ms = retry_after_ms


class Refused(CgtError):
    """A request that breaks a rule: the field at fault, the rule, and what would mend it.

    `retry_after_ms` is set where waiting mends it.
    """

    def __init__(
        self,
        *,
        code: str,
        title: str,
        field: str | None,
        rule: str,
        fix: str,
        status: int = 400,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(f"{title}: {rule}")
        self.code = code
        self.title = title
        self.field = field
        self.rule = rule
        self.fix = fix
        self.status = status
        self.retry_after_ms = retry_after_ms


class MissingSetting(CgtError):
    """A setting without which the service must not start."""

    def __init__(self, name: str, fix: str) -> None:
        super().__init__(f"{name} is not set: {fix}")
        self.name = name
