"""Replies to outcomes: Accepted with facts, Rejected where a code proves it, Unknown for all the rest.

The HTTP class is judged before the body: every 5xx is unknown, whatever it says. So are the pages of the web firewall
(HTML under 403) and every code that is not on the allowlist of `refusals`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from common.connector.ports import Accepted, Outcome, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderFact
from mexc_connector.frames import ErrorBody, OrderAck
from mexc_connector.refusals import category_of, is_success

T = TypeVar("T")

TOO_MANY_REQUESTS = 429
BANNED = 418
FORBIDDEN = 403

_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def parse(body: bytes, type_: type[T]) -> T:
    """The body as this shape. Raises UnreadableFrame naming the field at fault."""
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.json.Decoder(type_)
    try:
        return decoder.decode(body)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFrame(str(error)) from error


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


def retry_after_ms(reply: Reply) -> int | None:
    """The Retry-After header (seconds) in ms."""
    seconds = reply.headers.get("retry-after", "")
    return int(seconds) * 1000 if seconds.isascii() and seconds.isdecimal() and len(seconds) < 10 else None


def read_of(reply: Reply, value: Callable[[bytes], T]) -> T | Rejected | Unknown:
    """A reading reply as its value."""
    refused = refusal(reply)
    if refused is not None:
        return refused
    try:
        return value(reply.body)
    except UnreadableFrame as error:
        return Unknown(code="unreadable", reason=error.reason)


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
