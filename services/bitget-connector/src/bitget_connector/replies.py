"""Replies to values, Rejected where a code proves it, Unknown for all the rest.

Every answer is an envelope whose `code` is a text; HTTP 200 with a failing code and HTTP 400 with a business code
both occur, so the body is read first, whatever the status. A 5xx is unknown whatever it says.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from bitget_connector.refusals import OK, category_of
from common.connector import bodies
from common.connector.ports import Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame

T = TypeVar("T")

TOO_MANY_REQUESTS = 429


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """`msg` is called `message` in some answers."""

    code: str
    msg: str | None = None
    message: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def said(self) -> str:
        """The text beside the code."""
        return self.msg or self.message or ""


def parse(body: bytes, type_: type[T]) -> T:
    """The body as this shape; numbers may be text or numbers. Raises UnreadableFrame naming the field at fault."""
    return bodies.parse(body, type_, strict=False)


def code_of(reply: Reply) -> str | None:
    """The code of an answer; None if it is not the API's."""
    try:
        return parse(reply.body, Envelope).code
    except UnreadableFrame:
        return None


def judged(code: str, said: str, retry_after_ms: int | None = None) -> Rejected | Unknown:
    """A failing code by the allowlist."""
    category = category_of(code)
    if category is None:
        return Unknown(code, said)
    return Rejected(category, code, said, retry_after_ms=retry_after_ms)


def data_of(reply: Reply) -> bytes | Rejected | Unknown:
    """The data of an answer, or what it refuses."""
    try:
        envelope = parse(reply.body, Envelope)
    except UnreadableFrame:
        if reply.status == TOO_MANY_REQUESTS:
            return Rejected(
                ErrorCategory.RATE_LIMITED, "http-429", "rate limit", retry_after_ms=bodies.retry_after_ms(reply)
            )
        return Unknown(f"http-{reply.status}", "an answer that is not the API's")
    if reply.status >= 500:
        return Unknown(envelope.code, envelope.said)
    if envelope.code == OK:
        # A failing status beside the code of success contradicts itself: nobody can say which is right.
        return bytes(envelope.data) if reply.status == 200 else Unknown(f"http-{reply.status}", envelope.said)
    return judged(envelope.code, envelope.said, bodies.retry_after_ms(reply))


def value_of(reply: Reply, value: Callable[[bytes], T]) -> T | Rejected | Unknown:
    """An answer as its value; one we cannot read is Unknown."""
    data = data_of(reply)
    return data if isinstance(data, Rejected | Unknown) else bodies.read(data, value)
