"""Carries signals out: places what is pending and settles what was sent, for the shards whose lease this gateway holds.

A lease only divides the work. What keeps an order from being sent twice is the receipt's row, which leaves PENDING in
the transaction that stores the intent, and the intent's id, which is a function of signal and account.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import partial
from typing import Final, Protocol

import structlog

from common.clock import Clock
from common.errors import Unavailable
from common.exchanges import Exchange
from common.orders import OrderRejected
from gateway.signals.model import Reason, Receipt, Signal, State
from gateway.signals.ports import Open, Place, SignalStore
from gateway.signals.sending import Sender
from gateway.signals.settling import settled
from gateway.waiting import Waiting, entry_keys

FAN_OUT: Final = 16
"""Accounts of one exchange whose orders are made at the same time."""
PENDING_BATCH: Final = 1_000
"""Recipients looked up at once; one who is slow holds up no more than these."""
BATCH: Final = 200
GATHER_S: Final = 0.1
BUSY_EVERY_S: Final = 0.2
IDLE_EVERY_S: Final = 1.0
RESTING_EVERY_S: Final = 5.0
LISTEN_S: Final = 10.0
FIRST: Final[Place] = ("", -1)

_log = structlog.get_logger(__name__)


class Held(Protocol):
    """Which shards are ours to work on."""

    def held(self) -> frozenset[int]: ...


class Watches(Protocol):
    """Who wants to know what has changed."""

    def tell(self, receipts: Iterable[Receipt]) -> None: ...


class SignalRunner:
    """The worker of one gateway. Run `run()`; `wake()` when there is something new."""

    def __init__(
        self,
        store: SignalStore,
        sender: Sender,
        shards: Held,
        exchanges: Iterable[Exchange],
        waiting: Waiting,
        progress: Watches,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sender = sender
        self._shards = shards
        self._exchanges = tuple(exchanges)
        self._waiting = waiting
        self._progress = progress
        self._clock = clock
        self._news = {exchange: asyncio.Event() for exchange in self._exchanges}
        self._moved = asyncio.Event()
        self._heard: dict[str, Reason] = {}
        self._listening: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """There is something to place."""
        for news in self._news.values():
            news.set()

    async def run(self) -> None:
        """Work for ever. An exchange that is slow or away keeps only its own accounts waiting."""
        async with asyncio.TaskGroup() as group:
            for exchange, news in self._news.items():
                group.create_task(_always(news, partial(self.place, exchange)))
            group.create_task(_always(self._moved, self.settle))
            group.create_task(_always(asyncio.Event(), self.look_at_resting))

    async def place(self, exchange: Exchange) -> float:
        """Take every pending recipient of the exchange one step further; when to look again. Raises Unavailable."""
        shards, after, again = self._shards.held(), FIRST, False
        room = asyncio.Semaphore(FAN_OUT)
        while shards and (batch := await self._store.pending(exchange, shards, after=after, limit=PENDING_BATCH)):
            async with asyncio.TaskGroup() as group:
                steps = [group.create_task(self._step(receipt, signal, room)) for receipt, signal in batch]
            # Whoever could not be asked is passed over, so that nobody behind them waits for it.
            again = again or not all(step.result() for step in steps)
            after = batch[-1][0].signal_id, batch[-1][0].ordinal
        return BUSY_EVERY_S if again else IDLE_EVERY_S

    async def settle(self) -> float:
        """End what is too late, bring what was sent up to the ledger; when to look again. Raises Unavailable."""
        shards = self._shards.held()
        if shards:
            self._progress.tell(await self._store.expire(shards, self._clock.now_ms()))
        return BUSY_EVERY_S if await self._look(shards, resting=False) else IDLE_EVERY_S

    async def look_at_resting(self) -> float:
        """The same for orders that rest on their exchange. Raises Unavailable."""
        await self._look(self._shards.held(), resting=True)
        return RESTING_EVERY_S

    async def _look(self, shards: Collection[int], *, resting: bool) -> bool:
        """Whether anything was open."""
        after = FIRST
        while shards and (found := await self._store.open(shards, resting=resting, after=after, limit=BATCH)):
            changes = [change for each in found if (change := self._change(each))]
            self._progress.tell(await self._store.change(changes) if changes else ())
            after = found[-1].receipt.signal_id, found[-1].receipt.ordinal
        return after != FIRST

    async def _step(self, receipt: Receipt, signal: Signal, room: asyncio.Semaphore) -> bool:
        """False when it must be tried again."""
        async with room:
            # Listening begins before anything is sent, so that the answer cannot come too early.
            listening = asyncio.create_task(self._listen(receipt), name=f"signal-{receipt.intent_id}")
            self._listening.add(listening)
            listening.add_done_callback(self._listening.discard)
            try:
                after = await self._sender.step(receipt, signal)
            except Unavailable as error:
                _log.info("signal_waits", exchange=receipt.exchange.value, error=str(error))
                listening.cancel()
                return False
        if after is None or after.state is not State.SENT:
            listening.cancel()
        if after is not None:
            self._progress.tell([after])
        return True

    async def _listen(self, receipt: Receipt) -> None:
        """Settle as soon as something is heard of the order, and remember why it was refused."""
        deadline = asyncio.get_running_loop().time() + LISTEN_S
        try:
            keys = entry_keys(receipt.account_id, receipt.intent_id)
            with self._waiting.for_facts(keys, hurried=False) as facts:
                while (fact := await facts.next(deadline)) is not None:
                    self._moved.set()
                    if isinstance(fact, OrderRejected):
                        code, reason = (
                            fact.code or fact.category.value.upper(),
                            fact.reason or "The exchange refused it.",
                        )
                        self._heard[receipt.intent_id] = Reason(code=code, reason=reason)
        finally:
            self._heard.pop(receipt.intent_id, None)

    def _change(self, each: Open) -> tuple[Receipt, Receipt] | None:
        after = settled(
            each.receipt,
            each.found,
            each.signal.side,
            valid_until_ms=each.signal.valid_until_ms,
            now_ms=self._clock.now_ms(),
            heard=self._heard.get(each.receipt.intent_id),
        )
        return None if after is each.receipt else (each.receipt, after)


async def _always(news: asyncio.Event, turn: Callable[[], Awaitable[float]]) -> None:
    """A turn whenever there is news, and now and then without any, because a restart forgets the news.

    Between two turns there is a moment in any case, so that a hundred facts are one turn.
    """
    while True:
        news.clear()
        try:
            every_s = await turn()
        except Unavailable as error:
            _log.warning("signals_wait", error=str(error))
            every_s = IDLE_EVERY_S
        await asyncio.sleep(GATHER_S)
        try:
            async with asyncio.timeout(every_s):
                await news.wait()
        except TimeoutError:
            continue
