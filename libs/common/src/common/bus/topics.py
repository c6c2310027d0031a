"""The topics of DESIGN section 4 as data, and the one function that says which shard a key belongs to."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from aiokafka.partitioner import murmur2

Key = Literal["account_id", "symbol"]


class Topic(NamedTuple):
    """A topic: what its key is, and what may be forgotten of it."""

    name: str
    key: Key = "account_id"
    compacted: bool = False
    """Only the newest value of a key matters."""
    history: bool = False
    """Audits and rebuilds read it from the beginning: nothing of it expires."""


ORDER_INTENTS = Topic("cgt.order-intents.v1", history=True)
ORDER_EVENTS = Topic("cgt.order-events.v1", history=True)
BALANCE_EVENTS = Topic("cgt.balance-events.v1")
PROTECTION_EVENTS = Topic("cgt.protection-events.v1", history=True)
PORTFOLIO_EVENTS = Topic("cgt.portfolio-events.v1", history=True)
ACCOUNTS = Topic("cgt.accounts.v1", compacted=True)
DEAD_LETTERS = Topic("cgt.dead-letters.v1")


def order_commands(exchange: str) -> Topic:
    """The commands of one exchange, written by the order-engine."""
    return Topic(f"cgt.order-commands.{exchange}.v1", history=True)


def market_data(exchange: str) -> Topic:
    """Tickers and trades of one exchange, keyed by symbol."""
    return Topic(f"cgt.market-data.{exchange}.v1", key="symbol")


def all_topics(exchanges: Iterable[str]) -> tuple[Topic, ...]:
    """Every topic of a deployment with these exchanges."""
    shared = (ORDER_INTENTS, ORDER_EVENTS, BALANCE_EVENTS, PROTECTION_EVENTS, PORTFOLIO_EVENTS, ACCOUNTS, DEAD_LETTERS)
    return shared + tuple(
        topic for exchange in exchanges for topic in (order_commands(exchange), market_data(exchange))
    )


@lru_cache(maxsize=100_000)
def shard_of(key: str, partitions: int) -> int:
    """The partition of a key, the same in every topic keyed alike; Kafka's default partitioner (murmur2) decides."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)
