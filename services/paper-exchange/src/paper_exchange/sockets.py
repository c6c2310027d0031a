"""One WebSocket of a face: frames go out in order, from one writer."""

import asyncio
import time
from collections import deque
from typing import Any

from aiohttp import WSMsgType, web

from paper_exchange.timings import BookStamp, Stamp, Timings

MOST_WAITING = 50_000
PING_EVERY_S, PONG_WITHIN_S = 20.0, 60.0


class Socket:
    """A connection and its outbox; a client that does not read is cut off."""

    def __init__(
        self, request: web.BaseRequest, timings: Timings, *, combined: bool = False, data: WSMsgType = WSMsgType.TEXT
    ) -> None:
        self.combined, self._data = combined, data
        self._request, self._timings = request, timings
        # Pings are ours to send (section 7.1), because aiohttp's own heartbeat allows less time for the pong.
        self.ws = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=1 << 20)
        self.opened_s = self.last_heard_s = time.monotonic()
        self._outbox: deque[tuple[bytes, WSMsgType, Stamp | BookStamp | None]] = deque()
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Shake hands and start writing."""
        await self.ws.prepare(self._request)
        self._writer = asyncio.create_task(self._write())

    def push(self, frame: bytes, stamp: Stamp | BookStamp | None = None) -> None:
        """Queue a data frame, text or binary as the protocol has them; `stamp` records when it was written."""
        self._queue(frame, self._data, stamp)

    def say(self, text: bytes) -> None:
        """Queue a text frame, whatever data frames are."""
        self._queue(text, WSMsgType.TEXT, None)

    def _queue(self, frame: bytes, kind: WSMsgType, stamp: Stamp | BookStamp | None) -> None:
        if len(self._outbox) >= MOST_WAITING:
            self.abort()
            return
        self._outbox.append((frame, kind, stamp))
        self._wake.set()

    async def _write(self) -> None:
        outbox, ws, timings = self._outbox, self.ws, self._timings
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while outbox:
                    frame, kind, stamp = outbox.popleft()
                    if stamp is not None:
                        timings.written(stamp)
                    await ws.send_frame(frame, kind)
        except (ConnectionError, RuntimeError):
            return  # the reader notices the same end and cleans up

    async def frames(self) -> Any:
        """The text frames that arrive, until the connection ends."""
        async for message in self.ws:
            self.last_heard_s = time.monotonic()
            if message.type is WSMsgType.PING:
                await self.ws.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                yield message.data

    async def ping(self) -> None:
        """Send a ping, or give up on a client that has not answered."""
        if time.monotonic() - self.last_heard_s > PONG_WITHIN_S:
            self.abort()
        elif not self.ws.closed:
            await self.ws.ping(str(time.time_ns() // 1_000_000).encode())

    def abort(self) -> None:
        """Cut the connection without a word."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def close(self) -> None:
        """Close politely, and stop writing."""
        self.stop()
        await self.ws.close(code=1001, message=b"server shutdown")

    async def finish(self, frame: bytes) -> None:
        """Say what is still to be said, `frame` last, and close."""
        self.stop()
        for waiting, kind, _ in [*self._outbox, (frame, WSMsgType.TEXT, None)]:
            await self.ws.send_frame(waiting, kind)
        await self.ws.close()

    def stop(self) -> None:
        """Stop writing."""
        if self._writer is not None:
            self._writer.cancel()
