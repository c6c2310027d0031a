"""What all sockets of Binance share: bytes of a frame, a request of the WebSocket API, how long a limit lasts."""

from collections.abc import Mapping

import msgspec
import orjson

from common.connector.ports import Frame


class RetryData(msgspec.Struct, frozen=True, rename="camel"):
    """Beside the error of a limit: when it was met and when it ends, both epoch ms."""

    server_time: int
    retry_after: int

    @property
    def wait_ms(self) -> int:
        """How long to wait, from now."""
        return max(self.retry_after - self.server_time, 0)


def as_bytes(raw: Frame) -> bytes:
    """A frame as bytes; what is not Unicode stays recognisable, so that it can be kept as a dead letter."""
    return raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw


def request_frame(request_id: str, method: str, params: Mapping[str, str | int]) -> str:
    """A request of the WebSocket API."""
    return orjson.dumps({"id": request_id, "method": method, "params": dict(params)}).decode()
