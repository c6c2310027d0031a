"""Mistakes somebody might make, put in place of the production part: what the simulation must be able to see."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import msgspec

import order_engine.batch
from common.commands import CancelOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import Call, Dialect, Outcome, Reply, SignedRequest, Unknown
from common.connector.rest import NotSent
from common.orders import OrderRejected
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import Event, Observed
from order_engine.order import Role
from order_engine.policy import Policy
from order_engine.store import Ledger
from order_engine.turn import Effect
from paper_exchange.serving import WRITES
from tests.simulation.network import MemoryWire
from tests.simulation.services import Parts


class ForgetfulLedger(Ledger):
    """Forgets to look whether an intent has been decided before."""

    async def known_intents(self, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        return set()


class StubbornWire(MemoryWire):
    """Sends an order again when no answer came, as an HTTP client with retries does."""

    async def send(self, signed: SignedRequest) -> Reply | NotSent | Unknown:
        answer = await super().send(signed)
        if isinstance(answer, Unknown) and signed.method in WRITES:
            return await super().send(signed)
        return answer


class SwappedCancels:
    """A dialect that names an order by its wrong ids when it cancels."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def cancel_order(self, command: CancelOrder) -> Call[Outcome]:
        swapped = msgspec.structs.replace(
            command,
            client_order_id=command.exchange_order_id or command.client_order_id,
            exchange_order_id=command.client_order_id,
        )
        return self._dialect.cancel_order(swapped)


def swapped_cancels(dialect: Dialect) -> Dialect:
    """Every cancel of this dialect names the wrong order."""
    return SwappedCancels(dialect)


def resigned_decide(bracket: Bracket, event: Event, policy: Policy) -> tuple[Bracket, tuple[Effect, ...]]:
    """Takes note of a refused exit, and arms nothing in its place."""
    after, effects = decide(bracket, event, policy)
    refused = isinstance(event, Observed) and isinstance(event.fact, OrderRejected)
    order = bracket.order(event.fact.client_order_id or "") if refused and isinstance(event, Observed) else None
    if order is None or order.role is Role.ENTRY:
        return after, effects
    known = {exit_.generation for exit_ in bracket.exits}
    resigned = msgspec.structs.replace(
        after,
        exits=tuple(exit_ for exit_ in after.exits if exit_.generation in known),
        ladder=msgspec.structs.replace(after.ladder, retry_at_ms=None),
        protect_at_ms=None,
    )
    return resigned, tuple(effect for effect in effects if not isinstance(effect, SubmitOrder | SubmitOrderList))


@contextmanager
def resignation() -> Iterator[None]:
    """The engine decides so while this lasts."""
    with patch.object(order_engine.batch, "decide", resigned_decide):
        yield


def forgotten_inbox() -> Parts:
    """An engine that does not look into its inbox."""
    return Parts(ledger=ForgetfulLedger)


def resent_on_timeout() -> Parts:
    """A connector whose requests are repeated underneath it."""
    return Parts(wire=StubbornWire)


def swapped_ids() -> Parts:
    """A connector whose translator mixes up two ids."""
    return Parts(dialect=swapped_cancels)
