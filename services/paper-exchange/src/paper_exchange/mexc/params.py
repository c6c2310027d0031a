"""Parameters as the API reads them. What it does not know it ignores, `stopPrice` included (section 13.1)."""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import unquote_plus

from paper_exchange.mexc.errors import illegal, malformed, missing

_DECIMAL = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


def read_params(query: str, body: str) -> dict[str, str]:
    """Query and body together; a name in both keeps the query's value."""
    return _parse(body) | _parse(query)


def _parse(text: str) -> dict[str, str]:
    pieces = (piece.partition("=") for piece in text.split("&") if piece)
    return {name: unquote_plus(value) for name, _, value in pieces}


class Params:
    """The parameters of one request, or of one order of a batch."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = raw

    def text(self, name: str) -> str | None:
        """The value of `name`; None when it is absent or empty."""
        return self._raw.get(name) or None

    def need(self, name: str) -> str:
        """The value of `name`. Raises: 33333."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A plain number above zero, or None. Raises: 33333, for exponents too."""
        value = self.text(name)
        if value is None:
            return None
        if _DECIMAL.fullmatch(value) is None or not Decimal(value):
            raise malformed(name)
        return Decimal(value)

    def need_decimal(self, name: str) -> Decimal:
        """A number that must be there. Raises: 33333."""
        self.need(name)
        value = self.decimal(name)
        assert value is not None
        return value

    def integer(self, name: str) -> int | None:
        """A whole number, or None. Raises: 33333."""
        value = self.text(name)
        if value is not None and not (value.isdecimal() and len(value) <= 19):
            raise malformed(name)
        return None if value is None else int(value)

    def limit(self, default: int, most: int) -> int:
        """The `limit` of a listing, never above `most`."""
        value = self.integer("limit")
        return default if value is None else max(1, min(value, most))

    def client_id(self, name: str) -> str | None:
        """A client order id, or None. Raises: 700008."""
        value = self.text(name)
        if value is not None and _CLIENT_ID.fullmatch(value) is None:
            raise illegal(name)
        return value
