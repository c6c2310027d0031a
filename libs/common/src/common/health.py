"""Whether a process lives and whether it is ready, as named checks that say what is missing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

CHECK_TIMEOUT_S: Final = 2.0

Check = Callable[[], Awaitable[bool]]

_log = structlog.get_logger(__name__)


class Health:
    """The readiness checks of a service. A process that answers at all is alive: broken ones end themselves."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Ready means, among others, that this check is true. One that raises or hangs is false."""
        assert name not in self._checks, f"a check named {name} exists"
        self._checks[name] = check

    async def report(self) -> dict[str, bool]:
        """Every check and its outcome, asked at the same time."""
        outcomes = await asyncio.gather(*[self._ask(name, check) for name, check in self._checks.items()])
        return dict(zip(self._checks, outcomes, strict=True))

    async def _ask(self, name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                return await check()
        except Exception as error:
            _log.info("not_ready", check=name, error=repr(error))
            return False
