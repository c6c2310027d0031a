"""How often a password may be tried: counted where every gateway sees it, slower after each failure, never for ever.

Three counts stand between a guesser and a password: of the address with this e-mail, of the address with any e-mail,
and of the e-mail from anywhere. The last one is what an attacker with many addresses meets; it does not count for an
address from which the user has logged in before, so that nobody can lock an owner out by failing in their name.
"""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec

FIRST_WAIT_MS: Final = 1_000
FORGET_MS: Final = 24 * 3_600_000
"""A door nobody failed at for this long has forgotten its failures."""
KNOWN_MS: Final = 90 * 24 * 3_600_000
"""How long an address stays known after a log-in."""
_QUARTER_HOUR_MS: Final = 900_000
_MINUTE_MS: Final = 60_000


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One count: after `free` failures each further one doubles the wait, up to `most_ms`."""

    key: str
    free: int
    most_ms: int
    forgiving: bool
    """Whether a success forgets every failure; otherwise it only takes its own attempt back."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a door. An attempt counts as a failure until it has succeeded."""

    failures: int = 0
    last_ms: int = 0
    closed_until_ms: int = 0


class Attempt(NamedTuple):
    """Whether an attempt may be made: how long to wait (0: now), and the counts as they are afterwards."""

    wait_ms: int
    counts: Mapping[str, Count]


class AttemptStore(Protocol):
    """The counts, changed by one attempt at a time per door."""

    async def attempt(self, doors: Sequence[Door], now_ms: int) -> int:
        """Count an attempt in advance; how many milliseconds to wait before it may be made, 0 for none."""

    async def succeeded(self, doors: Sequence[Door], now_ms: int) -> None:
        """The attempt was no failure."""


def attempted(doors: Sequence[Door], counts: Mapping[str, Count], now_ms: int) -> Attempt:
    """One more attempt. At a closed door it is not made and not counted, so that knocking keeps no door closed."""
    known = {door.key: _remembered(counts.get(door.key, Count()), now_ms) for door in doors}
    wait_ms = max(count.closed_until_ms for count in known.values()) - now_ms
    if wait_ms > 0:
        return Attempt(wait_ms, {})
    return Attempt(0, {door.key: _failed(door, known[door.key], now_ms) for door in doors})


def forgiven(door: Door, count: Count) -> Count:
    """The count after an attempt that succeeded."""
    failures = 0 if door.forgiving else max(0, count.failures - 1)
    return Count(failures=failures, last_ms=count.last_ms)


def login_doors(email: str, address: str, *, known: bool) -> list[Door]:
    """The doors of a password: `known` says that the user has logged in from this address before."""
    network = network_of(address)
    doors = [
        Door(key=_key("pair", email, network), free=5, most_ms=_QUARTER_HOUR_MS, forgiving=True),
        _address_door(network),
    ]
    if not known:
        doors.append(Door(key=_key("email", email), free=20, most_ms=_MINUTE_MS, forgiving=True))
    return doors


def registration_doors(address: str) -> list[Door]:
    """The door of asking which e-mails are taken."""
    return [_address_door(network_of(address))]


def network_of(address: str) -> str:
    """What of an address stays with its user: all of IPv4, the first 64 bits of IPv6 (RFC 8981 changes the rest)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False).network_address)


def _address_door(network: str) -> Door:
    # Many users may share an address, so it is given more patience and one user's success clears nothing for others.
    return Door(key=_key("address", network), free=30, most_ms=_QUARTER_HOUR_MS, forgiving=False)


def _key(kind: str, *parts: str) -> str:
    # Hashed, because people type passwords into the field of the e-mail.
    return f"{kind}:{hashlib.sha256('/'.join(parts).encode()).hexdigest()}"


def _remembered(count: Count, now_ms: int) -> Count:
    return Count() if count.last_ms + FORGET_MS <= now_ms else count


def _failed(door: Door, count: Count, now_ms: int) -> Count:
    failures = count.failures + 1
    doublings = failures - door.free
    wait_ms = 0 if doublings < 0 else min(door.most_ms, FIRST_WAIT_MS << min(doublings, 32))
    return Count(failures=failures, last_ms=now_ms, closed_until_ms=now_ms + wait_ms)
