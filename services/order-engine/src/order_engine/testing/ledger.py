"""A ledger in memory that behaves like the database, and can lose a commit before or after it is durable."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from common.bus.messages import Outgoing, Record
from common.codec import decode
from common.db.leases import Lease
from common.errors import Unavailable
from order_engine.bracket import Bracket
from order_engine.rows import BRACKET_COLUMNS, INTENT_COLUMNS, Rows
from order_engine.store import Ledger

_BRACKET = {name: n for n, (name, _) in enumerate(BRACKET_COLUMNS)}
_INTENT = {name: n for n, (name, _) in enumerate(INTENT_COLUMNS)}


class Lost(StrEnum):
    """What becomes of the next commit."""

    STATEMENT = "statement"
    """It never arrives."""
    ANSWER = "answer"
    """It is durable, and nobody hears of it."""


class MemoryLedger(Ledger):
    """Brackets, decided intents, positions and the outbox, as committed."""

    def __init__(self) -> None:
        self.docs: dict[str, bytes] = {}
        self.intents: set[tuple[str, str]] = set()
        self.positions: dict[str, int] = {}
        self.outbox: dict[str, Outgoing] = {}
        self.loses: Lost | None = None
        self.refuses: type[Exception] | None = None
        """What every commit raises, unwritten."""

    async def open_brackets(self, shard: int) -> list[Bracket]:
        """All of them: a test has one shard."""
        return [decode(doc, Bracket) for doc in self.docs.values()]

    async def brackets(self, bracket_ids: Collection[str]) -> list[Bracket]:
        """The named ones."""
        return [decode(self.docs[bracket_id], Bracket) for bracket_id in bracket_ids if bracket_id in self.docs]

    async def settled(self, lease: Lease, bracket_ids: Collection[str]) -> list[Bracket]:
        """The named ones; no commit is ever under way here."""
        return await self.brackets(bracket_ids)

    async def known_intents(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of these have been decided."""
        return self.intents & set(keys)

    def published(self, messages: Sequence[Outgoing]) -> None:
        """They leave the outbox at once."""
        for message in messages:
            self.outbox.pop(message.ce_id, None)

    async def finish(self) -> None:
        """Nothing is left to do."""

    async def commit(self, lease: Lease, batch: Sequence[Record], rows: Rows, messages: Sequence[Outgoing]) -> None:
        """All of it, or nothing; a message that is stored already is left as it is."""
        if self.refuses is not None:
            raise self.refuses(lease.shard)
        loses, self.loses = self.loses, None
        if loses is Lost.STATEMENT:
            raise Unavailable("the database")
        for record in batch:
            self.positions[record.topic] = max(self.positions.get(record.topic, 0), record.offset + 1)
        for row in rows.brackets:
            self.docs[row[_BRACKET["bracket_id"]]] = row[_BRACKET["doc"]].encode()
        self.intents |= {(row[_INTENT["account_id"]], row[_INTENT["intent_id"]]) for row in rows.intents}
        for message in messages:
            self.outbox.setdefault(message.ce_id, message)
        if loses is Lost.ANSWER:
            raise Unavailable("the database")

    def bracket(self, bracket_id: str) -> Bracket:
        """One bracket, as committed."""
        return decode(self.docs[bracket_id], Bracket)
