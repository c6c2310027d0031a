"""Stores an intent if nothing holds it back: one statement where its user has no limits, one transaction otherwise.

A limit must hold for orders that come at the same moment, so whoever has limits is looked at under a lock of their own,
and what is admitted is part of what the next one is measured against, because it stands in the same table.
"""

from typing import Any, Final

import asyncpg

from common.codec import encode
from common.errors import Refused
from common.orders import type_of
from gateway.ports import StoredIntent
from gateway.risk.rules import Stake, check_limits, check_switches
from gateway.store.risk_reads import limits_of, switches_for, usage_of


def _open(account_id: str, ce_type: str, now_ms: str) -> str:
    """A query for what an account has under way, of orders or of everything else; takes placeholders."""
    return f"""
    SELECT count(*) FROM intents
    WHERE account_id = {account_id} AND valid_until_ms > {now_ms} AND (answer_status IS NULL OR answer_status = 202)
      AND (ce_type = 'intent.place_order') = ({ce_type} = 'intent.place_order')
    """  # noqa: S608 - placeholders, no values


_COLUMNS: Final = (
    "intent_id, user_id, idempotency_key, request_hash, account_id, ce_type, intent, valid_until_ms, created_ms, "
    "stake_usd, usd_rate"
)
_VALUES: Final = (
    "$1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bigint, $9::bigint, "
    "$10::numeric, $11::numeric"
)
_INSERT: Final = f"INSERT INTO intents ({_COLUMNS}) SELECT {_VALUES} "
_ONCE: Final = "ON CONFLICT DO NOTHING"
_UNHINDERED: Final = f"""{_INSERT}
WHERE ({_open("$5", "$6", "$9")}) < $12::int AND ($13::text IS NULL OR (
    NOT EXISTS (SELECT 1 FROM risk_limits WHERE user_id = $2)
    AND NOT EXISTS (
        SELECT 1 FROM kill_switches WHERE (scope, target) IN (('user', $2), ('exchange', $13), ('global', '')))))
{_ONCE}"""  # noqa: S608 - our own constants.
_KNOWN: Final = "SELECT true FROM intents WHERE intent_id = $1 OR (user_id = $2 AND idempotency_key = $3)"
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('risk/' || $1, 0))"


async def admit(connection: asyncpg.Connection, stored: StoredIntent, stake: Stake | None, most_open: int) -> bool:
    """Store the intent; False when it, or its Idempotency-Key, is stored already. Raises Refused.

    `stake` is None for what takes no risk; `most_open` bounds what one account may have in flight, of orders and of
    everything else apart, so that no flood of orders keeps a cancel out. It is a ceiling on memory further down the
    line: requests at the same instant may exceed it by as many as there are connections.
    """
    values = _values(stored, stake)
    status = await connection.execute(_UNHINDERED, *values, most_open, stake.exchange.value if stake else None)
    return _inserted(status) or await _carefully(connection, values, stake, most_open)


async def insert(connection: asyncpg.Connection, stored: StoredIntent) -> None:
    """Store an intent that nothing may hold back; one that is stored already is left as it is."""
    await connection.execute(f"{_INSERT} {_ONCE}", *_values(stored, None))


async def _carefully(
    connection: asyncpg.Connection, values: tuple[Any, ...], stake: Stake | None, most_open: int
) -> bool:
    intent_id, user_id, key, now_ms = values[0], values[1], values[2], values[8]
    async with connection.transaction():
        await connection.execute(_LOCK, user_id)
        if await connection.fetchval(_KNOWN, intent_id, user_id, key):
            return False
        await _check_room(connection, values, most_open)
        if stake is not None:
            await check_risk(connection, stake, now_ms)
        return _inserted(await connection.execute(f"{_INSERT} {_ONCE}", *values))


async def check_risk(connection: asyncpg.Connection, stake: Stake, now_ms: int) -> None:
    """Refuse a buy that a switch or a limit holds back. Raises Refused."""
    check_switches(await switches_for(connection, stake.user_id, stake.exchange.value))
    limits = await limits_of(connection, stake.user_id)
    if limits.any:
        check_limits(stake, limits, await usage_of(connection, stake.user_id, now_ms))


async def _check_room(connection: asyncpg.Connection, values: tuple[Any, ...], most_open: int) -> None:
    open_ = await connection.fetchval(_open("$1", "$2", "$3"), values[4], values[5], values[8])
    if open_ >= most_open:
        raise Refused(
            code="TOO_MANY_OPERATIONS",
            title="Too many requests",
            field=None,
            rule=f"{open_} requests of this account are under way; the most at once is {most_open}.",
            fix="Wait for some of them to be answered and repeat the request.",
            status=429,
        )


def _inserted(status: str) -> bool:
    return status.endswith(" 1")


def _values(stored: StoredIntent, stake: Stake | None) -> tuple[Any, ...]:
    intent = stored.intent
    return (
        *(intent.intent_id, intent.user_id, stored.idempotency_key, stored.request_hash, intent.account_id),
        *(type_of(intent), encode(intent), intent.valid_until_ms, intent.ts_init_ms),
        *((stake.usd, stake.usd_rate) if stake else (None, None)),
    )
