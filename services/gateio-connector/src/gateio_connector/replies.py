"""Replies to values: Rejected where a label proves it, Unknown for all the rest. A 5xx is unknown whatever it says."""

from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from common.connector.bodies import parse, read
from common.connector.ports import Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from gateio_connector.refusals import category_of

T = TypeVar("T")
TOO_MANY_REQUESTS: Final = 429
_LONGEST_WAIT_MS: Final = 60_000


class ErrorBody(msgspec.Struct, frozen=True):
    """Some endpoints say `detail` where others say `message`."""

    label: str
    message: str | None = None
    detail: str | None = None

    @property
    def said(self) -> str:
        """The text beside the label, for people."""
        return self.message or self.detail or ""


def refusal(reply: Reply) -> Rejected | Unknown | None:
    """What a reply refuses, or that nobody knows; None where it is a success."""
    if reply.status in {200, 201}:
        return None
    try:
        error = parse(reply.body, ErrorBody)
    except UnreadableFrame:
        if reply.status == TOO_MANY_REQUESTS:
            return Rejected(ErrorCategory.RATE_LIMITED, "http-429", "rate limit", retry_after_ms=wait_ms(reply))
        return Unknown(f"http-{reply.status}", "an answer that is not the API's")
    if reply.status >= 500:
        return Unknown(error.label, error.said)
    return judged(error, wait_ms(reply))


def judged(error: ErrorBody, retry_after_ms: int | None = None) -> Rejected | Unknown:
    """A label by the allowlist."""
    category = category_of(error.label)
    if category is None:
        return Unknown(error.label, error.said)
    limited = category is ErrorCategory.RATE_LIMITED
    return Rejected(category, error.label, error.said, retry_after_ms=retry_after_ms if limited else None)


def value_of(reply: Reply, value: Callable[[bytes], T]) -> T | Rejected | Unknown:
    """A reply as its value. A success we cannot read is Unknown: something was done, we cannot say what."""
    refused = refusal(reply)
    return read(reply.body, value) if refused is None else refused


def wait_ms(reply: Reply) -> int | None:
    """How long the limit headers ask us to wait. The moment they name is in seconds or in ms, told by its size; the
    exchange's own time stands beside it in microseconds."""
    reset, now = (_number(reply, name) for name in ("x-gate-ratelimit-reset-timestamp", "x-out-time"))
    if reset is None or now is None:
        return None
    reset_ms = reset if reset > 10**11 else reset * 1000
    return min(max(reset_ms - now // 1000, 1), _LONGEST_WAIT_MS)


def _number(reply: Reply, name: str) -> int | None:
    text = reply.headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
