"""What the vault does: store, change, delete and lend keys. No use of a key without its audit row, written first."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import msgspec

from common.accounts import AccountState, Credentials
from common.clock import Clock
from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from credentials_vault.accounts import Account, AlreadyStored, DefaultNeeded, LabelTaken, added, changed, removed
from credentials_vault.sealing import MasterKeys, Secrets, fingerprint, hint, open_sealed, rewrap, seal

T = TypeVar("T")


class Change(Protocol):
    """A user's accounts on one exchange, locked until the change is done."""

    @property
    def accounts(self) -> Sequence[Account]: ...

    async def save(self, accounts: Sequence[Account]) -> None:
        """Write these rows, and a fact about each of them."""

    async def reseal(self, account: Account) -> None:
        """Write a row whose sealing alone has changed: nobody needs to know."""


class AccountStore(Protocol):
    """The rows, their facts and the audit."""

    async def get(self, account_id: str) -> Account | None:
        """The account, unless it is unknown or revoked."""

    async def of_user(self, user_id: str) -> Sequence[Account]: ...

    async def of_exchange(self, exchange: Exchange) -> Sequence[Account]: ...

    async def sealed_below(self, master_version: int) -> Sequence[Account]:
        """The accounts sealed under an older master key."""

    def changing(self, user_id: str, exchange: Exchange) -> AbstractAsyncContextManager[Change]:
        """One transaction over the user's accounts on the exchange, committed when the block ends well."""

    async def record_use(self, account: Account, *, caller: str, purpose: str, at_ms: int) -> None:
        """The audit row of one use, committed before this returns."""


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be stored."""

    user_id: str
    exchange: Exchange
    label: str
    secrets: Secrets
    is_default: bool
    active: bool
    account_kind: str | None = None


class AccountPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change; None leaves as it is."""

    label: str | None = None
    is_default: bool | None = None
    active: bool | None = None
    secrets: Secrets | None = None
    account_kind: str | None = None
    """Of the new key."""


class Vault:
    """Stores, changes, deletes and lends keys."""

    def __init__(self, store: AccountStore, keys: MasterKeys, clock: Clock, lease_ms: int) -> None:
        self.store = store
        self._keys = keys
        self._clock = clock
        self._lease_ms = lease_ms

    async def add(self, new: NewAccount) -> Account:
        """Seal and store a key. Raises Refused (409) when it, or its label, is stored already."""
        now_ms = self._clock.now_ms()
        bare = Account(
            account_id=new_id(),
            user_id=new.user_id,
            exchange=new.exchange,
            label=new.label,
            state=_state(new.active),
            is_default=new.is_default,
            key_version=1,
            api_key_hint="",
            fingerprint="",
            account_kind=new.account_kind,
            sealed=None,
            created_ms=now_ms,
            updated_ms=now_ms,
        )
        account = self._with_key(bare, new.secrets)
        async with self.store.changing(new.user_id, new.exchange) as change:
            rows = _or_conflict(lambda: added(account, change.accounts))
            await change.save(rows)
        return rows[-1]

    async def patch(self, account_id: str, patch: AccountPatch) -> Account:
        """Change what the patch names; a new key gets the next key version. Raises Refused (404, 409)."""
        current = await self.get(account_id)
        async with self.store.changing(current.user_id, current.exchange) as change:
            account = _among(change.accounts, account_id)
            account = msgspec.structs.replace(
                account,
                label=account.label if patch.label is None else patch.label,
                is_default=account.is_default if patch.is_default is None else patch.is_default,
                state=account.state if patch.active is None else _state(patch.active),
                updated_ms=self._clock.now_ms(),
            )
            if patch.secrets is not None:
                renewed = {"key_version": account.key_version + 1, "account_kind": patch.account_kind}
                account = self._with_key(msgspec.structs.replace(account, **renewed), patch.secrets)
            rows = _or_conflict(lambda: changed(account, change.accounts))
            await change.save(rows)
        return rows[-1]

    async def toggle(self, account_id: str) -> Account:
        """Pause an active account, activate a paused one. Raises Refused (404)."""
        account = await self.get(account_id)
        return await self.patch(account_id, AccountPatch(active=account.state is not AccountState.ACTIVE))

    async def delete(self, account_id: str, *, force: bool = False) -> Account:
        """Destroy the key and revoke every lease on it. Raises Refused (404; 409 for a default unless by force)."""
        current = await self.get(account_id)
        async with self.store.changing(current.user_id, current.exchange) as change:
            account, now_ms = _among(change.accounts, account_id), self._clock.now_ms()
            gone = _or_conflict(lambda: removed(account, change.accounts, now_ms, force=force))
            await change.save((gone,))
        return gone

    async def lease(self, account_id: str, *, caller: str, purpose: str) -> Credentials:
        """The decrypted key for a short while; the use is audited before the key is opened. Raises Refused (404)."""
        account = await self.get(account_id)
        now_ms = self._clock.now_ms()
        await self.store.record_use(account, caller=caller, purpose=purpose, at_ms=now_ms)
        assert account.sealed is not None, "an account that is not revoked has its sealed key"
        secrets = open_sealed(account.sealed, account.identity, self._keys)
        return Credentials(
            account_id=account.account_id,
            exchange=account.exchange,
            api_key=secrets.api_key,
            secret=secrets.secret,
            passphrase=secrets.passphrase,
            key_version=account.key_version,
            expires_at_ms=now_ms + self._lease_ms,
        )

    async def rewrap(self) -> int:
        """Put every row under the newest master key, one at a time beside running traffic; how many there were."""
        accounts = await self.store.sealed_below(self._keys.newest)
        for account in accounts:
            async with self.store.changing(account.user_id, account.exchange) as change:
                for row in change.accounts:
                    if row.account_id == account.account_id and row.sealed is not None:
                        sealed = rewrap(row.sealed, row.identity, self._keys)
                        await change.reseal(msgspec.structs.replace(row, sealed=sealed))
        return len(accounts)

    async def get(self, account_id: str) -> Account:
        """The account. Raises Refused (404)."""
        account = await self.store.get(account_id)
        if account is None:
            raise _not_found()
        return account

    def _with_key(self, account: Account, secrets: Secrets) -> Account:
        return msgspec.structs.replace(
            account,
            sealed=seal(secrets, account.identity, self._keys),
            api_key_hint=hint(secrets.api_key),
            fingerprint=fingerprint(secrets.api_key),
        )


def _state(active: bool) -> AccountState:
    return AccountState.ACTIVE if active else AccountState.PAUSED


def _among(accounts: Sequence[Account], account_id: str) -> Account:
    """The row as it stands under the lock; it may have gone since it was looked up."""
    for account in accounts:
        if account.account_id == account_id:
            return account
    raise _not_found()


def _not_found() -> Refused:
    return Refused(
        code="CREDENTIALS_NOT_FOUND",
        title="Credentials not found",
        field="account_id",
        rule="No stored credentials have this id.",
        fix="List the accounts to see which exist.",
        status=404,
    )


def _or_conflict(change: Callable[[], T]) -> T:
    try:
        return change()
    except AlreadyStored:
        rule, fix = "A user stores each key once.", "Change the stored credentials instead."
        raise _conflict("KEY_ALREADY_STORED", "Credentials already stored", "api_key", rule, fix) from None
    except LabelTaken:
        rule, fix = "Each of a user's keys on an exchange has its own label.", "Choose another label."
        raise _conflict("LABEL_TAKEN", "Label already used", "label", rule, fix) from None
    except DefaultNeeded:
        rule = "While a user has several keys on an exchange, one of them is the default."
        fix = "Make another one the default first, with is_default true."
        raise _conflict("DEFAULT_NEEDED", "Default credentials", "is_default", rule, fix) from None


def _conflict(code: str, title: str, field: str, rule: str, fix: str) -> Refused:
    return Refused(code=code, title=title, field=field, rule=rule, fix=fix, status=409)
