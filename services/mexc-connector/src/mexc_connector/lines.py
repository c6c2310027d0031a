"""What a line to translate holds, and what is known beside it."""

from typing import Any

import msgspec

from common.tools.lines import Context, dumped
from mexc_connector.bodies import Reader


class Payload(msgspec.Struct, frozen=True):
    """A JSON value and its bytes, and what is known beside them."""

    body: bytes
    value: Any
    context: Context
    status: int | None = None

    @property
    def reader(self) -> Reader:
        """Reads order objects as this line's account."""
        return Reader(self.context.whose, self.context.ts_init_ms)

    def within(self, value: Any, status: int | None = None) -> "Payload":
        """A part of this payload."""
        return Payload(dumped(value), value, self.context, status)
