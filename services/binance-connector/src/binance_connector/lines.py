"""What a line to translate holds, and what is known beside it."""

from typing import Any

import msgspec
import orjson

from binance_connector import replies
from binance_connector.bodies import Reader
from common.errors import UnreadableFrame
from common.tools.lines import Context


class Payload(msgspec.Struct, frozen=True):
    """Bytes, what they hold as JSON, and what is known beside them."""

    body: bytes
    value: Any
    context: Context
    status: int | None = None

    @property
    def reader(self) -> Reader:
        """Reads order objects as this line's account."""
        return Reader(self.context.whose, self.context.ts_init_ms)

    @property
    def is_replace_failure(self) -> bool:
        """A cancelReplace that failed in part says so with an error status, and what it did in `data`."""
        value = self.value
        return (
            isinstance(value, dict)
            and value.get("code") in (replies.PARTIAL_REPLACE, replies.FAILED_REPLACE)
            and isinstance(value.get("data"), dict)
        )

    def within(self, body: bytes, status: int | None = None) -> "Payload":
        """A part of this payload."""
        try:
            return Payload(body, orjson.loads(body), self.context, status)
        except orjson.JSONDecodeError as error:
            raise UnreadableFrame("raw: a part of it is not JSON") from error
