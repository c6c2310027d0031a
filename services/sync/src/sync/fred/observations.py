"""An answer of FRED as values by date. Pure.

https://fred.stlouisfed.org/docs/api/fred/series_observations.html: values are text, and a missing one is ".".
"""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from common.errors import UnreadableMessage

MISSING: Final = "."


class Observation(msgspec.Struct, frozen=True):
    """One value of a series; None where FRED has the date and no value."""

    day: date
    value: Decimal | None


class Page(msgspec.Struct, frozen=True):
    """Some of a series, oldest first, and how many there are in all."""

    observations: tuple[Observation, ...]
    count: int
    offset: int

    @property
    def next_offset(self) -> int | None:
        """Where the next page begins; None after the last."""
        following = self.offset + len(self.observations)
        return following if self.observations and following < self.count else None


class _Row(msgspec.Struct, frozen=True):
    date: date
    value: str


class _Answer(msgspec.Struct, frozen=True):
    count: int
    offset: int
    observations: tuple[_Row, ...]


class _Refusal(msgspec.Struct, frozen=True):
    error_message: str


def read_page(body: bytes) -> Page:
    """A page of observations. Raises UnreadableMessage."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        rows = tuple(Observation(row.date, _value(row.value)) for row in answer.observations)
    except (msgspec.MsgspecError, InvalidOperation, UnicodeDecodeError) as error:
        raise UnreadableMessage(f"not an answer of series/observations: {error}") from error
    return Page(rows, answer.count, answer.offset)


def read_refusal(body: bytes, status: int) -> str:
    """Why FRED refused, in its own words where it has any."""
    try:
        return msgspec.json.decode(body, type=_Refusal).error_message
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return f"HTTP status {status}"


def _value(text: str) -> Decimal | None:
    if text == MISSING:
        return None
    value = Decimal(text)
    if not value.is_finite():
        raise InvalidOperation(f"{text!r} is no number")
    return value
