"""The vault's rows in PostgreSQL: accounts, the audit of their use, and their facts in the outbox."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import structlog

from common.accounts import AccountState
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ACCOUNTS
from common.codec import encode
from common.db.errors import typed_errors
from common.db.outbox import delete_published, insert_outbox
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from common.orders import type_of
from credentials_vault.accounts import Account
from credentials_vault.sealing import Sealed

SOURCE: Final = "credentials-vault"
SCHEMA: Final = "credentials_vault"
OUTBOX_SHARD: Final = 0
"""All instances share one shard of the outbox; facts about accounts are rare."""

_COLUMNS: Final = (
    "account_id, user_id, exchange, label, state, is_default, key_version, api_key_hint, fingerprint, "
    "account_kind, master_version, wrapped_key, ciphertext, created_ms, updated_ms"
)
_UPSERT: Final = f"""
INSERT INTO accounts ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (account_id) DO UPDATE SET
    label = excluded.label, state = excluded.state, is_default = excluded.is_default,
    key_version = excluded.key_version, api_key_hint = excluded.api_key_hint, fingerprint = excluded.fingerprint,
    account_kind = excluded.account_kind, master_version = excluded.master_version, wrapped_key = excluded.wrapped_key,
    ciphertext = excluded.ciphertext, updated_ms = excluded.updated_ms
"""  # noqa: S608 - the columns are our own constant.
_SELECT: Final = f"SELECT {_COLUMNS} FROM accounts WHERE state <> 'revoked' AND "  # noqa: S608 - as above.

_log = structlog.get_logger(__name__)


class PostgresAccounts:
    """The store of accounts; what it commits, it publishes at once, and the relay publishes what that left behind."""

    def __init__(self, pool: asyncpg.Pool, publisher: Publisher) -> None:
        self._pool = pool
        self._publisher = publisher

    async def get(self, account_id: str) -> Account | None:
        """The account, unless it is unknown or revoked."""
        rows = await self._select("account_id = $1", account_id)
        return rows[0] if rows else None

    async def of_user(self, user_id: str) -> Sequence[Account]:
        """The user's accounts, oldest first."""
        return await self._select("user_id = $1", user_id)

    async def of_exchange(self, exchange: Exchange) -> Sequence[Account]:
        """All accounts on the exchange, oldest first."""
        return await self._select("exchange = $1", exchange.value)

    async def sealed_below(self, master_version: int) -> Sequence[Account]:
        """The accounts sealed under an older master key."""
        return await self._select("master_version < $1", master_version)

    @asynccontextmanager
    async def changing(self, user_id: str, exchange: Exchange) -> AsyncIterator["PostgresChange"]:
        """One transaction over the user's accounts on the exchange, committed when the block ends well."""
        with typed_errors():
            async with self._pool.acquire() as connection, connection.transaction():
                # Rows that do not exist yet cannot be locked: the lock is on what they would belong to.
                lock = f"accounts/{user_id}/{exchange}"
                await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
                where = "user_id = $1 AND exchange = $2 ORDER BY created_ms, account_id"
                rows = await connection.fetch(_SELECT + where, user_id, exchange.value)
                change = PostgresChange(connection, tuple(_account(row) for row in rows))
                yield change
        await self._publish(change.messages)

    async def record_use(self, account: Account, *, caller: str, purpose: str, at_ms: int) -> None:
        """The audit row of one use, committed before this returns. Raises Unavailable."""
        with typed_errors():
            await self._pool.execute(
                "INSERT INTO audit (account_id, key_version, caller, purpose, at_ms) VALUES ($1, $2, $3, $4, $5)",
                *(account.account_id, account.key_version, caller, purpose, at_ms),
            )

    async def _select(self, where: str, *values: Any) -> Sequence[Account]:
        with typed_errors():
            rows = await self._pool.fetch(f"{_SELECT}{where} ORDER BY created_ms, account_id", *values)
        return tuple(_account(row) for row in rows)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        if not messages:
            return
        try:
            await self._publisher.publish(messages)
        except Unavailable as error:
            _log.warning("account_facts_left_to_the_relay", count=len(messages), error=repr(error))
            return
        await delete_published(self._pool, messages)


class PostgresChange:
    """The locked accounts of one user on one exchange."""

    def __init__(self, connection: Any, accounts: Sequence[Account]) -> None:
        self._connection = connection
        self.accounts = accounts
        self.messages: list[Outgoing] = []

    async def save(self, accounts: Sequence[Account]) -> None:
        """Write these rows in this order, and a fact about each of them."""
        for account in accounts:
            await self.reseal(account)
            self.messages.append(_fact(account))
        await insert_outbox(self._connection, OUTBOX_SHARD, self.messages)

    async def reseal(self, account: Account) -> None:
        """Write a row whose sealing alone has changed: nobody needs to know."""
        await self._connection.execute(_UPSERT, *_values(account))


def _fact(account: Account) -> Outgoing:
    fact = account.fact
    return Outgoing(
        topic=ACCOUNTS.name,
        key=fact.account_id,
        value=encode(fact),
        ce_id=new_id(),
        ce_type=type_of(fact),
        ce_source=SOURCE,
        ce_time_ms=fact.ts_init_ms,
        correlation_id=None,
        causation_id=None,
    )


def _values(account: Account) -> tuple[Any, ...]:
    sealed = account.sealed
    return (
        *(account.account_id, account.user_id, account.exchange.value, account.label, account.state.value),
        *(account.is_default, account.key_version, account.api_key_hint, account.fingerprint),
        account.account_kind,
        *((sealed.master_version, sealed.wrapped_key, sealed.ciphertext) if sealed else (None, None, None)),
        *(account.created_ms, account.updated_ms),
    )


def _account(row: asyncpg.Record) -> Account:
    fields = dict(row)
    master, wrapped, ciphertext = (fields.pop(name) for name in ("master_version", "wrapped_key", "ciphertext"))
    fields["exchange"] = Exchange(fields["exchange"])
    fields["state"] = AccountState(fields["state"])
    sealed = (
        Sealed(master_version=master, wrapped_key=bytes(wrapped), ciphertext=bytes(ciphertext)) if ciphertext else None
    )
    return Account(**fields, sealed=sealed)
