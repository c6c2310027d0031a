"""What one process knows between frames: which order a price order became, and which orders are no such thing.

A hint, never the truth: all of it can be asked for again, and `reads` does where it is missing.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Final

from gateio_connector.frames import PriceOrderRow
from gateio_connector.names import exchange_id_of

LIMIT: Final = 50_000
_ARMED_KEPT: Final = 200


class Memory:
    """Shared by the calls and streams of all accounts of this process."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._owners: OrderedDict[tuple[str, str], str | None] = OrderedDict()
        self._armed: dict[str, deque[str]] = {}

    def fired(self, account_id: str, order_id: str, price_order_id: str) -> None:
        """This order was placed by that price order (our way of writing its id)."""
        self._put((account_id, order_id), price_order_id)

    def stranger(self, account_id: str, order_id: str) -> None:
        """This order was placed by nobody we know: by hand, say."""
        self._put((account_id, order_id), None)

    def learn(self, account_id: str, rows: Iterable[PriceOrderRow]) -> None:
        """What price orders say of the orders they became."""
        for row in rows:
            if row.fired_order_id:
                self.fired(account_id, str(row.fired_order_id), exchange_id_of(row.id))

    def armed(self, account_id: str, price_order_id: str) -> None:
        """The exchange gave this id to a price order just placed."""
        self._armed.setdefault(account_id, deque(maxlen=_ARMED_KEPT)).append(price_order_id)

    def armed_lately(self, account_id: str) -> tuple[str, ...]:
        """The last price orders placed by this process: each belongs to its own command."""
        return tuple(self._armed.get(account_id, ()))

    def knows(self, account_id: str, order_id: str) -> bool:
        """Whether it is known what placed this order."""
        return (account_id, order_id) in self._owners

    def owner(self, account_id: str, order_id: str) -> str | None:
        """The price order that placed this order; None where none did, or nobody knows."""
        return self._owners.get((account_id, order_id))

    def _put(self, key: tuple[str, str], owner: str | None) -> None:
        self._owners[key] = owner
        self._owners.move_to_end(key)
        if len(self._owners) > self._limit:
            self._owners.popitem(last=False)
