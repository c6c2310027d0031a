"""Keeps trails in PostgreSQL, lazily: whoever streams an account next reads on from there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import JSONB

from common.bus.errors import ShardLost
from common.connector.ports import OrderRef
from common.connector.trail import Trail, Trails
from common.db.errors import typed_errors
from common.db.leases import Lease
from common.db.offsets import lease_args, lock_lease
from common.errors import Unavailable

_SAVE: Final = """
INSERT INTO stream_state (account_id, watermark_ms, symbols, open_orders)
SELECT account_id, watermark_ms, symbols, open_orders
FROM unnest($1::text[], $2::bigint[], $3::jsonb[], $4::jsonb[], $5::text[], $6::int[], $7::text[], $8::bigint[])
    AS trails(account_id, watermark_ms, symbols, open_orders, kind, shard, owner, epoch)
JOIN leases USING (kind, shard, owner, epoch)
FOR SHARE OF leases
ON CONFLICT (account_id) DO UPDATE SET watermark_ms = excluded.watermark_ms, symbols = excluded.symbols,
    open_orders = excluded.open_orders, updated_at = clock_timestamp()
"""

_REMEMBER: Final = """
INSERT INTO stream_state (account_id, watermark_ms, symbols, open_orders)
SELECT $1::text, 0, $2::jsonb, $3::jsonb
FROM leases WHERE kind = $4 AND shard = $5 AND owner = $6 AND epoch = $7 FOR SHARE
ON CONFLICT (account_id) DO UPDATE SET open_orders = stream_state.open_orders || excluded.open_orders,
    updated_at = clock_timestamp()
RETURNING true
"""

_BEGIN: Final = """
INSERT INTO stream_state (account_id, watermark_ms, symbols, open_orders) VALUES ($1, $2, $3::jsonb, '{}'::jsonb)
ON CONFLICT (account_id) DO UPDATE SET symbols = stream_state.symbols || excluded.symbols,
    watermark_ms = CASE stream_state.watermark_ms WHEN 0 THEN excluded.watermark_ms ELSE stream_state.watermark_ms END,
    updated_at = clock_timestamp()
"""

_log = structlog.get_logger(__name__)


def stream_state(metadata: sa.MetaData) -> sa.Table:
    """The table a connector creates in its own schema, by its own migration."""
    return sa.Table(
        "stream_state",
        metadata,
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("watermark_ms", sa.BigInteger, nullable=False),
        sa.Column("symbols", JSONB, nullable=False),
        sa.Column("open_orders", JSONB, nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        postgresql_with={"fillfactor": "50"},
    )


class TrailStore:
    """Loads a trail when an account is gained, saves what changed from time to time.

    Trails and orders are written under the account's lease (`lease_of`): whoever handed it over remembers less than its
    owner. A whole trail is saved when that is `safe`, and not before what is stored was read.
    """

    def __init__(self, pool: asyncpg.Pool, trails: Trails, safe: Callable[[str], bool]) -> None:
        self.lease_of: Callable[[str], Lease | None] = lambda account_id: None
        self._pool = pool
        self._trails = trails
        self._safe = safe
        self._flushing = asyncio.Lock()
        self._remembering: Counter[str] = Counter()
        self._saving: frozenset[str] = frozenset()
        self._saved = asyncio.Event()
        self._unanswered: set[tuple[str, int, str, int]] = set()
        """Leases under which a statement may still be running."""

    async def load(self, account_id: str) -> Trail | None:
        """What was stored of an account. Raises Unavailable."""
        with typed_errors():
            row = await self._pool.fetchrow(
                "SELECT watermark_ms, symbols, open_orders FROM stream_state WHERE account_id = $1", account_id
            )
        if row is None:
            return None
        orders = msgspec.json.decode(row["open_orders"], type=dict[str, OrderRef])
        return Trail(
            account_id=account_id,
            watermark_ms=row["watermark_ms"],
            symbols=msgspec.json.decode(row["symbols"], type=set[str]),
            open_orders={name: ref for name, ref in orders.items() if not ref.ended},
            ended={name: ref for name, ref in orders.items() if ref.ended},
        )

    async def begin(self, account_id: str, symbol: str, from_ms: int) -> None:
        """Write down where an account trades from now on, before its first order there: whoever comes after a crash
        must know where to look. Without a database the order is sent all the same, and this is flushed later."""
        try:
            with typed_errors():
                await self._pool.execute(_BEGIN, account_id, from_ms, msgspec.json.encode([symbol]).decode())
        except Unavailable as error:
            _log.warning("symbol_not_written", account_id=account_id, symbol=symbol, error=str(error))

    async def remember(self, ref: OrderRef) -> None:
        """Write one order down now, before it is sent or told of. Raises Unavailable, also without a lease."""
        orders = msgspec.json.encode({ref.client_order_id: ref}).decode()
        while ref.account_id in self._saving:
            await self._saved.wait()  # What is being saved is older, and must not come after this.
        self._remembering[ref.account_id] += 1
        try:
            lease = self.lease_of(ref.account_id)
            symbols = msgspec.json.encode([ref.symbol]).decode()
            if lease is None or not await self._write(
                (lease,), _REMEMBER, ref.account_id, symbols, orders, *lease_args(lease)
            ):
                raise Unavailable("the account's lease")
        finally:
            self._remembering -= Counter({ref.account_id: 1})

    async def run(self, every_s: float) -> None:
        """Save in the background until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self.flush()

    async def flush(self) -> None:
        """Save what changed. What the broker has not confirmed yet must not count as known: it is saved later."""
        async with self._flushing:
            changed = [(trail, self._ready(trail.account_id)) for trail in self._trails.take_changed()]
            ready = [(trail, lease) for trail, lease in changed if lease is not None]
            self._trails.put_back(trail for trail, lease in changed if lease is None)
            if ready:
                await self._store(ready)

    async def _store(self, ready: Sequence[tuple[Trail, Lease]]) -> None:
        self._saving = frozenset(trail.account_id for trail, _ in ready)
        self._saved.clear()
        try:
            await self._save(ready)
        except Unavailable as error:
            _log.warning("trails_not_stored", accounts=len(ready), error=str(error))
            self._trails.put_back(trail for trail, _ in ready)
        finally:
            self._saving = frozenset()
            self._saved.set()

    def _ready(self, account_id: str) -> Lease | None:
        ready = self._safe(account_id) and account_id not in self._remembering
        return self.lease_of(account_id) if ready else None

    async def _save(self, trails: Sequence[tuple[Trail, Lease]]) -> None:
        rows = [
            (
                trail.account_id,
                trail.known_until_ms,
                msgspec.json.encode(sorted(trail.symbols)).decode(),
                msgspec.json.encode(trail.lately_ended() | trail.open_orders).decode(),
                *lease_args(lease),
            )
            for trail, lease in trails
        ]
        leases = [lease for _, lease in trails]
        await self._write(leases, _SAVE, *map(list, zip(*rows, strict=True)))

    async def _write(self, leases: Sequence[Lease], statement: str, *values: Any) -> Any:
        """What a statement under these leases answers. Raises Unavailable; then it may still be running, and what is
        written next waits for its end: an older picture must not come after a newer one."""
        named = {lease_args(lease): lease for lease in leases}
        try:
            with typed_errors():
                for name in named.keys() & self._unanswered:
                    async with self._pool.acquire() as connection, connection.transaction():
                        await lock_lease(connection, named[name])
                    self._unanswered.discard(name)
                return await self._pool.fetchval(statement, *values)
        except ShardLost:
            raise Unavailable("the account's lease") from None
        except Unavailable:
            self._unanswered |= named.keys()
            raise
