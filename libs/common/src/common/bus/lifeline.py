"""A silent connection to a broker that forgets everything when it ends, to notice that instant.

The embedded broker, started again, accepts records for a topic it does not know and drops them when the topic is
declared a moment later. So nothing may be sent to it, and no position trusted, before the topics have been declared
again; the client library reconnects without telling anybody, this connection tells.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from common.bus.brokers import BusSettings
from common.errors import Unavailable

_CONNECT_TIMEOUT_S: Final = 5.0


class Lifeline(asyncio.Protocol):
    """`lost` is false as long as the broker that was connected to lives."""

    def __init__(self, on_lost: Callable[[], None] | None = None) -> None:
        self.lost = False
        self._on_lost = on_lost
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        if self._on_lost is not None:
            self._on_lost()

    def close(self) -> None:
        """Let go, without calling back."""
        self._on_lost = None
        if self._transport is not None:
            self._transport.close()


async def connect_lifeline(settings: BusSettings, on_lost: Callable[[], None] | None = None) -> Lifeline:
    """A lifeline to the broker; to one that keeps its records, a lifeline that is never lost. Raises Unavailable."""
    if not settings.traits.forgets_on_restart:
        return Lifeline()
    host, _, port = settings.kafka_bootstrap.partition(",")[0].rpartition(":")
    loop = asyncio.get_running_loop()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            _, lifeline = await loop.create_connection(lambda: Lifeline(on_lost), host, int(port))
            return lifeline
    raise Unavailable("the broker")
