"""What one process remembers between frames: families, and under which name a plan order and its child are known.

A hint, never the truth: everything here can be asked for again, and `reads.py` does where it is missing.
"""

from collections import OrderedDict
from typing import Final, Generic, TypeVar

import msgspec

from bitget_connector.rows import PlanRow

T = TypeVar("T")
LIMIT: Final = 100_000


class Recent(Generic[T]):
    """A dictionary that forgets what was not set for longest."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._items: OrderedDict[tuple[str, str], T] = OrderedDict()

    def get(self, account_id: str, key: str) -> T | None:
        """The value; None if it is not known."""
        return self._items.get((account_id, key))

    def put(self, account_id: str, key: str, value: T) -> None:
        """Remember a value."""
        self._items[account_id, key] = value
        self._items.move_to_end((account_id, key))
        if len(self._items) > self._limit:
            self._items.popitem(last=False)


class Memory:
    """Shared by the calls and streams of all accounts of this process."""

    def __init__(self) -> None:
        self._unified: dict[str, bool] = {}
        self._plan_names: Recent[str] = Recent()
        self._children: Recent[str] = Recent()
        self._strangers: Recent[bool] = Recent()
        self._adopted: Recent[str] = Recent()
        self._order_names: Recent[str] = Recent()
        self._ids: Recent[str] = Recent()

    def is_unified(self, account_id: str) -> bool | None:
        """The account's family; None while nobody has asked the exchange."""
        return self._unified.get(account_id)

    def remember_family(self, account_id: str, *, unified: bool) -> None:
        """The exchange showed which family the account is of."""
        self._unified[account_id] = unified

    def remember_plan(self, account_id: str, plan_id: str, client_oid: str) -> None:
        """A plan order and the client id it was placed with."""
        self._plan_names.put(account_id, plan_id, client_oid)
        self._ids.put(account_id, client_oid, plan_id)

    def adopt(self, account_id: str, plan: PlanRow, client_oid: str) -> None:
        """A TP/SL order that an entry brought along: its own client id is the server's, from now on it has ours."""
        self._adopted.put(account_id, plan.plan_id, client_oid)
        for number in {plan.plan_id, plan.client_oid or plan.plan_id}:
            self._plan_names.put(account_id, number, client_oid)
        self._ids.put(account_id, client_oid, plan.plan_id)

    def adopted(self, account_id: str, plan_id: str) -> str | None:
        """Our id of a TP/SL order that an entry brought along."""
        return self._adopted.get(account_id, plan_id)

    def named(self, account_id: str, plan: PlanRow) -> PlanRow:
        """The plan under our id, if it was adopted."""
        name = self.adopted(account_id, plan.plan_id)
        return plan if name is None else msgspec.structs.replace(plan, client_oid=name)

    def remember_child(self, account_id: str, order_id: str, name: str) -> None:
        """An order that a plan spawned, and the client id of the plan."""
        self._children.put(account_id, order_id, name)

    def remember_order(self, account_id: str, order_id: str, client_oid: str) -> None:
        """A plain order and its client id: by client id the exchange finds it for two hours only."""
        self._order_names.put(account_id, order_id, client_oid)
        self._ids.put(account_id, client_oid, order_id)

    def remember_stranger(self, account_id: str, client_oid: str) -> None:
        """A number that stands as a client id and is no plan's: somebody else's choice."""
        self._strangers.put(account_id, client_oid, True)

    def plan_name(self, account_id: str, plan_id: str) -> str | None:
        """The client id a plan was placed with."""
        return self._plan_names.get(account_id, plan_id)

    def child_name(self, account_id: str, order_id: str) -> str | None:
        """The client id of the plan that spawned the order."""
        return self._children.get(account_id, order_id)

    def order_name(self, account_id: str, order_id: str) -> str | None:
        """The client id of any order whose exchange id is known here."""
        return self._children.get(account_id, order_id) or self._order_names.get(account_id, order_id)

    def exchange_id(self, account_id: str, client_oid: str) -> str | None:
        """The id the exchange gave to the order or plan of this client id."""
        return self._ids.get(account_id, client_oid)

    def name_of(self, account_id: str, order_id: str, client_oid: str) -> str | None:
        """The name an order row is told under; None where a plan may stand behind it that is not known yet."""
        child = self._children.get(account_id, order_id)
        if child is not None:
            return child
        plan = self._plan_names.get(account_id, client_oid)
        if plan is not None:
            self.remember_child(account_id, order_id, plan)
            return plan
        # Servers name plans by numbers, and a child carries the number of its plan as its client id.
        looks_like_plan = client_oid.isascii() and client_oid.isdecimal() and client_oid != order_id
        if looks_like_plan and not self._strangers.get(account_id, client_oid):
            return None
        return client_oid
