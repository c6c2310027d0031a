"""Accounts: one set of exchange credentials of one user. The account id is the key of every account-keyed topic."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.exchanges import Exchange


class AccountState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    """Stored, but not trading: no stream is kept."""
    REVOKED = "revoked"
    """The key is deleted or no longer works; every lease on it ends."""


class AccountChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="account.changed"):
    """What the vault says of an account; the last one per key is the truth."""

    account_id: str
    user_id: str
    exchange: Exchange
    label: str
    state: AccountState
    is_default: bool
    key_version: int
    """Grows with every change of the key, so that a lease on an older one is known to be stale."""
    ts_init_ms: int


class AssetBalance(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute balances of one asset."""

    asset: str
    free: Decimal
    locked: Decimal


class BalanceChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="balance.changed"):
    """Absolute balances of the assets that may have changed."""

    account_id: str
    exchange: Exchange
    balances: tuple[AssetBalance, ...]
    ts_event_ms: int
    ts_init_ms: int


class BalanceAdjusted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="balance.adjusted"):
    """A deposit, withdrawal, transfer or outside lock: a signed change of one asset, not caused by a trade."""

    account_id: str
    exchange: Exchange
    asset: str
    delta: Decimal
    reason: str
    ts_event_ms: int
    ts_init_ms: int


BalanceFact = BalanceChanged | BalanceAdjusted


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A decrypted key, held in memory only while its lease lasts."""

    account_id: str
    exchange: Exchange
    api_key: str
    secret: str
    passphrase: str | None
    key_version: int
    expires_at_ms: int

    def __repr__(self) -> str:
        return f"Credentials(account_id={self.account_id!r}, key_version={self.key_version}, secrets hidden)"

    __str__ = __repr__
