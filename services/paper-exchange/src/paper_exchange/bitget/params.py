"""Parameters of a request, from the query or from a JSON body, with Bitget's errors for what is wrong."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote_plus

import orjson

from paper_exchange.bitget.errors import ApiError, missing, wrong
from paper_exchange.core.money import ZERO


def read_query(query: str) -> dict[str, Any]:
    """Names and values of a query."""
    pieces = (piece.partition("=") for piece in query.split("&") if piece)
    return {name: unquote_plus(value) for name, _, value in pieces}


def read_body(body: str) -> Any:
    """A JSON body; nothing at all is an empty object. Raises: 40017."""
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise ApiError("40017", "Parameter verification failed") from None


class Params:
    """Reads the fields of one object."""

    def __init__(self, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise ApiError("40017", "Parameter verification failed")
        self.values: Mapping[str, Any] = values

    def text(self, name: str) -> str | None:
        """A text, or a number as text; None when absent or empty."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong(name)
        return str(value)

    def need(self, name: str) -> str:
        """A text that must be there. Raises: 40019."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def choice(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """One of `choices`, whatever the case. Raises: 40019, 40020."""
        value = (self.text(name) or default or self.need(name)).lower()
        if value not in choices:
            raise wrong(name)
        return value

    def decimal(self, name: str) -> Decimal:
        """A number above zero; zero when absent. Raises: 40020."""
        text = self.text(name)
        if text is None:
            return ZERO
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise wrong(name) from None
        if not value.is_finite() or value < 0:
            raise wrong(name)
        return value

    def need_decimal(self, name: str) -> Decimal:
        """A number above zero that must be there. Raises: 40019, 40020."""
        self.need(name)
        value = self.decimal(name)
        if value == 0:
            raise wrong(name)
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None. Raises: 40020."""
        text = self.text(name)
        if text is not None and not text.isdigit():
            raise wrong(name)
        return None if text is None else int(text)

    def limit(self, default: int, most: int) -> int:
        """How many rows."""
        return max(1, min(self.integer("limit") or default, most))

    def rows(self, name: str, most: int = 50) -> list["Params"]:
        """A list of objects. Raises: 40019, 40020."""
        value = self.values.get(name)
        if not value:
            raise missing(name)
        if not isinstance(value, list) or len(value) > most:
            raise wrong(name)
        return [Params(row) for row in value]
