"""The private streams of all owned accounts: packed onto sockets as the exchange allows, joined, lost and moved."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, cast

import structlog

from common.connector.client import KeyRefused, Keys
from common.connector.clocksync import ExchangeClock
from common.connector.metrics import UNREADABLE
from common.connector.ports import (
    Dialect,
    FactsReceived,
    PrivateStream,
    ReadAgain,
    SocketScript,
    StreamEvent,
    Subscribed,
    SubscriptionLost,
    Unreadable,
)
from common.connector.session import AskExchange, Dial, Session, dial_websocket
from common.connector.sockets import Backoff, SocketLoop
from common.errors import Unavailable

KIND: Final = "private"
_JOIN_AGAIN_S: Final = 5.0

_log = structlog.get_logger(__name__)


class StreamListener(Protocol):
    """Who hears of facts. Every method returns at once."""

    def facts(self, event: FactsReceived, received: float) -> None:
        """Facts of a frame; `received` is the stopwatch reading when it came."""
        ...

    def subscribed(self, account_id: str) -> None:
        """Facts arrive from now on; those since the last one may be missing."""
        ...

    def lost(self, account_id: str) -> None:
        """No facts of this account arrive any more."""
        ...

    def gap(self, account_id: str) -> None:
        """Something was missed: read the account."""
        ...

    def unreadable(self, event: Unreadable) -> None:
        """A frame nobody understands."""
        ...


OpenLoop = Callable[["StreamSocket"], SocketLoop]


class PrivateStreams:
    """Which account is streamed on which socket."""

    def __init__(
        self,
        dialect: Dialect,
        keys: Keys,
        listener: StreamListener,
        clock: ExchangeClock,
        ask: AskExchange,
        *,
        rotate_after_s: float,
        dial: Dial = dial_websocket,
    ) -> None:
        self._dialect = dialect
        self._keys = keys
        self._listener = listener
        self._clock = clock
        self._ask = ask
        self._rotate_after_s = rotate_after_s
        self._dial = dial
        self._sockets: dict[StreamSocket, asyncio.Task[None]] = {}
        self._by_account: dict[str, StreamSocket] = {}

    @property
    def accounts(self) -> frozenset[str]:
        """The accounts that are to be streamed."""
        return frozenset(self._by_account)

    def follow(self, account_id: str) -> None:
        """Stream this account from now on."""
        if account_id in self._by_account:
            return
        room = self._dialect.accounts_per_socket
        socket = next((each for each in self._sockets if len(each.accounts) < room), None) or self._open()
        self._by_account[account_id] = socket
        socket.add(account_id)

    def unfollow(self, account_id: str) -> None:
        """Stop streaming this account; a socket that carries nobody is closed."""
        socket = self._by_account.pop(account_id, None)
        if socket is None:
            return
        socket.remove(account_id)
        if not socket.accounts:
            self._sockets.pop(socket).cancel()

    def renew(self, account_id: str) -> None:
        """Subscribe the account again, with the key it has now."""
        if (socket := self._by_account.get(account_id)) is not None:
            socket.join(account_id)

    async def stop(self) -> None:
        """Close every socket."""
        tasks = list(self._sockets.values())
        self._sockets.clear()
        self._by_account.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _open(self) -> "StreamSocket":
        socket = StreamSocket(self._dialect, self._keys, self._listener, self._clock)
        loop = SocketLoop(
            socket,
            self._clock,
            self._ask,
            exchange=self._dialect.exchange,
            kind=KIND,
            rotate_after_s=self._rotate_after_s,
            dial=self._dial,
        )
        socket.loop = loop
        self._sockets[socket] = asyncio.create_task(loop.run(), name="private-stream")
        return socket


class StreamSocket:
    """One socket's accounts; knows on which of its connections each of them is subscribed."""

    loop: SocketLoop

    def __init__(self, dialect: Dialect, keys: Keys, listener: StreamListener, clock: ExchangeClock) -> None:
        self.accounts: set[str] = set()
        self._dialect = dialect
        self._keys = keys
        self._listener = listener
        self._clock = clock
        self._subscribed: dict[Session, set[str]] = {}
        self._joining: dict[str, asyncio.Task[None]] = {}

    def add(self, account_id: str) -> None:
        """Carry this account too."""
        self.accounts.add(account_id)
        self.join(account_id)

    def remove(self, account_id: str) -> None:
        """Carry it no more."""
        self.accounts.discard(account_id)
        if (joining := self._joining.pop(account_id, None)) is not None:
            joining.cancel()
        for session, subscribed in self._subscribed.items():
            subscribed.discard(account_id)
            session.act(cast("PrivateStream", session.script).remove(account_id, self._clock.now_ms()))
        self._listener.lost(account_id)

    def join(self, account_id: str, *, measure_clock: bool = False) -> None:
        """Subscribe the account on every connection there is, as soon as its key is at hand."""
        if account_id not in self._joining:
            task = asyncio.create_task(self._join(account_id, measure_clock), name=f"join-{account_id}")
            self._joining[account_id] = task
            task.add_done_callback(lambda _: self._joining.pop(account_id, None))

    def script(self) -> SocketScript:
        """A fresh script with every account whose key is at hand."""
        script = self._dialect.private_stream()
        for account_id in self.accounts:
            if (credentials := self._keys.held(account_id)) is not None:
                script.add(credentials, self._clock.now_ms())
        return script

    def on_open(self, session: Session) -> None:
        """Connected: whoever is not in the script yet joins."""
        self._subscribed[session] = set()
        for account_id in self.accounts:
            if self._keys.held(account_id) is None:
                self.join(account_id)

    def on_closed(self, session: Session, reason: str) -> None:
        """Accounts that no other connection carries have a gap from here on."""
        orphans = self._subscribed.pop(session, set())
        for account_id in orphans - set().union(*self._subscribed.values()):
            self._listener.lost(account_id)

    def on_event(self, session: Session, event: StreamEvent) -> None:
        """One thing that a frame said."""
        match event:
            case FactsReceived():
                self._listener.facts(event, session.received)
            case Subscribed():
                self._joined(session, event.account_id)
            case SubscriptionLost():
                self._left(session, event)
            case ReadAgain():
                self._listener.gap(event.account_id)
            case Unreadable():
                self._unreadable(session, event)
            case _:
                _log.warning("unexpected_stream_event", event_type=type(event).__name__)

    def _joined(self, session: Session, account_id: str) -> None:
        elsewhere = any(account_id in accounts for accounts in self._subscribed.values())
        self._subscribed.setdefault(session, set()).add(account_id)
        if self.accounts <= self._subscribed[session]:
            session.complete.set()
        if not elsewhere:  # On a planned replacement the older connection has carried it without a gap.
            self._listener.subscribed(account_id)

    def _left(self, session: Session, event: SubscriptionLost) -> None:
        self._subscribed.get(session, set()).discard(event.account_id)
        self._listener.lost(event.account_id)
        _log.warning("subscription_lost", account_id=event.account_id, reason=event.reason, retryable=event.retryable)
        if not event.retryable:
            self._keys.refused(event.account_id, event.reason)
        elif event.account_id in self.accounts:
            self.join(event.account_id, measure_clock=True)  # The refusal may have been for the time in the signature.

    def _unreadable(self, session: Session, event: Unreadable) -> None:
        UNREADABLE.labels(self._dialect.exchange).inc()
        self._listener.unreadable(event)
        about = self._subscribed.get(session, set()) if event.account_id is None else {event.account_id}
        for account_id in tuple(about):
            self._listener.gap(account_id)

    async def _join(self, account_id: str, measure_clock: bool) -> None:
        """Lease the key and subscribe; repeated until some connection carries the account."""
        backoff = Backoff()
        if measure_clock:
            await self._clock.sync()
        while account_id in self.accounts:
            try:
                credentials = await self._keys.credentials(account_id)
            except KeyRefused:
                return  # Parked; it is followed again when that ends.
            except Unavailable as error:
                _log.warning("account_waits_for_key", account_id=account_id, error=str(error))
                await asyncio.sleep(backoff.pause_s())
                continue
            for session in self.loop.sessions:
                script = cast("PrivateStream", session.script)
                session.act(script.add(credentials, self._clock.now_ms()))
            await asyncio.sleep(_JOIN_AGAIN_S)
            if any(account_id in accounts for accounts in self._subscribed.values()):
                return
