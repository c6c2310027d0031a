"""A database in memory behind the driver's pool: the statements of production code, with the semantics that matter.

A statement is applied whole or not at all, under its lease; its answer may be lost; it may meet a server that restarts.
A statement this room does not know ends the history with an error that names it, so that nobody forgets to teach it.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg

from common.db.errors import LEASE_LOST_SQLSTATE
from common.db.outbox import OUTBOX_VALUES
from order_engine.rows import BRACKET_COLUMNS, FILL_COLUMNS, INTENT_COLUMNS, ORDER_COLUMNS
from tests.simulation.loop import NODE, VirtualLoop
from tests.simulation.strikes import Harm, Strikes

Row = dict[str, Any]
_OUTBOX: Final = (
    *("shard", "topic", "key", "ce_id", "ce_type", "ce_source", "ce_time_ms"),
    *("correlation_id", "causation_id", "traceparent", "value"),
)

_STREAMS: Final = "INSERT INTO stream_state (account_id, watermark_ms, symbols, open_orders)"

_LOCK: Final = "SELECT true FROM leases WHERE kind = $1 AND shard = $2 AND owner = $3 AND epoch = $4 FOR UPDATE"


class _LeaseLost(asyncpg.PostgresError):  # type: ignore[misc]  # the driver has no types
    sqlstate = LEASE_LOST_SQLSTATE


@dataclass
class Schema:
    """One service's tables, as committed."""

    leases: dict[tuple[str, int], Row] = field(default_factory=dict)
    owners: dict[tuple[str, str], float] = field(default_factory=dict)
    offsets: dict[tuple[str, str, int], tuple[int, int]] = field(default_factory=dict)
    brokers: dict[tuple[str, int], str] = field(default_factory=dict)
    outbox: dict[str, Row] = field(default_factory=dict)
    outbox_rows: int = 0
    """How many there ever were: the sequence outlives whoever inserts."""
    brackets: dict[str, Row] = field(default_factory=dict)
    orders: dict[str, Row] = field(default_factory=dict)
    fills: dict[tuple[str, ...], Row] = field(default_factory=dict)
    intents: dict[tuple[str, str], Row] = field(default_factory=dict)
    streams: dict[str, Row] = field(default_factory=dict)
    letters: int = 0


class Statements:
    """What each statement does to a schema; found by how its text begins."""

    def __init__(self, schema: Schema, loop: VirtualLoop) -> None:
        self._tables, self._loop = schema, loop
        self._known: tuple[tuple[str, Callable[..., list[Row]]], ...] = (
            ("WITH moved AS ( INSERT INTO consumer_offsets", self._commit),
            ("SELECT bracket_id, doc FROM brackets WHERE shard = $1 AND is_open", self._open_brackets),
            ("SELECT doc FROM brackets WHERE bracket_id = ANY($1)", self._brackets),
            ("SELECT account_id, intent_id FROM intents WHERE (account_id, intent_id) IN", self._known_intents),
            ("SELECT topic, next_offset FROM consumer_offsets", self._positions),
            ("DELETE FROM consumer_offsets", self._forget),
            ("SELECT cluster_id FROM consumer_brokers", self._broker_of),
            ("INSERT INTO consumer_brokers", self._remember_broker),
            ("DELETE FROM outbox WHERE ce_id = ANY($1)", self._published),
            ("SELECT id, topic, key, ce_id", self._old_messages),
            ("DELETE FROM outbox WHERE id = ANY($1)", self._relayed),
            ("SET LOCAL", lambda *_: []),
            ("WITH prepared AS", self._renew),
            ("UPDATE leases SET owner = $2, epoch = epoch + 1", self._take),
            ("UPDATE leases SET owner = NULL", self._free),
            ("DELETE FROM lease_owners WHERE kind = $1 AND owner = $2", self._depart),
            ("SELECT EXISTS (SELECT 1 FROM lease_owners", self._others),
            (_LOCK, self._lock),
            ("SELECT watermark_ms, symbols, open_orders FROM stream_state", self._stream),
            (f"{_STREAMS} SELECT account_id", self._save_streams),
            (f"{_STREAMS} SELECT $1", self._remember_order),
            (f"{_STREAMS} VALUES ($1, $2", self._begin_stream),
        )  # fmt: skip
        self._found: dict[str, Callable[..., list[Row]]] = {}

    def run(self, sql: str, values: Sequence[Any]) -> list[Row]:
        """Apply one statement; its rows. Raises what the database would."""
        act = self._found.get(sql)
        if act is None:
            text = " ".join(sql.split())
            act = next((act for beginning, act in self._known if text.startswith(beginning)), None)
            assert act is not None, f"the simulation's database does not know this statement: {text}"
            self._found[sql] = act
        return act(*values)

    # -- the engine's ledger ----------------------------------------------------------------------------------------

    def _commit(
        self, kinds: Sequence[str], shards: Sequence[int], owners: Sequence[str], epochs: Sequence[int], *values: Any
    ) -> list[Row]:
        for kind, shard, owner, epoch in zip(kinds, shards, owners, epochs, strict=True):
            held = self._tables.leases.get((kind, shard))
            if held is None or (held["owner"], held["epoch"]) != (owner, epoch):
                raise _LeaseLost(f"lease on {kind} {shard} lost")
        self._advance(*values[:5])
        if len(values) == 5:
            return []  # A connector's positions, and nothing else.
        at = 5
        for row in _rows(_OUTBOX, values[at : at + OUTBOX_VALUES]):
            self._tables.outbox_rows += 1
            numbered = {"id": self._tables.outbox_rows, "created_s": self._loop.time()}
            self._tables.outbox.setdefault(row["ce_id"], row | numbered)
        at += OUTBOX_VALUES
        tables: tuple[tuple[dict[Any, Row], Any, tuple[str, ...], bool], ...] = (
            (self._tables.brackets, BRACKET_COLUMNS, ("bracket_id",), True),
            (self._tables.orders, ORDER_COLUMNS, ("client_order_id",), True),
            (self._tables.fills, FILL_COLUMNS, ("account_id", "symbol", "trade_id", "client_order_id"), False),
            (self._tables.intents, INTENT_COLUMNS, ("account_id", "intent_id"), False),
        )
        for table, columns, key, overwrites in tables:
            for row in _rows([name for name, _ in columns], values[at : at + len(columns)]):
                name = row[key[0]] if len(key) == 1 else tuple(row[part] for part in key)
                if overwrites or name not in table:
                    table[name] = row
            at += len(columns)
        return []

    def _advance(
        self,
        consumer: str,
        epochs: Sequence[int],
        topics: Sequence[str],
        parts: Sequence[int],
        offsets: Sequence[int],
    ) -> None:
        for epoch, topic, part, offset in zip(epochs, topics, parts, offsets, strict=True):
            known = self._tables.offsets.get((consumer, topic, part))
            if known is None or known[1] <= epoch:
                self._tables.offsets[consumer, topic, part] = offset, epoch

    def _open_brackets(self, shard: int) -> list[Row]:
        return [row for row in self._tables.brackets.values() if row["shard"] == shard and row["state"] != "CLOSED"]

    def _brackets(self, ids: Sequence[str]) -> list[Row]:
        return [self._tables.brackets[each] for each in ids if each in self._tables.brackets]

    def _known_intents(self, accounts: Sequence[str], intents: Sequence[str]) -> list[Row]:
        keys = zip(accounts, intents, strict=True)
        return [{"account_id": a, "intent_id": i} for a, i in keys if (a, i) in self._tables.intents]

    # -- positions and the outbox -----------------------------------------------------------------------------------

    def _positions(self, consumer: str, part: int) -> list[Row]:
        stored = self._tables.offsets.items()
        return [{"topic": key[1], "next_offset": at[0]} for key, at in stored if (key[0], key[2]) == (consumer, part)]

    def _forget(self, consumer: str, part: int) -> list[Row]:
        for key in [key for key in self._tables.offsets if (key[0], key[2]) == (consumer, part)]:
            del self._tables.offsets[key]
        return []

    def _broker_of(self, consumer: str, shard: int) -> list[Row]:
        found = self._tables.brokers.get((consumer, shard))
        return [] if found is None else [{"cluster_id": found}]

    def _remember_broker(self, consumer: str, shard: int, cluster_id: str) -> list[Row]:
        self._tables.brokers[consumer, shard] = cluster_id
        return []

    def _published(self, ce_ids: Sequence[str]) -> list[Row]:
        for ce_id in ce_ids:
            self._tables.outbox.pop(ce_id, None)
        return []

    def _old_messages(self, shards: Sequence[int], older_than_ms: int, limit: int) -> list[Row]:
        until_s = self._loop.time() - older_than_ms / 1000
        old = [row for row in self._tables.outbox.values() if row["shard"] in shards and row["created_s"] < until_s]
        old.sort(key=lambda row: row["id"])
        return [{name: row[name] for name in ("id", *_OUTBOX[1:])} for row in old[:limit]]

    def _relayed(self, ids: Sequence[int]) -> list[Row]:
        gone = set(ids)
        self._published([row["ce_id"] for row in self._tables.outbox.values() if row["id"] in gone])
        return []

    # -- leases -----------------------------------------------------------------------------------------------------

    def _renew(
        self, kind: str, owner: str, ms: int, shards: Sequence[int], epochs: Sequence[int], count: int
    ) -> list[Row]:
        now_s, tables = self._loop.time(), self._tables
        for shard in range(count):
            tables.leases.setdefault((kind, shard), {"shard": shard, "owner": None, "epoch": 0, "expires_s": now_s})
        for key in [key for key, at_s in tables.owners.items() if key[0] == kind and key[1] != owner and at_s < now_s]:
            del tables.owners[key]
        alive = [key[1] for key, expires_s in tables.owners.items() if key[0] == kind and expires_s >= now_s]
        tables.owners[kind, owner] = now_s + ms / 1000
        renewed = []
        for shard, epoch in zip(shards, epochs, strict=True):
            row = tables.leases[kind, shard]
            if (row["owner"], row["epoch"]) == (owner, epoch):
                row["expires_s"] = now_s + ms / 1000
                renewed.append(shard)
        return [{"owners": alive, "shard": shard} for shard in renewed] or [{"owners": alive, "shard": None}]

    def _take(self, kind: str, owner: str, ms: int, most: int) -> list[Row]:
        now_s = self._loop.time()
        free = [
            row
            for (of, _), row in sorted(self._tables.leases.items())
            if of == kind and (row["owner"] is None or row["expires_s"] < now_s)
        ]
        for row in free[:most]:
            row.update(owner=owner, epoch=row["epoch"] + 1, free_ms=int((now_s - row["expires_s"]) * 1000))
            row["expires_s"] = now_s + ms / 1000
        return [{name: row[name] for name in ("shard", "epoch", "free_ms")} for row in free[:most]]

    def _free(self, kind: str, owner: str, shards: Sequence[int], epochs: Sequence[int]) -> list[Row]:
        for shard, epoch in zip(shards, epochs, strict=True):
            row = self._tables.leases[kind, shard]
            if (row["owner"], row["epoch"]) == (owner, epoch):
                row.update(owner=None, expires_s=self._loop.time())
        return []

    def _depart(self, kind: str, owner: str) -> list[Row]:
        self._tables.owners.pop((kind, owner), None)
        return []

    def _others(self, kind: str) -> list[Row]:
        now_s = self._loop.time()
        return [{"exists": any(key[0] == kind and at_s >= now_s for key, at_s in self._tables.owners.items())}]

    def _lock(self, kind: str, shard: int, owner: str, epoch: int) -> list[Row]:
        held = self._tables.leases.get((kind, shard))
        owned = held is not None and (held["owner"], held["epoch"]) == (owner, epoch)
        return [{"owned": True}] if owned else []

    # -- a connector's trails ---------------------------------------------------------------------------------------

    def _stream(self, account_id: str) -> list[Row]:
        found = self._tables.streams.get(account_id)
        return [] if found is None else [found]

    def _save_streams(self, *columns: Sequence[Any]) -> list[Row]:
        names = ("account_id", "watermark_ms", "symbols", "open_orders")
        for row, lease in zip(_rows(names, columns[:4]), zip(*columns[4:], strict=True), strict=True):
            if self._lock(*lease):
                self._tables.streams[row["account_id"]] = row
        return []

    def _begin_stream(self, account_id: str, from_ms: int, symbols: str) -> list[Row]:
        known = self._tables.streams.get(account_id)
        if known is None:
            fresh = {"account_id": account_id, "watermark_ms": from_ms, "symbols": symbols, "open_orders": "{}"}
            self._tables.streams[account_id] = fresh
        else:
            known["symbols"] = (
                f"[{','.join(filter(None, (text.strip()[1:-1] for text in (known['symbols'], symbols))))}]"
            )
            known["watermark_ms"] = known["watermark_ms"] or from_ms
        return []

    def _remember_order(self, account_id: str, symbols: str, orders: str, *lease: Any) -> list[Row]:
        if not self._lock(*lease):
            return []
        known = self._tables.streams.get(account_id)
        if known is None:
            fresh = {"account_id": account_id, "watermark_ms": 0, "symbols": symbols, "open_orders": orders}
            self._tables.streams[account_id] = fresh
        else:  # jsonb `||`: both objects are flat here, so joining their texts is joining them.
            inner = [text.strip()[1:-1] for text in (known["open_orders"], orders)]
            known["open_orders"] = "{" + ",".join(filter(None, inner)) + "}"
        return [{"written": True}]


def _rows(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> list[Row]:
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class MemoryPool:
    """A service's connections to its schema; stands in for asyncpg's pool."""

    def __init__(self, name: str, schema: Schema, server: "MemoryServer") -> None:
        self.statements = Statements(schema, server.loop)
        self._name, self._server = name, server

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        return await self._server.run(self._name, [(self.statements, sql, values)])

    async def fetchrow(self, sql: str, *values: Any) -> Row | None:
        rows = await self.fetch(sql, *values)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *values: Any) -> Any:
        row = await self.fetchrow(sql, *values)
        return None if row is None else next(iter(row.values()))

    async def execute(self, sql: str, *values: Any) -> None:
        await self.fetch(sql, *values)

    async def close(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["MemoryConnection"]:
        yield MemoryConnection(self, self._server, self._name)


class MemoryConnection:
    """One connection; what a transaction writes is applied at its end, all or nothing."""

    def __init__(self, pool: MemoryPool, server: "MemoryServer", name: str) -> None:
        self._pool, self._server, self._name = pool, server, name
        self._written: list[tuple[Statements, str, Sequence[Any]]] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        yield
        if self._written:
            await self._server.run(self._name, self._written)

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        return await self._pool.fetch(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        return await self._pool.fetchval(sql, *values)

    async def execute(self, sql: str, *values: Any) -> None:
        self._written.append((self._pool.statements, sql, values))


class MemoryServer:
    """PostgreSQL: a round trip, sometimes a restart, sometimes an answer that is lost."""

    def __init__(self, loop: VirtualLoop, chance: random.Random, strikes: Strikes) -> None:
        self.loop, self.strikes = loop, strikes
        self.schemas: dict[str, Schema] = {}
        self._chance = chance
        self._down_until_s = 0.0
        self._still_running = 0

    def pool(self, schema: str, name: str) -> asyncpg.Pool:
        """Connections of the service `name` to a schema."""
        return MemoryPool(name, self.schemas.setdefault(schema, Schema()), self)

    def fail_over(self, for_s: float) -> None:
        """Go away for a while; statements under way are lost, some of them after they were committed."""
        self._down_until_s = self.loop.time() + for_s

    async def run(self, name: str, work: Sequence[tuple[Statements, str, Sequence[Any]]]) -> list[Row]:
        """One transaction."""
        node = NODE.get()
        writes = any(not sql.lstrip().startswith("SELECT") for _, sql, _ in work)
        harm = self.strikes.at(f"{name} {'writes' if writes else 'reads'}", node)
        await asyncio.sleep(1.5 if harm is Harm.DELAY else self._chance.uniform(0.0005, 0.003))
        if self.loop.time() < self._down_until_s:
            if self._chance.random() < 0.5:
                await asyncio.sleep(self._chance.uniform(0.01, 0.5))
            raise asyncpg.CannotConnectNowError("the database system is starting up")
        if harm in {Harm.LOSE, Harm.FAIL}:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        if harm is Harm.FAIL_AFTER and writes:
            self._still_running += 1
            self.loop.later(self._chance.uniform(0.01, 1.0), self._finish, work)
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        while self._still_running and any(sql == _LOCK for _, sql, _ in work):
            await asyncio.sleep(0.01)  # Its row is held by a statement that nobody waits for any more.
        rows = self._apply(work)
        if harm is Harm.KILL_AFTER and node is not None:
            node.kill()
        await asyncio.sleep(self._chance.uniform(0.0002, 0.001))
        if harm is Harm.LOSE_ANSWER or self.loop.time() < self._down_until_s:
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
        return rows

    @staticmethod
    def _apply(work: Sequence[tuple[Statements, str, Sequence[Any]]]) -> list[Row]:
        rows: list[Row] = []
        for statements, sql, values in work:
            rows = statements.run(sql, values)
        return rows

    def _finish(self, work: Sequence[tuple[Statements, str, Sequence[Any]]]) -> None:
        """A statement comes to its end whose connection was lost before."""
        self._still_running -= 1
        with suppress(asyncpg.PostgresError):
            self._apply(work)
