"""What the topics tell, sorted: inputs by the bracket they are about, and what the engine said, by version. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from common import ids
from common.bus.messages import Record
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, PROTECTION_EVENTS, Topic, market_data, order_commands
from common.codec import decode_union
from common.commands import Command
from common.errors import UnreadableMessage
from common.exchanges import Exchange
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, PlaceExits, PlaceOrder
from common.market import MarketFact, Ticker
from common.orders import ListStatus
from common.protection import ProtectionFact
from order_engine.batch import Read, read

COMMANDS: Final = tuple(order_commands(exchange) for exchange in Exchange)
PRICES: Final = (market_data(Exchange.MEXC),)
"""Where the engine holds stops, prices decide."""
TOPICS: Final[tuple[Topic, ...]] = (ORDER_INTENTS, ORDER_EVENTS, PROTECTION_EVENTS, *COMMANDS, *PRICES)
_COMMAND_NAMES: Final = frozenset(topic.name for topic in COMMANDS)


@dataclass(frozen=True)
class Said:
    """A message of the engine, as it lies on its topic."""

    record: Record
    message: Command | ProtectionFact

    @property
    def version(self) -> int:
        """The version of its bracket that it came with."""
        if isinstance(self.message, ProtectionFact):
            return self.message.version
        return int(self.message.command_id.split("-")[1])


@dataclass
class Told:
    """Everything the topics tell, in the order of their offsets."""

    opening: dict[str, Read] = field(default_factory=dict)
    """By bracket: the intent that opened it, or was denied."""
    inputs: defaultdict[str, list[Read]] = field(default_factory=lambda: defaultdict(list))
    """By bracket: facts about its orders. They share a partition, so the engine read them in this order."""
    cancels: defaultdict[tuple[str, str], list[Read]] = field(default_factory=lambda: defaultdict(list))
    """By account and symbol: what its user wanted cancelled."""
    said: defaultdict[str, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))
    """By bracket and message id: what the engine said of it."""
    repeated: list[tuple[Record, Record]] = field(default_factory=list)
    """Messages of the engine that were published again, and differ from the first time."""
    prices: dict[str, Ticker] = field(default_factory=dict)
    """By message id: the prices that held stops may have waited for."""
    unreadable: list[tuple[Record, str]] = field(default_factory=list)
    known_ids: set[str] = field(default_factory=set)
    """Every message id there is."""


def sorted_out(records: Iterable[Record]) -> Told:
    """The records of `TOPICS`, in the order of each partition's offsets."""
    told = Told()
    for record in records:
        told.known_ids.add(record.ce_id)
        try:
            _take(told, record)
        except UnreadableMessage as error:
            told.unreadable.append((record, error.reason))
    return told


def _take(told: Told, record: Record) -> None:
    if record.value is None:
        return
    if record.topic == PROTECTION_EVENTS.name:
        _say(told, Said(record, decode_union(record.value, ProtectionFact)))
    elif record.topic in _COMMAND_NAMES:
        _say(told, Said(record, decode_union(record.value, Command)))
    elif record.topic in {topic.name for topic in PRICES}:
        price = decode_union(record.value, MarketFact)
        if isinstance(price, Ticker):
            told.prices[record.ce_id] = price
    else:
        _hear(told, record)


def _say(told: Told, said: Said) -> None:
    bracket_id = said.message.bracket_id
    if not bracket_id:
        return  # A cancel of something that is no bracket's: nothing was decided.
    first = told.said[bracket_id].setdefault(said.record.ce_id, said)
    if first.record.value != said.record.value:
        told.repeated.append((first.record, said.record))


def _hear(told: Told, record: Record) -> None:
    item = read(record)
    if item is None:
        return
    match item.message:
        case PlaceOrder() | PlaceExits() as intent:
            told.opening.setdefault(ids.bracket_id(intent.account_id, intent.intent_id), item)
        case CancelOrderIntent() | CancelAllOrdersIntent() as intent:
            told.cancels[intent.account_id, intent.symbol].append(item)
        case ListStatus():
            pass  # Nothing is decided by it.
        case _:
            if item.bracket_id is not None:
                told.inputs[item.bracket_id].append(item)
