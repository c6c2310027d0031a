"""A child process: started on a leash, logging to a file, awaited by condition, stopped for certain."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from common.errors import CgtError

_LEASH = str(Path(__file__).with_name("leash.py"))
_POLL_S = 0.02
_handed_out: set[int] = set()


class ProcessDied(CgtError):
    """A child ended before it was ready; the message carries its last log lines."""


class NotReady(CgtError):
    """A child still runs, but did not become ready in time; the message carries its last log lines."""


class Child:
    """One process of ours. It dies with us, whatever ends us."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path, stop_signal: signal.Signals) -> None:
        self.name = name
        self.log = log
        self._popen = popen
        self._stop_signal = stop_signal

    @property
    def pid(self) -> int:
        """The process id; also the id of the process group it leads."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs; minus the signal's number where a signal ended it."""
        return self._popen.poll()

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.returncode is None

    def tail(self, lines: int = 15) -> str:
        """Its last log lines, for an error message."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def ready(self, check: Callable[[], Awaitable[bool]], timeout_s: float) -> None:
        """Wait until `check` says yes. Raises ProcessDied at once if the child ends, NotReady after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while not await check():
            if not self.alive:
                raise ProcessDied(
                    f"{self.name} ended with exit status {self.returncode}. Its last lines:\n{self.tail()}"
                )
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready after {timeout_s:g} s. Its last lines:\n{self.tail()}")
            await asyncio.sleep(_POLL_S)

    async def exited(self, timeout_s: float) -> bool:
        """Whether it ended within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self.alive and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_S)
        return not self.alive

    async def succeeded(self, timeout_s: float) -> None:
        """Wait for its end. Raises ProcessDied if it failed, NotReady if it still runs after `timeout_s`."""
        if not await self.exited(timeout_s):
            raise NotReady(f"{self.name} still runs after {timeout_s:g} s. Its last lines:\n{self.tail()}")
        if self.returncode != 0:
            raise ProcessDied(f"{self.name} failed, exit status {self.returncode}. Its last lines:\n{self.tail()}")

    async def stop(self, grace_s: float = 10.0) -> None:
        """Ask it to end; after `grace_s` end it."""
        if self.alive:
            self._popen.send_signal(self._stop_signal)
            await self.exited(grace_s)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to it and its process group, now."""
        if self.alive:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait()


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    death_signal: signal.Signals = signal.SIGKILL,
    niceness: int = 0,
) -> Child:
    """Start `command`, appending what it prints to `log`. `death_signal` is what it gets should this process die.

    `env` replaces the environment. `user` names the account to run as when this process is root. `niceness` says how
    far it steps back where processors are short.
    """
    leash = [sys.executable, "-I", "-S", _LEASH, str(os.getpid()), str(int(death_signal)), user or "-", str(niceness)]
    with log.open("ab") as out:
        popen = subprocess.Popen(
            [*leash, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,  # Ctrl-C reaches only the starter, which then stops its children in order.
        )
    return Child(name, popen, log, stop_signal)


async def run(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
) -> None:
    """Run `command` to its end. Raises ProcessDied unless it succeeds, NotReady if that takes ten minutes."""
    child = start(name, command, log=log, env=env, user=user)
    try:
        await child.succeeded(600.0)
    finally:
        child.kill()


def free_port() -> int:
    """A loopback TCP port that nobody listens on, and that this process has not been given before.

    It lies below the range from which the kernel takes the near ends of outgoing connections: a client that keeps
    knocking at a killed server's port in that range can be given that very port and be connected to itself, and the
    server cannot come back.
    """
    while True:
        port = random.randrange(10_000, _first_ephemeral_port())  # noqa: S311 - a port is no secret
        if port not in _handed_out and port_is_free(port):
            _handed_out.add(port)
            return port


def _first_ephemeral_port() -> int:
    linux = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(linux.read_text().split()[0]) if linux.exists() else 49_152  # RFC 6335, section 6
    return max(first, 20_000)


def port_is_free(port: int) -> bool:
    """Whether nobody listens on this loopback TCP port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def accepts_connections(port: int) -> bool:
    """Whether something accepts TCP connections on this loopback port."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
