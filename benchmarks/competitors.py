"""Who takes part: our whole system, and the bots, each with accounts of its own on the same paper exchange."""

import asyncio
import itertools
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from benchmarks.bots.config import Account, BotConfig
from benchmarks.hops import Hops
from benchmarks.paper import Entry, Paper
from common.errors import CgtError
from common.runtime.process import Child, start
from common.runtime.stack import Stack

BOT_READY_S: Final = 60.0
_RESTING_WITHIN_S: Final = 120.0


class NotResting(CgtError):
    """Entries that should rest on the exchange do not."""


class Competitor(Protocol):
    """One system under measurement."""

    name: str
    accounts: Sequence[Account]

    async def place(self, count: int) -> list[Entry]:
        """Have `count` entries rest on the exchange, spread over the accounts in turn."""
        ...

    def processes(self) -> Mapping[int, str]:
        """The names of its processes by pid."""
        ...

    async def hops(self) -> Hops:
        """Its own histograms as they stand; empty when it has none."""
        ...


class Bot:
    """A bot in a process of its own. Its entries are placed for it: only protecting them is measured."""

    def __init__(self, name: str, module: str, paper: Paper, accounts: Sequence[Account]) -> None:
        self.name, self.accounts = name, accounts
        self._module, self._paper = module, paper
        self._child: Child | None = None
        self._numbers = itertools.count()
        self._letters = "".join(filter(str.isalnum, name))[:12]

    async def start(self, stack: Stack, folder: Path, *, rate_limiter: bool) -> None:
        """Start the process and wait until it listens to every account. Raises ProcessDied or NotReady."""
        config_file, ready_file = folder / f"{self._letters}.json", folder / f"{self._letters}.ready"
        ws_url = stack.paper_binance_url.replace("http://", "ws://")
        BotConfig(
            rest_url=stack.paper_binance_url,
            ws_api_url=f"{ws_url}/ws-api/v3",
            stream_url=ws_url,
            accounts=tuple(self.accounts),
            rate_limiter=rate_limiter,
            ready_file=str(ready_file),
        ).write(config_file)
        command: list[str | Path] = [sys.executable, "-m", self._module, config_file]
        self._child = start(self.name, command, log=stack.logs / f"{self._letters}.log")

        async def ready() -> bool:
            return ready_file.exists()

        await self._child.ready(ready, BOT_READY_S)

    async def stop(self) -> None:
        """End the process."""
        if self._child is not None:
            await self._child.stop()

    async def place(self, count: int) -> list[Entry]:
        """See Competitor."""
        chosen = [(account, f"{self._letters}{next(self._numbers)}") for account in in_turn(self.accounts, count)]
        await self._paper.place_entries(chosen)
        entries = [Entry(account.uid, group) for account, group in chosen]
        await until_resting(self._paper, self.accounts, entries)
        return entries

    def processes(self) -> Mapping[int, str]:
        """See Competitor."""
        return {} if self._child is None else {self._child.pid: self.name}

    async def hops(self) -> Hops:
        """See Competitor."""
        return {}


async def until_resting(paper: Paper, accounts: Sequence[Account], entries: Sequence[Entry]) -> None:
    """Wait until all of them rest. Raises NotResting."""
    wanted = {entry.group for entry in entries}
    deadline = time.monotonic() + _RESTING_WITHIN_S
    while missing := wanted - (await paper.book(accounts)).resting:
        if time.monotonic() > deadline:
            raise NotResting(f"{len(missing)} of {len(wanted)} entries never rested on the exchange.")
        await asyncio.sleep(1)


def in_turn(accounts: Sequence[Account], count: int) -> list[Account]:
    """`count` accounts, each as often as the others."""
    return list(itertools.islice(itertools.cycle(accounts), count))
