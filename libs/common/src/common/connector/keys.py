"""The keys in use: leased from the vault, renewed before they end, dropped when they are revoked or refused.

An account whose key is refused is parked alone: nothing is sent for it until the key changes or some time has passed.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
import structlog

from common.accounts import AccountChanged, AccountState, Credentials
from common.clock import Clock
from common.connector.client import KeyRefused
from common.connector.metrics import ACCOUNTS_PARKED
from common.errors import Unavailable
from common.exchanges import Exchange

PARKED_FOR_MS: Final = 300_000
_RENEW_BEFORE: Final = 0.25
"""The part of a lease's life that is left when it is renewed."""
_LOOK_EVERY_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Lender(Protocol):
    """Lends keys."""

    async def lease(self, account_id: str, purpose: str) -> Credentials: ...


class Parked(msgspec.Struct, frozen=True):
    """Why and until when an account is set aside."""

    reason: str
    until_ms: int
    key_version: int


class KeyRing:
    """Holds leased keys in memory, and nowhere else."""

    def __init__(
        self,
        lender: Lender,
        exchange: Exchange,
        clock: Clock,
        *,
        purpose: str,
        parked_for_ms: int = PARKED_FOR_MS,
    ) -> None:
        self._lender = lender
        self._exchange = exchange
        self._clock = clock
        self._purpose = purpose
        self.on_change: Callable[[str], None] = lambda _: None
        """Told of an account that is parked, or no longer."""
        self._parked_for_ms = parked_for_ms
        self._held: dict[str, Credentials] = {}
        self._renew_at_ms: dict[str, int] = {}
        self._leasing: dict[str, asyncio.Task[Credentials]] = {}
        self._parked: dict[str, Parked] = {}
        self._wanted: set[str] = set()

    def held(self, account_id: str) -> Credentials | None:
        """The account's key if it is at hand and its lease lasts."""
        credentials = self._held.get(account_id)
        if credentials is None or credentials.expires_at_ms <= self._clock.now_ms():
            return None
        return credentials

    async def credentials(self, account_id: str) -> Credentials:
        """The account's key, leased if need be. Raises KeyRefused, Unavailable."""
        if (credentials := self.held(account_id)) is not None:
            return credentials
        if (parked := self.parked(account_id)) is not None:
            raise KeyRefused(account_id, parked.reason)
        return await self._lease(account_id)

    def parked(self, account_id: str) -> Parked | None:
        """Why this account is set aside, if it is."""
        parked = self._parked.get(account_id)
        return parked if parked is not None and parked.until_ms > self._clock.now_ms() else None

    def keep(self, account_id: str) -> None:
        """Renew this account's lease for as long as it is kept."""
        self._wanted.add(account_id)

    def release(self, account_id: str) -> None:
        """No longer renew it; what is held ends by itself."""
        self._wanted.discard(account_id)

    def refused(self, account_id: str, reason: str) -> None:
        """The exchange (or the vault) refuses the key: park the account."""
        held = self._held.pop(account_id, None)
        self._park(account_id, reason, 0 if held is None else held.key_version)

    def changed(self, account: AccountChanged) -> None:
        """What the vault says of an account: a new key ends the old lease and the parking, a revocation ends all."""
        held, parked = self._held.get(account.account_id), self._parked.get(account.account_id)
        if account.state is AccountState.REVOKED or (held is not None and held.key_version < account.key_version):
            self._forget(account.account_id)
        if parked is not None and parked.key_version < account.key_version and account.state is AccountState.ACTIVE:
            # A key of unknown version was refused by the vault itself: ask again when the account changes.
            self._unpark(account.account_id)

    async def run(self) -> None:
        """Renew leases and end parkings in time, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_ms = self._clock.now_ms()
            for account_id in [each for each, parked in self._parked.items() if parked.until_ms <= now_ms]:
                self._unpark(account_id)
            for account_id, credentials in list(self._held.items()):
                if account_id in self._wanted and self._renew_at_ms.get(account_id, 0) <= now_ms:
                    await self._renew(account_id)
                elif credentials.expires_at_ms <= now_ms:
                    self._forget(account_id)

    async def _renew(self, account_id: str) -> None:
        try:
            await self._lease(account_id)
        except Unavailable as error:
            _log.warning("lease_not_renewed", account_id=account_id, error=str(error))
        except KeyRefused:
            return

    async def _lease(self, account_id: str) -> Credentials:
        """Lease once, whoever asks meanwhile waits for the same lease."""
        task = self._leasing.get(account_id)
        if task is None:
            task = self._leasing[account_id] = asyncio.create_task(self._lender.lease(account_id, self._purpose))
            task.add_done_callback(lambda done: self._leased(account_id, done))
        return await asyncio.shield(task)

    def _leased(self, account_id: str, done: asyncio.Task[Credentials]) -> None:
        del self._leasing[account_id]
        if done.cancelled():
            return
        error = done.exception()
        if isinstance(error, KeyRefused):
            self._forget(account_id)
            self._park(account_id, error.reason, 0)
        elif error is None:
            credentials = done.result()
            life_ms = credentials.expires_at_ms - self._clock.now_ms()
            self._held[account_id] = credentials
            self._renew_at_ms[account_id] = credentials.expires_at_ms - int(life_ms * _RENEW_BEFORE)

    def _park(self, account_id: str, reason: str, key_version: int) -> None:
        until_ms = self._clock.now_ms() + self._parked_for_ms
        self._parked[account_id] = Parked(reason, until_ms, key_version)
        _log.warning("account_parked", account_id=account_id, reason=reason)
        self._tell(account_id)

    def _unpark(self, account_id: str) -> None:
        if self._parked.pop(account_id, None) is not None:
            _log.info("account_unparked", account_id=account_id)
            self._tell(account_id)

    def _tell(self, account_id: str) -> None:
        ACCOUNTS_PARKED.labels(self._exchange).set(len(self._parked))
        self.on_change(account_id)

    def _forget(self, account_id: str) -> None:
        self._held.pop(account_id, None)
        self._renew_at_ms.pop(account_id, None)
