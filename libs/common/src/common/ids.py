"""Client order ids are a function of (bracket, leg, generation), so that whoever knows the plan knows the ids.

Our alphabet is `[a-z0-9-]`, first a letter, at most 28 characters: it fits all four exchanges (DESIGN, section 6).
"""

import base64
import hashlib
import uuid
from enum import StrEnum
from typing import NamedTuple

MAX_LENGTH = 28
_BRACKET_LENGTH = 17


class Leg(StrEnum):
    """The part an order plays in its bracket, as the letter in its id."""

    ENTRY = "e"
    TAKE_PROFIT = "t"
    STOP_LOSS = "s"
    LIST = "l"
    """The list that links a take-profit and a stop, where the exchange has such a thing."""
    MARKET_EXIT = "x"
    PRESET_TAKE_PROFIT = "p"
    """Placed by the exchange, because the entry brought it along; it knows it by an id of its own only."""
    PRESET_STOP_LOSS = "q"


_LEGS = {leg.value: leg for leg in Leg}


class OrderKey(NamedTuple):
    """What a client order id says."""

    bracket_id: str
    leg: Leg
    generation: int


def bracket_id(account_id: str, intent_id: str) -> str:
    """The id of the bracket an intent opens: the same intent always opens the same bracket."""
    digest = hashlib.blake2b(f"{account_id}/{intent_id}".encode(), digest_size=10).digest()
    return "b" + base64.b32encode(digest).decode().lower()


def client_order_id(bracket: str, leg: Leg, generation: int) -> str:
    """The client id of one leg. Exits are numbered by generation, which never repeats within a bracket."""
    return f"{bracket}-{leg.value}{generation}"


def parse(client_id: str) -> OrderKey | None:
    """What one of our ids says; None for an id that is not ours (an order placed by hand)."""
    bracket, separator, tail = client_id.partition("-")
    if not separator or len(bracket) != _BRACKET_LENGTH or not bracket.startswith("b"):
        return None
    leg, number = _LEGS.get(tail[:1]), tail[1:]
    if leg is None or not number.isascii() or not number.isdecimal():
        return None
    return OrderKey(bracket, leg, int(number))


def is_exit(client_id: str | None) -> bool:
    """Whether one of our ids names an order that protects or sells; of other people's ids nothing is known."""
    key = None if client_id is None else parse(client_id)
    return key is not None and key.leg is not Leg.ENTRY


def new_id() -> str:
    """A fresh random id (uuid4) for things no caller named: intents, users, events."""
    return str(uuid.uuid4())
