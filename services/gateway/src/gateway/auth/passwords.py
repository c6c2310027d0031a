"""Passwords to argon2id hashes and back to yes or no, off the event loop: one hash takes tens of milliseconds."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

_AT_ONCE: Final = 2
"""Each hash takes 64 MiB and a core: a flood of log-ins waits here, and nothing else does."""


class Passwords:
    """Hashes with argon2-cffi's defaults (RFC 9106, low memory) unless given a hasher of other cost."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "argon2")
        # What an unknown e-mail is checked against, so that its answer takes as long as a wrong password's.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hashed(self, password: str) -> str:
        """The password's argon2id hash, with the parameters inside it."""
        return await self._aside(lambda: self._hasher.hash(password))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether this is the password of the stored hash; None (no such user) takes as long and is never right."""
        return await self._aside(lambda: self._matches(password, stored))

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _matches(self, password: str, stored: str | None) -> bool:
        try:
            self._hasher.verify(stored or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None

    async def _aside(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
