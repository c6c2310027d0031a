"""What every exchange's reply is read by: a body into a shape, a wait out of a header. Pure."""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar, cast

import msgspec

from common.connector.ports import Reply, Unknown
from common.errors import UnreadableFrame

T = TypeVar("T")

_MOST_DIGITS: Final = 9


def parse(body: bytes, type_: type[T], *, strict: bool = True) -> T:
    """The body as this shape; numbers may be text unless `strict`. Raises UnreadableFrame naming the field."""
    try:
        return cast("T", _decoder(cast("Any", type_), strict)(body))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFrame(str(error)) from error


@cache
def _decoder(type_: Any, strict: bool) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(type_, strict=strict).decode


def read(body: bytes, value: Callable[[bytes], T]) -> T | Unknown:
    """The value of a success. One we cannot read is Unknown: something was done, we cannot say what."""
    try:
        return value(body)
    except UnreadableFrame as error:
        return Unknown(code="unreadable", reason=error.reason)


def retry_after_ms(reply: Reply) -> int | None:
    """The Retry-After header (seconds) in ms; None where there is none that can be believed."""
    seconds = reply.headers.get("retry-after", "")
    return int(seconds) * 1000 if seconds.isascii() and seconds.isdecimal() and len(seconds) <= _MOST_DIGITS else None
