"""Replies to outcomes: Accepted with facts, Rejected where a code proves it, Unknown for all the rest.

The HTTP class is judged before the body: every 5xx is unknown, whatever it says. So are the pages of the web firewall
(HTML under 403) and every code that is not on the allowlist of `refusals`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from common.connector.bodies import parse, read, retry_after_ms
from common.connector.ports import Accepted, Outcome, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderFact
from mexc_connector.frames import ErrorBody, OrderAck
from mexc_connector.refusals import category_of, is_success

T = TypeVar("T")

TOO_MANY_REQUESTS = 429
BANNED = 418
FORBIDDEN = 403


def refusal(reply: Reply) -> Rejected | Unknown | None:
    """What a reply refuses, or that nobody knows; None where it is a success."""
    if reply.status >= 500:
        error = _error(reply.body)
        code = str(error.code) if error is not None else f"http-{reply.status}"
        return Unknown(code=code, reason="the exchange failed on its side")
    error = _error(reply.body)
    if reply.status == 200:
        return None if error is None or is_success(error.code) else judged(error, reply)
    if reply.status in {TOO_MANY_REQUESTS, BANNED}:
        code = str(error.code) if error is not None else f"http-{reply.status}"
        return Rejected(ErrorCategory.RATE_LIMITED, code, "rate limit", retry_after_ms=retry_after_ms(reply))
    if error is None:
        return Unknown(code=f"http-{reply.status}", reason="an answer that is not the API's")
    return judged(error, reply)


def judged(error: ErrorBody, reply: Reply) -> Rejected | Unknown:
    """An error body by the allowlist."""
    category = category_of(error.code, error.said)
    if category is None:
        return Unknown(code=str(error.code), reason=error.said)
    return Rejected(category, str(error.code), error.said, retry_after_ms=retry_after_ms(reply))


def _error(body: bytes) -> ErrorBody | None:
    try:
        return parse(body, ErrorBody)
    except UnreadableFrame:
        return None


def read_of(reply: Reply, value: Callable[[bytes], T]) -> T | Rejected | Unknown:
    """A reading reply as its value."""
    refused = refusal(reply)
    return read(reply.body, value) if refused is None else refused


def placed(reply: Reply, facts: Callable[[bytes], tuple[OrderFact, ...]]) -> Outcome:
    """The reply to a placement. A success we cannot read is Unknown: something was done, we cannot say what."""
    told = read_of(reply, facts)
    return told if isinstance(told, Rejected | Unknown) else Accepted(told)


def canceled(reply: Reply) -> Outcome:
    """The reply to a cancel. Success means that it was taken: the state beside it is the one before the cancel."""
    return _taken(reply, OrderAck)


def all_canceled(reply: Reply) -> Outcome:
    """The reply to a cancel of everything. Nothing open is no refusal."""
    outcome = _taken(reply, list[OrderAck])
    if isinstance(outcome, Rejected) and outcome.category is ErrorCategory.NOT_FOUND:
        return Accepted(())
    return outcome


def _taken(reply: Reply, shape: Any) -> Outcome:
    told = read_of(reply, lambda body: parse(body, shape))
    return told if isinstance(told, Rejected | Unknown) else Accepted((), done=False)
