"""When which account is checked: all of a shard when it becomes ours and then every so often; any account on request.

Accounts are shared out by leases on their shards. Requests have a lane of their own per exchange, so that nobody who
asks waits for a whole round.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Final, Protocol

import structlog

from common.bus.topics import shard_of
from common.db.leases import Lease
from common.errors import Unavailable
from common.exchanges import Exchange
from common.ids import new_id
from common.metrics import since_s, stopwatch
from sync.check import Checked, Checker
from sync.connectors import NotAnswered
from sync.ledger import Account
from sync.metrics import CHECK_SECONDS, CHECKS, ROUND_AGE
from sync.runs import Waiting

AT_ONCE: Final = 8
"""Accounts of one exchange that are checked at a time, on each lane: most of them wait for their second look."""
_RETRIES_S: Final = (1.0, 3.0, 10.0, 30.0)
"""A connector that is just starting answers soon; one that is down is asked again in the next round."""
_REQUEST_RETRIES_S: Final = (1.0, 3.0)
_LOOK_EVERY_S: Final = 0.5
_AGAIN_S: Final = 1.0
_PRUNE_EVERY_S: Final = 3_600.0

_log = structlog.get_logger(__name__)


class Scope(Protocol):
    """Which accounts and symbols there are."""

    async def scope(
        self, closed_for_ms: int, account_ids: Collection[str] | None = None
    ) -> list[tuple[Account, list[str]]]: ...


class Runs(Protocol):
    """Runs that were asked for."""

    async def waiting(self, shards: Collection[int]) -> list[Waiting]: ...

    async def done(self, item: Waiting, checked: Checked) -> None: ...

    async def failed(self, item: Waiting, reason: str) -> None: ...

    async def prune(self) -> None: ...


class Lane:
    """Checks accounts, a few at a time per exchange."""

    def __init__(self, checker: Checker, short_after_ms: int) -> None:
        self._checker = checker
        self._short_after_ms = short_after_ms
        self._rooms: defaultdict[Exchange, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def check(self, account: Account, symbols: Sequence[str], cause: str, retries_s: Sequence[float]) -> Checked:
        """One account to its end, the second look at short balances included. Raises Unavailable, NotAnswered."""
        started = stopwatch()
        checked = await self._patiently(account, retries_s, lambda: self._checker.check(account, symbols, cause))
        CHECK_SECONDS.labels(account.exchange).observe(since_s(started))
        if checked.suspects:
            await asyncio.sleep(self._short_after_ms / 1000)
            suspects = checked.suspects
            again = await self._patiently(account, retries_s, lambda: self._checker.confirm(account, suspects, cause))
            checked = checked.with_more(again)
        CHECKS.labels(account.exchange, "mended" if checked.findings else "agreed").inc()
        return checked

    async def _patiently(
        self, account: Account, retries_s: Sequence[float], look: Callable[[], Coroutine[Any, Any, Checked]]
    ) -> Checked:
        for pause_s in (*retries_s, None):
            try:
                async with self._rooms[account.exchange]:
                    return await look()
            except Unavailable:
                if pause_s is None:
                    CHECKS.labels(account.exchange, "unavailable").inc()
                    raise
                await asyncio.sleep(pause_s)
            except NotAnswered:
                CHECKS.labels(account.exchange, "refused").inc()
                raise
        raise AssertionError("the last attempt returns or raises")


class Rounds:
    """The timers of the shards we hold, and the requests that wait for them."""

    def __init__(
        self,
        scope: Scope,
        runs: Runs,
        periodic: Lane,
        requested: Lane,
        *,
        partitions: int,
        every_ms: int,
        window_ms: int,
    ) -> None:
        self._scope = scope
        self._runs = runs
        self._periodic = periodic
        self._requested = requested
        self._partitions = partitions
        self._every_s = every_ms / 1000
        self._window_ms = window_ms
        self._begun: dict[int, float | None] = {}
        """By shard of ours, when its last round began; None before the first."""
        self._busy: set[tuple[str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.asked = asyncio.Event()
        """Set to have requests looked for at once."""

    async def gained(self, lease: Lease) -> None:
        """A shard is ours: all of it is checked now."""
        self._begun[lease.shard] = None

    async def lost(self, shard: int) -> None:
        """Somebody else checks it from now on. What is under way may finish: facts told twice are harmless."""
        self._begun.pop(shard, None)

    @property
    def held(self) -> frozenset[int]:
        """The shards whose accounts are checked here."""
        return frozenset(self._begun)

    async def run(self) -> None:
        """Begin what is due, for ever."""
        pruned = stopwatch()
        while True:
            try:
                self._begin_rounds()
                await self._begin_requests()
                if since_s(pruned) > _PRUNE_EVERY_S:
                    pruned = stopwatch()
                    await self._runs.prune()
            except Unavailable as error:
                _log.warning("sync_waits", error=str(error))
            try:
                await asyncio.wait_for(self.asked.wait(), _LOOK_EVERY_S)
            except TimeoutError:
                continue
            self.asked.clear()

    async def stop(self) -> None:
        """Leave what is under way: whoever runs next begins anew."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin_rounds(self) -> None:
        ages = [since_s(begun) for begun in self._begun.values() if begun is not None]
        ROUND_AGE.set(max(ages, default=0.0))
        first = [shard for shard, begun in self._begun.items() if begun is None]
        due = [s for s, begun in self._begun.items() if begun is not None and since_s(begun) >= self._every_s]
        for shards, closed_for_ms in ((first, self._window_ms), (due, round(3_000 * self._every_s))):
            if shards:
                self._begun |= dict.fromkeys(shards, stopwatch())
                self._spawn(self._round(frozenset(shards), closed_for_ms))

    async def _round(self, shards: Collection[int], closed_for_ms: int) -> None:
        """Every account of these shards once; a closed bracket is looked at twice more, by the next rounds."""
        cause = f"sync/{new_id()}"
        try:
            scope = await self._scope.scope(closed_for_ms)
        except Unavailable as error:
            _log.warning("round_not_begun", error=str(error))
            await asyncio.sleep(_AGAIN_S)
            self._begun |= {shard: None for shard in shards if shard in self._begun}
            return
        mine = [each for each in scope if shard_of(each[0].account_id, self._partitions) in shards]
        outcomes = await asyncio.gather(*(self._checked(account, symbols, cause) for account, symbols in mine))
        found = [outcome for outcome in outcomes if outcome is not None]
        _log.info(
            "round_done",
            accounts=len(mine),
            failed=len(mine) - len(found),
            checked=sum(each.checked for each in found),
            mended=sum(len(each.findings) for each in found),
        )

    async def _checked(self, account: Account, symbols: Sequence[str], cause: str) -> Checked | None:
        try:
            return await self._periodic.check(account, symbols, cause, _RETRIES_S)
        except (Unavailable, NotAnswered) as error:
            _log.warning("account_not_checked", account_id=account.account_id, error=str(error))
        except Exception:  # A defect that one account shows must not keep the others from being checked.
            _log.exception("account_check_broke", account_id=account.account_id)
        return None

    async def _begin_requests(self) -> None:
        if not self._begun:
            return
        for item in await self._runs.waiting(self._begun):
            key = (item.run_id, item.account.account_id)
            if key not in self._busy:
                self._busy.add(key)
                self._spawn(self._request(item, key))

    async def _request(self, item: Waiting, key: tuple[str, str]) -> None:
        try:
            checked = await self._requested.check(item.account, item.symbols, f"sync/{item.run_id}", _REQUEST_RETRIES_S)
            await self._runs.done(item, checked)
        except (Unavailable, NotAnswered) as error:
            await self._runs.failed(item, str(error))
        except Exception:
            _log.exception("account_check_broke", account_id=item.account.account_id)
            await self._runs.failed(item, "A defect kept it from being checked; it is in our log.")
        finally:
            self._busy.discard(key)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("check_broke", exc_info=error)
