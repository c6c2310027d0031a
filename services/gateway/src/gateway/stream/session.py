"""One connection: its place in its user's stream, moved on as fast as the client takes what it is sent.

Nothing is queued for a client. One that falls too far behind, or does not take a page within a while, is told to come
back and resync; that is the whole of back-pressure, and the same rule says what is still replayed on connecting.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any, Final, Protocol

import msgspec
import structlog

from common.errors import Refused, Unavailable
from gateway.stream.hub import Hub, UserStream
from gateway.stream.metrics import ENDED, RESYNCS
from gateway.stream.payloads import ResyncRequired, StreamClosed, StreamReady
from gateway.stream.ports import Kept, StreamEvent, control

SNAPSHOT: Final = ("/exchanges/open-orders", "/exchanges/open-positions", "/exchanges/balance")
"""Where the present is read, per exchange, by a client that cannot be told the past."""
_RETRY_S: Final = 0.5
_GOODBYE_S: Final = 1.0
_RESYNC_PAUSE_S: Final = 1.0

_log = structlog.get_logger(__name__)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection may cost."""

    most_behind: int
    """Events a client may be behind: more are neither replayed nor waited for."""
    slow_after_s: float
    """How long a client may take for one page."""
    connections_per_user: int
    """On one gateway instance."""
    recheck_s: float
    """How often a token is looked at again: an expired or revoked one ends its connection within this time."""


class Ending(Enum):
    """Why the server ends a connection: WebSocket close code, code, reason, and what mends it."""

    UNAUTHENTICATED = (4401, "The token is not valid, has expired, or was revoked.", "Connect with a fresh token.")
    SLOW_CLIENT = (4413, "This client took events too slowly.", "Connect again with `since`.")
    TOO_MANY_CONNECTIONS = (4429, "Too many connections of this user.", "Close some, or share one between windows.")
    NO_TOKEN = (4408, "No token came in time.", "Send the token first.")

    def __init__(self, close_code: int, reason: str, fix: str) -> None:
        self.close_code = close_code
        self.reason = reason
        self.fix = fix


class Sink(Protocol):
    """A client's transport. `send` and `say` wait while the client does not take what it was sent, and raise Gone."""

    async def send(self, events: Sequence[StreamEvent]) -> None: ...

    async def say(self, name: str, message: dict[str, Any]) -> None: ...

    async def end(self, ending: Ending) -> None:
        """Close the connection; return at once."""


class Session:
    """Sends one client what its user's stream holds, from where the client says it stands."""

    def __init__(self, user_id: str, token: str, hub: Hub, sink: Sink, limits: Limits) -> None:
        self.user_id = user_id
        self.token = token
        self._hub = hub
        self._sink = sink
        self._limits = limits
        self._stream: UserStream | None = None
        self._seq = 0
        self._resynced_s = -_RESYNC_PAUSE_S
        self._sending: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self.on_closed: Callable[[], None] = lambda: None

    def start(self, since: int | None) -> None:
        """Send from `since` on, or from now on."""
        if self._ending is not None:
            return
        if self._sending is not None:
            self._sending.cancel()
        self._sending = asyncio.create_task(self._run(since, self._sending), name="stream-session")

    def resync(self, since: int) -> None:
        """Begin again behind `since`. Raises Refused (429) when it is asked for too often."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._resynced_s < _RESYNC_PAUSE_S:
            raise Refused(
                code="TOO_MANY_RESYNCS",
                title="Too many requests",
                field=None,
                rule="A connection resyncs at most once a second.",
                fix="Wait for stream_ready or resync_required before asking again.",
                status=429,
            )
        self._resynced_s = now_s
        self.start(since)

    def end(self, ending: Ending) -> None:
        """Tell the client why and close its connection. What cannot be told is given up soon."""
        if self._ending is None:
            ENDED.labels(ending.name).inc()
            self._ending = asyncio.create_task(self._say_goodbye(ending), name="stream-goodbye")

    def closed(self) -> None:
        """The connection is gone: stop sending."""
        if self._sending is not None:
            self._sending.cancel()
        if self._stream is not None:
            self._hub.leave(self._stream)
            self._stream = None
        self.on_closed()

    async def _run(self, since: int | None, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        while True:
            try:
                await self._begin(since)
                await self._follow()
            except Unavailable as error:
                _log.info("stream_session_waits", error=str(error))
                # What has been sent is not sent again: the next attempt goes on after it.
                since = self._seq if self._stream is not None else since
                await asyncio.sleep(_RETRY_S)
            except _Slow:
                self.end(Ending.SLOW_CLIENT)
                return
            except Gone:
                self.closed()
                return

    async def _begin(self, since: int | None) -> None:
        stream, kept = await self._hub.join(self.user_id)
        if self._stream is not None:
            self._hub.leave(self._stream)
        self._stream = stream
        await self._place(kept.last_seq if since is None else since, kept)

    async def _place(self, since: int, kept: Kept) -> None:
        """Stand where the client stands, or where the stream goes on if that cannot be."""
        reason = _too_far(since, kept, self._limits.most_behind)
        if reason is None:
            self._seq = since
            ready = StreamReady(since=since, seq=kept.last_seq)
            await self._in_time(self._sink.say("stream_ready", control(ready)))
            return
        RESYNCS.labels(reason).inc()
        self._seq = kept.last_seq
        required = ResyncRequired(
            reason=reason, since=since, oldest_seq=kept.oldest_seq, seq=kept.last_seq, snapshot=SNAPSHOT
        )
        await self._in_time(self._sink.say("resync_required", control(required)))

    async def _follow(self) -> None:
        assert self._stream is not None
        while True:
            events = await self._hub.after(self._stream, self._seq)
            if not events or events[0].seq != self._seq + 1:
                kept = Kept(self._stream.head, events[0].seq if events else self._stream.head + 1)
                await self._place(self._seq, kept)
                continue
            await self._in_time(self._sink.send(events))
            self._seq = events[-1].seq
            if self._stream.head - self._seq > self._limits.most_behind:
                raise _Slow

    async def _in_time(self, sending: Any) -> None:
        try:
            async with asyncio.timeout(self._limits.slow_after_s):
                await sending
        except TimeoutError:
            raise _Slow from None

    async def _say_goodbye(self, ending: Ending) -> None:
        if self._sending is not None and self._sending is not asyncio.current_task():
            self._sending.cancel()
        goodbye = StreamClosed(code=ending.name, reason=ending.reason, fix=ending.fix, seq=self._seq)
        with suppress(TimeoutError, Gone):
            async with asyncio.timeout(_GOODBYE_S):
                await self._sink.say("stream_closed", control(goodbye))
        await self._sink.end(ending)


class Gone(Exception):
    """The client is not there any more."""


class _Slow(Exception):
    """The client does not keep up."""


def _too_far(since: int, kept: Kept, most_behind: int) -> str | None:
    """Why a client that stands at `since` cannot be told what it missed; None if it can."""
    if since > kept.last_seq:
        return "AHEAD"
    if since + 1 < kept.oldest_seq and since < kept.last_seq:
        return "TOO_OLD"
    if kept.last_seq - since > most_behind:
        return "TOO_MANY"
    return None


def since_of(value: Any) -> int | None:
    """The `since` a client sent; None when it sent none. Raises Refused (400)."""
    if value is None or value == "":
        return None
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise Refused(
            code="INVALID_FIELD",
            title="Invalid request",
            field="since",
            rule="`since` is the `seq` of the last event you have: a whole number, 0 for none.",
            fix="Send that number, or leave `since` out to hear what comes from now on.",
        )
    return int(text)
