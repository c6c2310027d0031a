"""Parameters as the API reads them: each is checked when read, and what nobody read is an error (section 2)."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

import orjson

from paper_exchange.binance.errors import ApiError, illegal, missing
from paper_exchange.core.money import ZERO

_DECIMAL = re.compile(r"([0-9]{1,20})(\.[0-9]{1,20})?")
_INTEGER = re.compile(r"[0-9]{1,20}")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER_RANGE = "^[0-9]{1,20}$"
CLIENT_ID_RANGE = "^[a-zA-Z0-9-_]{1,36}$"


class Params:
    """The parameters of one request, remembering which were read."""

    __slots__ = ("_raw", "_read")

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = raw
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        """Whether `name` was sent, without reading it."""
        return name in self._raw

    def text(self, name: str) -> str | None:
        """The value of `name`, or None. Raises: -1105 when it is empty."""
        value = self._raw.get(name)
        if value is None:
            return None
        self._read.add(name)
        if not value:
            raise ApiError(-1105, f"Parameter '{name}' was empty.")
        return value

    def need(self, name: str) -> str:
        """The value of `name`. Raises: -1102."""
        if not self._raw.get(name):
            raise missing(name)
        self._read.add(name)
        return self._raw[name]

    def decimal(self, name: str) -> Decimal:
        """A price or quantity, zero when absent. Raises: -1100, or -1111 beyond eight decimals."""
        value = self.text(name)
        if value is None:
            return ZERO
        if _DECIMAL.fullmatch(value) is None:
            raise illegal(name, DECIMAL_RANGE)
        if len(value.partition(".")[2].rstrip("0")) > 8:
            raise ApiError(-1111, f"Parameter '{name}' has too much precision.")
        return Decimal(value)

    def need_decimal(self, name: str) -> Decimal:
        """A price or quantity that must be there."""
        self.need(name)
        return self.decimal(name)

    def integer(self, name: str) -> int | None:
        """A number without sign, or None. Raises: -1100."""
        value = self.text(name)
        if value is None:
            return None
        if _INTEGER.fullmatch(value) is None:
            raise illegal(name, INTEGER_RANGE)
        return int(value)

    def limit(self, default: int, most: int) -> int:
        """The `limit` of a listing, never above `most`."""
        value = self.integer("limit")
        return default if value is None else max(1, min(value, most))

    def client_id(self, name: str) -> str | None:
        """A client order id, or None. Raises: -1100 (section 11)."""
        value = self.text(name)
        if value is not None and _CLIENT_ID.fullmatch(value) is None:
            raise illegal(name, CLIENT_ID_RANGE)
        return value

    def choice(self, name: str, legal: Collection[str], code: int = -1130, msg: str = "") -> str | None:
        """One of `legal`, or None. Raises: `code`, with `msg` or the general text."""
        value = self.text(name)
        if value is not None and value not in legal:
            raise ApiError(code, msg or f"Data sent for parameter '{name}' is not valid.")
        return value

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        return self.choice(name, ("true", "false", "TRUE", "FALSE")) in {"true", "TRUE"}

    def names(self, name: str) -> list[str] | None:
        """A JSON array of strings, or None. Raises: -1100."""
        value = self.text(name)
        if value is None:
            return None
        try:
            parsed = orjson.loads(value)
        except orjson.JSONDecodeError:
            parsed = None
        if not isinstance(parsed, list) or not all(isinstance(item, str) for item in parsed):
            raise illegal(name, r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$')
        return parsed

    def ignore(self, *names: str) -> None:
        """Count these as read, whether or not they were sent."""
        self._read.update(name for name in names if name in self._raw)

    def done(self) -> None:
        """Everything has been read. Raises: -1104 when something was sent that was not."""
        if len(self._read) < len(self._raw):
            text = f"read '{len(self._read)}' parameter(s) but was sent '{len(self._raw)}'."
            raise ApiError(-1104, f"Not all sent parameters were read; {text}")


def from_json(params: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a WebSocket API request as the text that is signed (section 3.2)."""
    return {name: _as_text(value) for name, value in params.items() if value is not None}


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
