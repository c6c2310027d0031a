"""Parameters as the API reads them, from a query or a JSON body."""

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from paper_exchange.gateio.errors import bad_body, bad_value, missing

_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class Fields:
    """Named values; null counts as absent."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw

    @classmethod
    def of(cls, body: Any) -> "Fields":
        """The fields of a JSON object. Raises: INVALID_REQUEST_BODY for anything else."""
        if not isinstance(body, dict):
            raise bad_body()
        return cls(body)

    def names(self) -> Collection[str]:
        """What was sent."""
        return self._raw.keys()

    def has(self, name: str) -> bool:
        """Whether `name` was sent, null included."""
        return name in self._raw

    def raw(self, name: str) -> Any:
        """The value as it was sent, or None."""
        return self._raw.get(name)

    def text(self, name: str) -> str | None:
        """A text, or None when absent or empty. Raises: INVALID_PARAM_VALUE."""
        value = self._raw.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            raise bad_value(name, value)
        return value

    def need(self, name: str) -> str:
        """A text that must be there. Raises: MISSING_REQUIRED_PARAM."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A number of zero or more in a text, or None. Raises: INVALID_PARAM_VALUE."""
        value = self.text(name)
        if value is None:
            return None
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise bad_value(name, value) from None
        if not number.is_finite() or number < 0 or number.adjusted() > 20:
            raise bad_value(name, value)
        return number

    def need_decimal(self, name: str) -> Decimal:
        """A number above zero that must be there. Raises: MISSING_REQUIRED_PARAM, INVALID_PARAM_VALUE."""
        value = self.need(name)
        number = self.decimal(name)
        if not number:
            raise bad_value(name, value)
        return number

    def integer(self, name: str) -> int | None:
        """A whole number, as number or digits, or None. Raises: INVALID_PARAM_VALUE."""
        value = self._raw.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and value.isdecimal() and len(value) < 19:
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise bad_value(name, value)
        return value

    def choice(self, name: str, legal: Collection[str], default: str) -> str:
        """One of `legal`. Raises: INVALID_PARAM_VALUE."""
        value = self.text(name) or default
        if value not in legal:
            raise bad_value(name, value)
        return value

    def flag(self, name: str) -> bool:
        """A truth in any spelling that Go reads, false when absent. Raises: INVALID_PARAM_VALUE."""
        value = self.text(name) or "false"
        if value not in _TRUE | _FALSE:
            raise bad_value(name, value)
        return value in _TRUE

    def page(self, default: int = 100, most: int = 1000) -> slice:
        """`page` (from 1) and `limit` as a slice. Raises: INVALID_PARAM_VALUE."""
        page, limit = self.integer("page") or 1, self.integer("limit") or default
        if not 1 <= limit <= most:
            raise bad_value("limit", limit)
        if page < 1 or limit * (page - 1) > 100_000:
            raise bad_value("page", page)
        return slice(limit * (page - 1), limit * page)

    def span_ms(self) -> tuple[int, int]:
        """`from` and `to` (seconds) in milliseconds, as wide as possible where absent."""
        start, end = self.integer("from"), self.integer("to")
        return (0 if start is None else start * 1000, 10**15 if end is None else end * 1000 + 999)
