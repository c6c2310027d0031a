"""What other instances stored, as PostgreSQL's NOTIFY tells it: one connection that listens and nothing else."""

import asyncio
from typing import Any, Final

import asyncpg
import structlog

from common.db.errors import typed_errors
from common.db.pool import plain_url, server_settings
from common.errors import Unavailable
from gateway.store.events import CHANNEL
from gateway.stream.hub import Hub

_LOOK_S: Final = 5.0
_RETRY_S: Final = 0.5

_log = structlog.get_logger(__name__)


class Notices:
    """Hands the notices of other instances to the hub; ours it knows already."""

    def __init__(self, url: Any, schema: str, instance: str, hub: Hub) -> None:
        self._url = url
        self._schema = schema
        self._instance = instance
        self._hub = hub
        self.listening = asyncio.Event()
        """Set while notices arrive."""

    async def run(self) -> None:
        """Listen for ever; a database that is down is waited for, and whatever was missed meanwhile looked up."""
        while True:
            try:
                with typed_errors():
                    await self._listen()
            except Unavailable as error:
                _log.warning("notices_wait", error=repr(error))
            self.listening.clear()
            await asyncio.sleep(_RETRY_S)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            plain_url(self._url), timeout=5, server_settings=server_settings(self._schema, "gateway-notices")
        )
        try:
            await connection.add_listener(CHANNEL, self._heard)
            self.listening.set()
            self._hub.doubt()
            while True:
                await asyncio.sleep(_LOOK_S)
                # A connection whose other end is gone is silent, like one with nothing to say.
                await connection.execute("SELECT", timeout=_LOOK_S)
        finally:
            connection.terminate()

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        instance, user_id, seq = payload.split(" ")
        if instance != self._instance:
            self._hub.heard(user_id, int(seq))
