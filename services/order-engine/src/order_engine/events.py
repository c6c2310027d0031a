"""What may happen to a bracket. Time and cause arrive inside the event, so that a history can be replayed."""

from decimal import Decimal

import msgspec

from common.orders import OrderFact


class EventBase(msgspec.Struct, frozen=True, kw_only=True):
    cause: str
    """The `ce_id` of the message (or the name of the timer) behind the event."""
    now_ms: int


class Observed(EventBase, frozen=True, kw_only=True):
    """A fact about one of the bracket's orders."""

    fact: OrderFact


class Ticked(EventBase, frozen=True, kw_only=True):
    """Time has passed."""


class CancelWanted(EventBase, frozen=True, kw_only=True):
    """The user cancels one order."""

    client_order_id: str


class CancelAllWanted(EventBase, frozen=True, kw_only=True):
    """The user cancels everything on the symbol; the one request that does it is sent by the shell."""


class AskAll(EventBase, frozen=True, kw_only=True):
    """Facts may have been lost (the broker forgot them): ask for every order that may have moved."""


class PriceSeen(EventBase, frozen=True, kw_only=True):
    """The price at which the market would buy from us now (the best bid, or a trade)."""

    px: Decimal


Event = Observed | Ticked | CancelWanted | CancelAllWanted | AskAll | PriceSeen
