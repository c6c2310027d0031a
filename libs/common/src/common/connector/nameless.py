"""Orders whose exchange keeps no id of ours (Gate.io's price orders): what each was placed with, and which it became.

The exchange tells such an order by its own id alone. So its terms are written down before it is sent, an answer that
was lost is replaced by a search for those terms, and whatever names only the exchange's id is given ours again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
import structlog

from common.commands import CancelOrder, Command, SubmitOrder
from common.connector.ports import OrderRef
from common.connector.trail import Trails
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
        capabilities = CAPABILITIES[exchange]
        self._applies = capabilities.trigger_orders and not capabilities.trigger_client_ids
        self._trails = trails
        self._recall = recall
        self._remember = remember

    def concerns(self, command: Command) -> bool:
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
        trail = self._trails.of(ref.account_id)
        known = trail.nameless(ref.client_order_id)
        if known is None:
            return ref
        return msgspec.structs.replace(
            ref,
            exchange_order_id=ref.exchange_order_id or known.exchange_order_id,
            waits_for_trigger=True,
            terms=known.terms,
            taken=trail.taken_by_others(ref.client_order_id),
        )

    def identified(self, command: CancelOrder) -> CancelOrder:
        """The command with the exchange's id of its order, where it is known here and not there."""
        if not self._applies or command.exchange_order_id is not None or command.client_order_id is None:
            return command
        known = self._trails.of(command.account_id).nameless(command.client_order_id)
        if known is None or known.exchange_order_id is None:
            return command
        return msgspec.structs.replace(command, exchange_order_id=known.exchange_order_id)

    def claimed(self, ref: OrderRef, exchange_order_id: str | None) -> bool:
        """The order that was found is this one from now on; False if it is known to be another one by now."""
        if ref.terms is None or ref.client_order_id is None or exchange_order_id is None:
            return True
        trail = self._trails.of(ref.account_id)
        if exchange_order_id in trail.taken_by_others(ref.client_order_id):
            return False
        trail.became(ref.client_order_id, exchange_order_id)
        self._trails.touch(ref.account_id)
        return True

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
