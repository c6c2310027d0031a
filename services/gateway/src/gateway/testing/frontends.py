"""Frontends that write down what they hear: Socket.IO clients in Python and JavaScript, and a plain WebSocket."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import aiohttp
import socketio

from common.runtime.process import ProcessDied, run
from gateway.stream.payloads import EVENTS

Json = dict[str, Any]

_BEGINS: Final = frozenset({"stream_ready", "resync_required"})
_WITHIN_S: Final = 30.0


class Frontend:
    """Listens as one user; `heard` is everything it was sent, over all its connections."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Json]] = []
        self._news = asyncio.Event()

    @property
    def events(self) -> list[tuple[str, Json]]:
        """The numbered events it has heard."""
        return [(name, data) for name, data in self.heard if name in EVENTS]

    @property
    def numbers(self) -> list[int]:
        """Their numbers, in the order in which they came."""
        return [data["seq"] for _, data in self.events]

    @property
    def last(self) -> int:
        """The number of the last event it has heard."""
        return next((data["seq"] for name, data in reversed(self.heard) if name in EVENTS), 0)

    async def connect(self, url: str, token: str, since: int | None = None) -> None:
        """Return when the stream is ready."""
        known = len(self.heard)
        await self.open(url, token, since)
        await self.until(lambda: any(name in _BEGINS for name, _ in self.heard[known:]))

    async def until(self, holds: Callable[[], bool], within_s: float = _WITHIN_S) -> None:
        """Wait until what it has heard makes this true. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not holds():
                self._news.clear()
                await self._news.wait()

    async def disconnect(self) -> None:
        """End the connection."""
        raise NotImplementedError

    async def close(self) -> None:
        """End the connection, and give up what it needed."""
        raise NotImplementedError

    async def open(self, url: str, token: str, since: int | None = None) -> None:
        """Connect; whatever the server says comes later."""
        raise NotImplementedError

    def _hear(self, name: str, data: Json) -> None:
        self.heard.append((name, data))
        self._news.set()


class PythonFrontend(Frontend):
    """python-socketio's client."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("*", self._hear)
        self._socket.on("disconnect", lambda *_: self._news.set())

    async def disconnect(self) -> None:
        await self._socket.disconnect()

    async def close(self) -> None:
        await self._socket.disconnect()

    @property
    def connected(self) -> bool:
        """Whether it still has its connection."""
        return bool(self._socket.connected)

    async def open(self, url: str, token: str, since: int | None = None) -> None:
        await self._socket.connect(url, auth={"token": token, "since": since}, transports=["websocket"])


class PlainFrontend(Frontend):
    """A WebSocket without a library's protocol on top."""

    def __init__(self) -> None:
        super().__init__()
        self._http = aiohttp.ClientSession()

    async def disconnect(self) -> None:
        await self._socket.close()
        await self._reading

    async def close(self) -> None:
        await self._http.close()

    async def open(self, url: str, token: str, since: int | None = None) -> None:
        query = "" if since is None else f"?since={since}"
        headers = {"Authorization": f"Bearer {token}"}
        self._socket = await self._http.ws_connect(f"{url}/ws{query}", headers=headers)
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self._socket:
            frame = message.json()
            self._hear(frame["event"], frame["data"])


class JavaScriptFrontend(Frontend):
    """socket.io-client under Node: begins with long polling and upgrades, as a browser does unless it is told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        assert process.stdin is not None
        assert process.stdout is not None
        self._process, self._said, self._told = process, process.stdout, process.stdin
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, script: Path) -> "JavaScriptFrontend":
        """A process of its own."""
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec("node", str(script), stdin=pipe, stdout=pipe, limit=2**24))

    async def disconnect(self) -> None:
        known = len(self.heard)
        self._tell({"do": "disconnect"})
        await self.until(lambda: any(name == "disconnect" for name, _ in self.heard[known:]))

    async def close(self) -> None:
        self._told.close()
        await self._process.wait()
        await self._reading

    async def open(self, url: str, token: str, since: int | None = None) -> None:
        self._tell({"do": "connect", "url": url, "token": token, **({} if since is None else {"since": since})})

    def _tell(self, command: Json) -> None:
        self._told.write(json.dumps(command).encode() + b"\n")

    async def _read(self) -> None:
        async for line in self._said:
            said = json.loads(line)
            self._hear(said["event"], said["data"])


async def javascript_client(sources: Path, cache: Path) -> Path | None:
    """The script of `sources` with the official client beside it, installed by its lock; None where it cannot be."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None
    await asyncio.to_thread(shutil.copytree, sources, cache, dirs_exist_ok=True)
    if not (cache / "node_modules" / "socket.io-client").is_dir():
        command = ["npm", "ci", "--no-audit", "--no-fund", "--prefix", str(cache)]
        try:
            await run("npm ci", command, log=cache / "npm.log")
        except ProcessDied:
            return None
    return cache / "listen.mjs"
