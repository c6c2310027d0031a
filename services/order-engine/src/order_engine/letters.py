"""Files every dead letter of the system in the ledger's database: a cold topic, read at its own pace."""

import asyncio

import asyncpg

from common.bus.brokers import BusSettings
from common.bus.cold import cold_broker, subscribe
from common.bus.dead_letters import DeadLetter, DeadLetters
from common.bus.messages import Record
from common.bus.topics import DEAD_LETTERS
from common.db.dead_letters import file_dead_letter

GROUP = "order-engine-dead-letters"


async def file_letters(settings: BusSettings, pool: asyncpg.Pool, parked: DeadLetters) -> None:
    """Read the dead letters of all services for ever; a letter that cannot be read is parked like any record."""

    async def keep(letter: DeadLetter | None, record: Record) -> None:
        if letter is not None:
            await file_dead_letter(pool, letter, record.ce_id)

    broker = cold_broker(settings, GROUP)
    subscribe(broker, settings, DEAD_LETTERS, group=GROUP, message_type=DeadLetter, handle=keep, dead_letters=parked)
    async with broker:
        await broker.start()
        await asyncio.Event().wait()
