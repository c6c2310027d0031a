"""What happens, as the topics tell it, to the requests that wait for it; frontends hear it from `gateway.stream`."""

import asyncio
from typing import Any, Final

import structlog

from common.accounts import AccountChanged
from common.bus.brokers import BusSettings
from common.bus.messages import Record
from common.bus.tail import tail
from common.bus.topics import ACCOUNTS, ORDER_EVENTS, PROTECTION_EVENTS
from common.codec import decode_union
from common.errors import UnreadableMessage
from common.orders import OrderFact
from common.protection import ProtectionFact
from gateway.accounts import Accounts
from gateway.waiting import Waiting

TYPES: Final[dict[str, Any]] = {
    ORDER_EVENTS.name: OrderFact,
    PROTECTION_EVENTS.name: ProtectionFact,
    ACCOUNTS.name: AccountChanged,
}

_log = structlog.get_logger(__name__)


class Feed:
    """Every gateway instance reads all of these topics, because any of them may hold the request that waits."""

    def __init__(self, settings: BusSettings, waiting: Waiting, accounts: Accounts) -> None:
        self._settings = settings
        self._waiting = waiting
        self._accounts = accounts
        self.reading = asyncio.Event()
        """Set once facts published from now on will be seen."""

    async def run(self) -> None:
        """Read for ever."""
        topics = (ORDER_EVENTS, PROTECTION_EVENTS, ACCOUNTS)
        tempo = self._waiting.tempo
        async for record in tail(self._settings, *topics, client_id="gateway", ready=self.reading, tempo=tempo):
            self.take(record)

    def take(self, record: Record) -> None:
        """Hand one record on; one that cannot be read is the order-engine's to park, and only logged here."""
        if record.value is None or not (record.topic == ACCOUNTS.name or self._waiting.about(record.key)):
            return
        try:
            message = decode_union(record.value, TYPES[record.topic])
        except UnreadableMessage as error:
            _log.warning("fact_not_read", topic=record.topic, offset=record.offset, error=str(error))
            return
        if record.topic == ACCOUNTS.name:
            self._accounts.learn(message)
        else:
            self._waiting.tell(message)
