"""The vault's offline commands: rotate the master key, import the first system's keys."""

import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Literal

from common.bus.brokers import BusSettings
from common.bus.publisher import Publisher
from common.bus.topics import ACCOUNTS
from common.clock import SystemClock
from common.codec import decode
from common.db.pool import DatabaseSettings, create_pool
from common.errors import CgtError, Refused
from credentials_vault.keys import provider
from credentials_vault.legacy import LegacyKey, LegacyRow, key_from, open_row
from credentials_vault.settings import VaultSettings
from credentials_vault.store import SCHEMA, PostgresAccounts
from credentials_vault.vault import NewAccount, Vault


async def rewrap(environ: Mapping[str, str]) -> int:
    """Put every key under the newest master key; how many there were."""
    async with _vault(environ) as vault:
        return await vault.rewrap()


async def import_cbc(environ: Mapping[str, str], lines: Iterable[str], encoding: Literal["hex", "base64"]) -> int:
    """Import one credential per JSON line, reporting each line on standard error; how many could not be imported."""
    key = key_from(environ)
    problems = 0
    async with _vault(environ) as vault:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                said = await import_line(vault, line, key, encoding)
            except CgtError as error:
                problems += 1
                said = f"not imported: {error}"
            print(f"line {number}: {said}", file=sys.stderr)
    return problems


async def import_line(vault: Vault, line: str, key: LegacyKey, encoding: Literal["hex", "base64"]) -> str:
    """Import one row; one stored already is left as it is, so an import can be repeated. Raises CgtError."""
    row = decode(line.encode(), LegacyRow)
    new = NewAccount(
        user_id=row.user_id,
        exchange=row.exchange_name,
        label=row.label,
        secrets=open_row(row, key, encoding),
        is_default=False,
        active=row.active_trading,
    )
    try:
        account = await vault.add(new)
    except Refused as refused:
        if refused.code == "KEY_ALREADY_STORED":
            return "stored already"
        raise
    return f"imported as {account.account_id}"


@asynccontextmanager
async def _vault(environ: Mapping[str, str]) -> AsyncIterator[Vault]:
    """A vault without a broker: the facts of what it changes wait in the outbox for a running vault's relay."""
    keys = provider(environ).load()
    pool = await create_pool(
        DatabaseSettings.from_env(environ).database_url, SCHEMA, application_name="credentials-vault-command", size=2
    )
    try:
        publisher = Publisher(BusSettings.from_env(environ), (ACCOUNTS,), "credentials-vault-command")
        lease_ms = VaultSettings.from_env(environ).vault_lease_ms
        yield Vault(PostgresAccounts(pool, publisher), keys, SystemClock(), lease_ms)
    finally:
        await pool.close()
