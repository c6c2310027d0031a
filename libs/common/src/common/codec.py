"""Frozen types to JSON bytes and back. Decimals are plain decimal strings on every wire, never in exponent form."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
import orjson

from common.errors import UnreadableMessage

T = TypeVar("T")


def plain(value: Decimal) -> str:
    """A decimal as the exchanges write it: no exponent, no superfluous zeros ("0.002", "98000", "0")."""
    text = str(value)
    if "E" in text:  # Seldom, and formatting all of them costs twice as much: a document holds a hundred.
        text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if text not in {"-0", ""} else "0"


def _default(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def encode(message: object) -> bytes:
    """A frozen message as compact JSON bytes."""
    return orjson.dumps(to_builtins(message), default=_default)


def encode_sorted(message: object) -> bytes:
    """The same with sorted keys: equal messages are equal bytes."""
    return orjson.dumps(to_builtins(message), default=_default, option=orjson.OPT_SORT_KEYS)


def to_builtins(message: object) -> Any:
    """A message as dictionaries and lists, decimals kept as they are."""
    return msgspec.to_builtins(message, builtin_types=(Decimal,))


@cache
def _decoder(type_: Any) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(type_).decode


def decode(data: bytes, type_: type[T]) -> T:
    """JSON bytes as the given type. Raises UnreadableMessage naming the field at fault."""
    try:
        return cast("T", _decoder(cast("Any", type_))(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableMessage(str(error)) from error


def decode_union(data: bytes, union: Any) -> Any:
    """JSON bytes as one member of a tagged union. Raises UnreadableMessage."""
    return decode(data, union)
