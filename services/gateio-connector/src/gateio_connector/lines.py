"""What a line to translate holds, and what is known beside it."""

from typing import Any

import msgspec

from common.tools.lines import Context
from gateio_connector.orders import Reader


class Payload(msgspec.Struct, frozen=True):
    """Bytes, what they hold as JSON, and what is known beside them."""

    body: bytes
    value: Any
    context: Context

    @property
    def reader(self) -> Reader:
        """Reads rows as this line's account."""
        return Reader(self.context.whose, self.context.ts_init_ms)
