"""Which accounts this process works for: the active ones among the vault's whose shard we hold a lease on.

The vault is the truth and is read every few seconds; the accounts topic only says that something changed. An account
that moves away is streamed a little longer, until its next owner surely streams it: an overlap is harmless, a gap
costs a reading.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from common.accounts import AccountChanged, AccountState
from common.bus.topics import shard_of
from common.clock import Clock
from common.connector.desk import Held
from common.connector.keys import KeyRing
from common.db.leases import Lease
from common.errors import Unavailable, UnreadableMessage
from common.exchanges import Exchange

OVERLAP_S: Final = 5.0

_log = structlog.get_logger(__name__)


class AccountSource(Protocol):
    """Where the accounts are listed."""

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]: ...


class Streams(Protocol):
    """Follows accounts."""

    @property
    def accounts(self) -> frozenset[str]: ...

    def follow(self, account_id: str) -> None: ...

    def unfollow(self, account_id: str) -> None: ...

    def renew(self, account_id: str) -> None: ...


class Ownership:
    """Joins leases on shards with the vault's list, and tells the streams whom to follow."""

    def __init__(
        self,
        exchange: Exchange,
        source: AccountSource,
        keys: KeyRing,
        streams: Streams,
        clock: Clock,
        *,
        partitions: int,
        forget: Callable[[str], None],
        overlap_s: float = OVERLAP_S,
    ) -> None:
        self._exchange = exchange
        self._source = source
        self._keys = keys
        self._streams = streams
        self._clock = clock
        self._partitions = partitions
        self._forget = forget
        self._overlap_s = overlap_s
        self._book: dict[str, AccountChanged] = {}
        self._held: dict[int, Held] = {}
        self._before: dict[int, Held] = {}
        self._leaving: dict[int, asyncio.TimerHandle] = {}
        self._loaded = asyncio.Event()

    @property
    def loaded(self) -> bool:
        """Whether the vault has told its accounts at least once."""
        return self._loaded.is_set()

    def held(self, shard: int) -> Held | None:
        """Our right to act on a shard."""
        return self._held.get(shard)

    def lease_of(self, account_id: str) -> Lease | None:
        """The lease that the account's shard is ours by."""
        held = self._held.get(shard_of(account_id, self._partitions))
        return None if held is None else held.lease

    def owns(self, account_id: str) -> bool:
        """Whether this process streams the account."""
        return account_id in self._streams.accounts

    def known(self, account_id: str) -> AccountChanged | None:
        """What the vault said of an account last."""
        return self._book.get(account_id)

    def gained(self, lease: Lease) -> Held:
        """A shard is ours from now on."""
        if (timer := self._leaving.pop(lease.shard, None)) is not None:
            timer.cancel()
        free_ms = int((time.monotonic() - lease.free_since_s) * 1000)
        held = Held(lease, self._clock.now_ms() - free_ms, self._before.get(lease.shard))
        self._held[lease.shard] = held
        self._reconcile()
        return held

    def lost(self, shard: int) -> None:
        """Send nothing more for it; its accounts are streamed until the next owner surely does."""
        if (held := self._held.pop(shard, None)) is not None:
            self._before[shard] = held
            loop = asyncio.get_running_loop()
            self._leaving[shard] = loop.call_later(self._overlap_s, self._left, shard)

    def hint(self, account: AccountChanged) -> None:
        """The topic says that an account changed: act at once, the next reading of the vault confirms it."""
        known = self._book.get(account.account_id)
        if account.exchange is not self._exchange or (known is not None and known.ts_init_ms > account.ts_init_ms):
            return
        self._take(account)
        self._reconcile()

    def key_changed(self, account_id: str) -> None:
        """An account was parked, or is no longer."""
        self._reconcile()

    async def run(self, every_s: float) -> None:
        """Read the vault again and again, until cancelled."""
        while True:
            try:
                await self.refresh()
            except (Unavailable, UnreadableMessage) as error:
                _log.warning("accounts_not_read", error=str(error))
                await asyncio.sleep(min(1.0, every_s))
                continue
            await asyncio.sleep(every_s)

    async def refresh(self) -> None:
        """Make the vault's list ours. Raises Unavailable."""
        accounts = await self._source.accounts(self._exchange)
        listed = {account.account_id for account in accounts}
        for account_id in self._book.keys() - listed:
            self._keys.refused(account_id, "the vault does not know this account any more")
            del self._book[account_id]
        for account in accounts:
            self._take(account)
        self._loaded.set()
        self._reconcile()

    def _take(self, account: AccountChanged) -> None:
        known = self._book.get(account.account_id)
        self._book[account.account_id] = account
        self._keys.changed(account)
        if known is not None and known.key_version < account.key_version:
            self._streams.unfollow(account.account_id)  # Followed again below, with the new key.

    def _reconcile(self) -> None:
        shards = self._held.keys() | self._leaving.keys()
        wanted = {
            account.account_id
            for account in self._book.values()
            if account.state is AccountState.ACTIVE
            and shard_of(account.account_id, self._partitions) in shards
            and self._keys.parked(account.account_id) is None
        }
        for account_id in self._streams.accounts - wanted:
            self._streams.unfollow(account_id)
            self._keys.release(account_id)
            self._forget(account_id)
        for account_id in wanted - self._streams.accounts:
            self._keys.keep(account_id)
            self._streams.follow(account_id)

    def _left(self, shard: int) -> None:
        del self._leaving[shard]
        self._reconcile()
