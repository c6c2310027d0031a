"""Which service may do what: one table."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from common.errors import Refused
from common.exchanges import Exchange


class Operation(StrEnum):
    """What a caller can ask of the vault."""

    WRITE = "write"
    """Store, change, pause and delete keys."""
    READ = "read"
    """Who has which account, without anything secret."""
    LEASE = "lease"
    """The decrypted key of one account."""


CONNECTORS: Final[Mapping[str, Exchange]] = {f"{exchange.value}-connector": exchange for exchange in Exchange}
"""The exchange each connector serves: it is lent the keys of that exchange and no other."""

ALLOWED: Final[Mapping[Operation, frozenset[str]]] = {
    Operation.WRITE: frozenset({"gateway"}),
    Operation.READ: frozenset({"gateway", "sync", "order-engine", *CONNECTORS}),
    Operation.LEASE: frozenset(CONNECTORS),
}


def check(caller: str, operation: Operation, exchange: Exchange | None = None) -> None:
    """Refuse (403) what the table does not allow, and a lease across exchanges."""
    foreign = operation is Operation.LEASE and exchange is not None and CONNECTORS.get(caller) is not exchange
    if caller in ALLOWED[operation] and not foreign:
        return
    raise Refused(
        code="NOT_ALLOWED",
        title="Not allowed",
        field=None,
        rule=f"{caller} may not {operation} here.",
        fix="Ask through the service that may: the gateway writes, a connector leases the keys of its own exchange.",
        status=403,
    )
