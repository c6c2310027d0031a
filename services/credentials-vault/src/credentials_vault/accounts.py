"""What the vault keeps of an account, and the pure rules of changing it."""

from collections.abc import Iterable, Sequence

import msgspec

from common.accounts import AccountChanged, AccountState
from common.errors import CgtError
from common.exchanges import Exchange
from credentials_vault.sealing import Identity, Sealed


class AlreadyStored(CgtError):
    """This user has stored this key already."""


class LabelTaken(CgtError):
    """Another key of this user on the exchange has this label."""


class DefaultNeeded(CgtError):
    """The default would go while other keys stay: which of them is meant then is not for us to guess."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One row: who it belongs to, how it stands, and its sealed key (None once it is deleted)."""

    account_id: str
    user_id: str
    exchange: Exchange
    label: str
    state: AccountState
    is_default: bool
    key_version: int
    api_key_hint: str
    fingerprint: str
    account_kind: str | None
    """In the exchange's words; None where it was not asked."""
    sealed: Sealed | None
    created_ms: int
    updated_ms: int

    @property
    def identity(self) -> Identity:
        """What its sealed key is bound to."""
        return Identity(
            user_id=self.user_id,
            exchange=self.exchange,
            account_id=self.account_id,
            key_version=self.key_version,
        )

    @property
    def fact(self) -> AccountChanged:
        """What the others may know of it."""
        return AccountChanged(
            account_id=self.account_id,
            user_id=self.user_id,
            exchange=self.exchange,
            label=self.label,
            state=self.state,
            is_default=self.is_default,
            key_version=self.key_version,
            ts_init_ms=self.updated_ms,
        )


def added(account: Account, peers: Sequence[Account]) -> tuple[Account, ...]:
    """The rows that change when `account` joins its user's others on the exchange: the first one is the default.

    Raises AlreadyStored, LabelTaken.
    """
    _check_new(account, peers)
    wanted = account.is_default or not any(peer.is_default for peer in peers)
    return _one_default(msgspec.structs.replace(account, is_default=wanted), peers)


def changed(account: Account, peers: Sequence[Account]) -> tuple[Account, ...]:
    """The rows that change when `account` is now as given. Raises AlreadyStored, LabelTaken, DefaultNeeded."""
    others = _others(account, peers)
    _check_new(account, others)
    was_default = any(peer.is_default for peer in peers if peer.account_id == account.account_id)
    if was_default and not account.is_default:
        raise DefaultNeeded("a user has one default key per exchange")
    return _one_default(account, others)


def removed(account: Account, peers: Sequence[Account], now_ms: int, *, force: bool) -> Account:
    """The account once it is deleted: its sealed key is destroyed, its row stays for the audit.

    Raises DefaultNeeded for a default that others would have to replace; by force none is the default afterwards.
    """
    if account.is_default and _others(account, peers) and not force:
        raise DefaultNeeded("other keys of the user stay on the exchange")
    return msgspec.structs.replace(
        account,
        state=AccountState.REVOKED,
        is_default=False,
        key_version=account.key_version + 1,
        api_key_hint="",
        fingerprint="",
        sealed=None,
        updated_ms=now_ms,
    )


def _others(account: Account, peers: Sequence[Account]) -> list[Account]:
    return [peer for peer in peers if peer.account_id != account.account_id]


def _one_default(account: Account, others: Iterable[Account]) -> tuple[Account, ...]:
    """The account, after those that stop being the default for it."""
    stepping_down = [peer for peer in others if peer.is_default and account.is_default]
    return (
        *(msgspec.structs.replace(p, is_default=False, updated_ms=account.updated_ms) for p in stepping_down),
        account,
    )


def _check_new(account: Account, others: Iterable[Account]) -> None:
    for peer in others:
        if peer.fingerprint == account.fingerprint:
            raise AlreadyStored("this key is stored already")
        if account.label and peer.label == account.label:
            raise LabelTaken("another key has this label")
