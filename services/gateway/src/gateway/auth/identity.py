"""Who a caller is and what it may do: the words that tokens, sessions and endpoints share."""

from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What a user is to this system."""

    TRADER = "trader"
    ADMIN = "admin"
    """May also act for all traders; granted on the command line, never by a request."""


class Scope(StrEnum):
    """What a token may be used for. A log-in may do everything its user may."""

    READ = "read"
    """Every GET."""
    TRADE = "trade"
    """Whatever places, cancels or moves."""
    CREDENTIALS = "credentials"
    """Storing, changing and deleting exchange keys."""
    ADMIN = "admin"
    """What only an admin may do; without the role it is worth nothing."""


ALL_SCOPES: Final = frozenset(Scope)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a request, once its token has been found good."""

    user_id: str
    role: Role
    scopes: frozenset[Scope] = ALL_SCOPES
    session_id: str | None = None
    """The log-in it comes from; None for an API token."""
