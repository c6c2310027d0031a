"""Passwords to argon2id hashes and back to yes or no, off the event loop: one hash takes tens of milliseconds."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
# What an unknown e-mail is checked against, so that its answer takes as long as a wrong password's.
_NOBODY = _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The password's argon2id hash, with the parameters inside it."""
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(password: str, stored: str | None) -> bool:
    """Whether this is the password of the stored hash; None (no such user) takes as long and is never right."""
    return await asyncio.to_thread(_matches, password, stored)


def _matches(password: str, stored: str | None) -> bool:
    try:
        _hasher.verify(stored or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
