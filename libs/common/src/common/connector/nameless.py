"""Orders whose exchange keeps no id of ours (Gate.io's price orders): what each was placed with, and which it became.

The exchange tells such an order by its own id alone. So its terms are written down before it is sent, an answer that
was lost is replaced by a search for those terms, and whatever names only the exchange's id is given ours again.

Two stops of one bracket may have the same terms: which is which only we can say, and must say the same for ever. So
what the exchange calls an order is written down before anybody is told, or whoever comes after a crash might give its
id to the other one, and count one stop as two.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeGuard, TypeVar

import msgspec
import structlog

from common.commands import CancelOrder, Command, SubmitOrder
from common.connector.ports import OrderRef
from common.connector.trail import RecentIds, Trails
from common.errors import Unavailable
from common.exchanges import CAPABILITIES, Exchange
from common.orders import FactBase

F = TypeVar("F", bound=FactBase)

_RECALL_PAUSE_S: Final = 0.2
_MAY_STILL_COME_MS: Final = 60_000
"""After its command's validity an order that was never seen holds up nobody else's facts any longer than this."""

_log = structlog.get_logger(__name__)


class Nameless:
    """Keeps the terms of such orders in their account's trail; on an exchange that keeps our ids it does nothing."""

    def __init__(
        self,
        exchange: Exchange,
        trails: Trails,
        *,
        recall: Callable[[str], Awaitable[Any]],
        remember: Callable[[OrderRef], Awaitable[None]],
    ) -> None:
        self.keeps: Callable[[str], bool] = lambda account_id: True
        """Whether this process streams an account."""
        capabilities = CAPABILITIES[exchange]
        self._applies = capabilities.trigger_orders and not capabilities.trigger_client_ids
        self._trails = trails
        self._recall = recall
        self._remember = remember
        self._written = RecentIds()
        """The orders of which it is written down what the exchange calls them."""
        self._claims: dict[tuple[str, str], str] = {}
        """By account and the exchange's id, whose it will be as soon as that is written down."""
        self._placing: dict[str, tuple[object, ...]] = {}
        """By command, the terms of what is being placed here: its answer will say what the exchange calls it."""

    def concerns(self, command: Command) -> TypeGuard[SubmitOrder]:
        """Whether this command places such an order."""
        return self._applies and isinstance(command, SubmitOrder) and command.order_type.waits_for_trigger

    async def recalled(self, account_id: str) -> None:
        """What was written down of the account is at hand; waits for the database."""
        while self._applies:
            try:
                await self._recall(account_id)
            except Unavailable as error:
                _log.warning("terms_not_recalled_yet", account_id=account_id, error=str(error))
                await asyncio.sleep(_RECALL_PAUSE_S)
            else:
                return

    @contextmanager
    def placing(self, command: Command) -> Iterator[None]:
        """While this order is being placed here, nobody takes what looks like it for another order."""
        if self.concerns(command):
            self._placing[command.command_id] = _terms(command)
        try:
            yield
        finally:
            self._placing.pop(command.command_id, None)

    async def written_down(self, command: Command, *, suspect: bool) -> None:
        """The terms by which alone such an order can be found again are written down, if this command places one."""
        if self.concerns(command):
            if suspect:
                await self.recalled(command.account_id)
            await self.expect(command)

    async def expect(self, command: SubmitOrder) -> None:
        """Write down what is about to be sent. Without a database it is sent all the same: protection comes first."""
        trail = self._trails.of(command.account_id)
        if command.client_order_id in trail.ended:
            return  # Read once more after a crash: it is known by its id, and its terms may by now be another order's.
        ref = trail.open_orders.setdefault(
            command.client_order_id,
            OrderRef(
                account_id=command.account_id,
                symbol=command.symbol,
                client_order_id=command.client_order_id,
                waits_for_trigger=True,
                terms=command,
            ),
        )
        try:
            await self._remember(ref)
        except Unavailable as error:
            _log.warning("terms_not_written", account_id=command.account_id, error=str(error))

    def completed(self, ref: OrderRef) -> OrderRef:
        """The reference with everything that is known of the order, and with what is known to be other orders."""
        if not self._applies or ref.client_order_id is None:
            return ref
        others = self._taken_by_others(ref.account_id, ref.client_order_id)
        known = self._trails.of(ref.account_id).nameless(ref.client_order_id)
        if known is None:
            return ref if ref.terms is None else msgspec.structs.replace(ref, taken=(*ref.taken, *others))
        return msgspec.structs.replace(
            ref,
            exchange_order_id=ref.exchange_order_id or known.exchange_order_id,
            waits_for_trigger=True,
            terms=known.terms,
            taken=others,
        )

    def identified(self, command: CancelOrder) -> CancelOrder:
        """The command with the exchange's id of its order, where it is known here and not there."""
        if not self._applies or command.exchange_order_id is not None or command.client_order_id is None:
            return command
        known = self._trails.of(command.account_id).nameless(command.client_order_id)
        if known is None or known.exchange_order_id is None:
            return command
        return msgspec.structs.replace(command, exchange_order_id=known.exchange_order_id)

    async def claimed(self, ref: OrderRef, exchange_order_id: str | None) -> bool:
        """What was found is this order from now on; False if it may be another one, or cannot be written down."""
        if ref.terms is None or ref.client_order_id is None or exchange_order_id is None:
            return True
        if self._is_anothers(ref.account_id, ref.client_order_id, exchange_order_id):
            return False
        if ref.exchange_order_id is None and _terms(ref.terms) in self._placing.values():
            return False
        return await self._became(ref.account_id, ref.client_order_id, exchange_order_id)

    async def learn(self, facts: Iterable[FactBase]) -> bool:
        """Write down what the exchange calls the orders of these facts, which are about to be told; waits for that.

        False when somebody else has the account, or had it meanwhile, and may know it as another order: tell nothing.
        """
        for fact in facts if self._applies else ():
            if fact.client_order_id is None or fact.exchange_order_id is None:
                continue
            order = (fact.account_id, fact.client_order_id, fact.exchange_order_id)
            while not await self._became(*order):
                if self._is_anothers(*order) or not self.keeps(fact.account_id):
                    return False
                await asyncio.sleep(_RECALL_PAUSE_S)
        return True

    async def _became(self, account_id: str, client_order_id: str, exchange_order_id: str) -> bool:
        """Whether it is known for good, if there is anything to know."""
        trail = self._trails.of(account_id)
        known = trail.nameless(client_order_id)
        if known is None or known.ended or known.exchange_order_id not in {None, exchange_order_id}:
            return True
        if (account_id, exchange_order_id) in self._claims or self._is_anothers(
            account_id, client_order_id, exchange_order_id
        ):
            return False
        if self._written.add(client_order_id):
            self._claims[account_id, exchange_order_id] = client_order_id
            try:
                await self._remember(msgspec.structs.replace(known, exchange_order_id=exchange_order_id))
            except Unavailable as error:
                self._written.discard(client_order_id)
                _log.warning("exchange_id_not_written", account_id=account_id, error=str(error))
                return False
            finally:
                del self._claims[account_id, exchange_order_id]
        trail.became(client_order_id, exchange_order_id)
        self._trails.touch(account_id)
        return True

    def _is_anothers(self, account_id: str, client_order_id: str, exchange_order_id: str) -> bool:
        return exchange_order_id in self._taken_by_others(account_id, client_order_id)

    def _taken_by_others(self, account_id: str, client_order_id: str) -> tuple[str, ...]:
        claimed = (
            exchange_order_id
            for (account, exchange_order_id), owner in self._claims.items()
            if account == account_id and owner != client_order_id
        )
        return (*self._trails.of(account_id).taken_by_others(client_order_id), *claimed)

    def named(self, fact: F) -> F:
        """The fact under our id, where it names the exchange's only."""
        if not self._applies or fact.client_order_id is not None or fact.exchange_order_id is None:
            return fact
        owner = self._trails.of(fact.account_id).owner_of(fact.exchange_order_id)
        return fact if owner is None else msgspec.structs.replace(fact, client_order_id=owner)

    def unclaimed(self, fact: FactBase) -> bool:
        """Whether the fact may be about an order of ours whose exchange id nobody knows yet: it will be looked up."""
        if not self._applies or fact.client_order_id is not None:
            return False
        orders = self._trails.of(fact.account_id).open_orders.values()
        return any(
            ref.terms is not None
            and ref.exchange_order_id is None
            and fact.ts_init_ms < ref.terms.valid_until_ms + _MAY_STILL_COME_MS
            and ref.symbol == fact.symbol
            and fact.side in {None, ref.terms.side}
            for ref in orders
        )


def _terms(order: SubmitOrder) -> tuple[object, ...]:
    """The exchange could show one order where it has another of the same."""
    return order.account_id, order.symbol, order.side, order.qty, order.trigger_px
