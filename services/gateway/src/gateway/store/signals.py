"""Signals and their receipts in PostgreSQL, beside the intents they become and the views that tell their outcome."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import asyncpg
import msgspec

from common.db.errors import typed_errors
from common.errors import CgtError
from common.exchanges import Exchange
from gateway.ports import After, StoredIntent
from gateway.risk.rules import Stake
from gateway.signals.model import EXPIRED, Receipt, Signal, State, sent
from gateway.signals.ports import Open, Place
from gateway.signals.settling import Found
from gateway.store.admission import admit
from gateway.store.errors import ledger_errors

T = TypeVar("T")

_SIGNAL: Final = tuple(field.name for field in msgspec.structs.fields(Signal))
_RECEIPT: Final = tuple(field.name for field in msgspec.structs.fields(Receipt))
_FOUND: Final = tuple(field.name for field in msgspec.structs.fields(Found))
_CHANGING: Final = (
    *("state", "open", "code", "reason", "fix", "exchange_order_id", "executed_qty", "avg_px"),
    *("sent_ms", "placed_ms", "filled_ms", "protected_ms", "updated_ms"),
)


def _columns(names: Sequence[str], of: str) -> str:
    return ", ".join(f"{of}.{name} AS {of}_{name}" for name in names)


def _marks(count: int) -> str:
    return ", ".join(f"${n + 1}" for n in range(count))


_ADD: Final = f"INSERT INTO signals ({', '.join(_SIGNAL)}) VALUES ({_marks(len(_SIGNAL))}) ON CONFLICT DO NOTHING"  # noqa: S608
_RECEIPTS: Final = f"SELECT {', '.join(_RECEIPT)} FROM signal_receipts WHERE signal_id = $1 "  # noqa: S608
_COUNTS: Final = """
SELECT signal_id, state, count(*) AS receipts FROM signal_receipts WHERE signal_id = ANY($1) GROUP BY signal_id, state
"""
_JOINED: Final = f"""
SELECT {_columns(_RECEIPT, "r")}, {_columns(_SIGNAL, "s")} FROM signal_receipts r JOIN signals s USING (signal_id)
"""  # noqa: S608
_PENDING: Final = f"""{_JOINED}
WHERE r.open AND r.state = 'PENDING' AND r.exchange = $1 AND r.shard = ANY($2)
  AND (r.signal_id, r.ordinal) > ($3, $4)
ORDER BY r.signal_id, r.ordinal LIMIT $5
"""
_EXPIRE: Final = f"""
UPDATE signal_receipts r SET state = 'SKIPPED', open = false, code = $3, reason = $4, fix = $5, updated_ms = $2
FROM signals s
WHERE r.signal_id = s.signal_id AND r.open AND r.state = 'PENDING' AND r.shard = ANY($1) AND s.valid_until_ms < $2
RETURNING {_columns(_RECEIPT, "r")}
"""  # noqa: S608
_OPEN: Final = f"""
SELECT {_columns(_RECEIPT, "r")}, {_columns(_SIGNAL, "s")}, e.outcome AS f_outcome, e.code AS f_code,
       e.reason AS f_reason, o.order_id AS f_order_id, o.status AS f_status, o.executed_qty AS f_executed_qty,
       o.avg_price AS f_avg_px, o.filled_timestamp AS f_filled_at, b.state AS f_bracket_state,
       b.updated_at AS f_bracket_at
FROM signal_receipts r JOIN signals s USING (signal_id)
LEFT JOIN order_engine.intents_v1 e ON e.account_id = r.account_id AND e.intent_id = r.intent_id
LEFT JOIN order_engine.brackets_v1 b ON b.bracket_id = r.bracket_id
LEFT JOIN order_engine.orders_v1 o ON o.client_order_id = r.client_order_id
WHERE r.open AND r.state <> 'PENDING' AND (r.state = 'PLACED') = $2 AND r.shard = ANY($1)
  AND (r.signal_id, r.ordinal) > ($3, $4)
ORDER BY r.signal_id, r.ordinal LIMIT $5
"""  # noqa: S608
_CHANGE: Final = f"""
UPDATE signal_receipts SET {", ".join(f"{name} = ${n + 4}" for n, name in enumerate(_CHANGING))}
WHERE signal_id = $1 AND account_id = $2 AND state = $3
"""  # noqa: S608 - our own constants, here and above.


class _TakenByAnother(CgtError):
    """Somebody else has sent this account's order."""


class PostgresSignals:
    """The store of signals. Every method raises Unavailable when the database does not answer."""

    def __init__(self, pool: asyncpg.Pool, most_open: int) -> None:
        self._pool = pool
        self._most_open = most_open

    async def add(self, signal: Signal, receipts: Sequence[Receipt]) -> bool:
        """All of it in one transaction; False when the signal is stored already, and then nothing is written."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                status = await connection.execute(_ADD, *_values(signal, _SIGNAL))
                if not str(status).endswith(" 1"):
                    return False
                rows = [_values(receipt, _RECEIPT) for receipt in receipts]
                await connection.copy_records_to_table("signal_receipts", columns=_RECEIPT, records=rows)
        return True

    async def get(self, signal_id: str) -> Signal | None:
        """The signal with this id."""
        with typed_errors():
            row = await self._pool.fetchrow("SELECT * FROM signals WHERE signal_id = $1", signal_id)
        return None if row is None else msgspec.convert(dict(row), Signal)

    async def newest(self, after: After | None, limit: int) -> Sequence[Signal]:
        """Signals, newest first; only those after this (creation time, id), unless None."""
        with typed_errors():
            rows = await self._pool.fetch(
                "SELECT * FROM signals WHERE $1::bigint IS NULL OR (created_ms, signal_id) < ($1, $2::text) "
                "ORDER BY created_ms DESC, signal_id DESC LIMIT $3",
                *(after or (None, None)),
                limit,
            )
        return [msgspec.convert(dict(row), Signal) for row in rows]

    async def counts(self, signal_ids: Sequence[str]) -> Mapping[str, Mapping[State, int]]:
        """How many receipts of each signal are in which state."""
        found: defaultdict[str, dict[State, int]] = defaultdict(dict)
        with typed_errors():
            for row in await self._pool.fetch(_COUNTS, list(signal_ids)):
                found[row["signal_id"]][State(row["state"])] = row["receipts"]
        return found

    async def receipts(
        self, signal_id: str, after: After | None, limit: int, states: Collection[State] | None
    ) -> Sequence[Receipt]:
        """By their ordinals; only those after this (ordinal,), and only in these states, unless None."""
        wanted = None if states is None else [state.value for state in states]
        query = _RECEIPTS + (
            "AND ($2::bigint IS NULL OR ordinal > $2) AND ($4::text[] IS NULL OR state = ANY($4)) "
            "ORDER BY ordinal LIMIT $3"
        )
        with typed_errors():
            rows = await self._pool.fetch(query, signal_id, *(after or (None,)), limit, wanted)
        return [msgspec.convert(dict(row), Receipt) for row in rows]

    async def pending(
        self, exchange: Exchange, shards: Collection[int], *, after: Place, limit: int
    ) -> Sequence[tuple[Receipt, Signal]]:
        """Recipients for whom nothing was done yet, from after this place on."""
        with typed_errors():
            rows = await self._pool.fetch(_PENDING, exchange.value, sorted(shards), *after, limit)
        return [(_receipt(row), _part(row, "s", _SIGNAL, Signal)) for row in rows]

    async def expire(self, shards: Collection[int], now_ms: int) -> Sequence[Receipt]:
        """End what nothing was done for before its signal's time had passed; the receipts as they are now."""
        with typed_errors():
            rows = await self._pool.fetch(_EXPIRE, sorted(shards), now_ms, EXPIRED.code, EXPIRED.reason, EXPIRED.fix)
        return [_receipt(row) for row in rows]

    async def send(self, receipt: Receipt, stored: StoredIntent, stake: Stake | None, now_ms: int) -> bool:
        """Store the intent and mark the receipt sent, in one transaction; False when somebody else did.

        Raises Refused where a limit or a switch holds it back.
        """
        try:
            with ledger_errors():
                async with self._pool.acquire() as connection, connection.transaction():
                    # The row's lock makes a second gateway wait; then it finds the receipt in another state.
                    status = await connection.execute(_CHANGE, *_change(receipt, sent(receipt, now_ms)))
                    taken = not str(status).endswith(" 1")
                    if taken or not await admit(connection, stored, stake, self._most_open):
                        raise _TakenByAnother
        except _TakenByAnother:
            return False
        return True

    async def open(self, shards: Collection[int], *, resting: bool, after: Place, limit: int) -> Sequence[Open]:
        """What was sent and is not final yet, with what the ledger says of it, from after this place on."""
        with ledger_errors():
            rows = await self._pool.fetch(_OPEN, sorted(shards), resting, *after, limit)
        return [Open(_receipt(row), _part(row, "s", _SIGNAL, Signal), _part(row, "f", _FOUND, Found)) for row in rows]

    async def change(self, changes: Sequence[tuple[Receipt, Receipt]]) -> Sequence[Receipt]:
        """Write receipts (before, after) that are still as they were before; those that were written."""
        written: list[Receipt] = []
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                for before, after in changes:
                    if str(await connection.execute(_CHANGE, *_change(before, after))).endswith(" 1"):
                        written.append(after)
        return written


def _receipt(row: asyncpg.Record) -> Receipt:
    return _part(row, "r", _RECEIPT, Receipt)


def _part(row: asyncpg.Record, prefix: str, names: Sequence[str], type_: type[T]) -> T:
    return msgspec.convert({name: row[f"{prefix}_{name}"] for name in names}, type_)


def _values(row: Signal | Receipt, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in names)


def _change(before: Receipt, after: Receipt) -> tuple[Any, ...]:
    return before.signal_id, before.account_id, before.state.value, *_values(after, _CHANGING)
