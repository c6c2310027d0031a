"""What became of an order: by its ids, among plans and among orders, and from a plan to the child it spawned.

`orderInfo` finds client ids for two hours only and never those of plans, so an order is called absent only after the
lists of open and of past orders and plans have been read for it. A plan that fired is followed: its child is asked
for by `plan-sub-order` and by the client id it carries, which is the id of the plan; the first of the two decides.
"""

from collections.abc import Callable, Iterable
from functools import partial

import msgspec

from bitget_connector import pages
from bitget_connector.family import Family
from bitget_connector.memory import Memory
from bitget_connector.refusals import NOT_TRIGGERED_YET
from bitget_connector.replies import value_of
from bitget_connector.rows import ChildRow, OrderRow, Page, PlanRow, PlanStatus
from bitget_connector.translate import is_child, plan_snapshot, snapshot
from common import ids
from common.connector.calls import then
from common.connector.ports import Call, OrderAbsent, OrderAnswer, OrderFound, OrderRef, Rejected, Reply, Unknown
from common.errors import ErrorCategory
from common.orders import OrderSnapshot

CHILD_AFTER_MS = 10_000
"""A child of an unified account's strategy order is created around the moment its trigger fires, within this."""
_EXITS = {ids.Leg.TAKE_PROFIT, ids.Leg.STOP_LOSS}
_PRESETS = {ids.Leg.PRESET_TAKE_PROFIT, ids.Leg.PRESET_STOP_LOSS}

Placed = pages.Listed[OrderRow]
PlanAnswer = pages.Listed[PlanRow]


class Finder:
    """Finds one account's orders in one family's words."""

    def __init__(self, words: Family, memory: Memory, account_id: str) -> None:
        self.words = words
        self.memory = memory
        self.account_id = account_id

    # --- one order --------------------------------------------------------------------------------------------------

    def order(self, ref: OrderRef) -> Call[OrderAnswer]:
        """The order of these ids, wherever the exchange keeps it; absent only where no place has it.

        One that the exchange has shown to this process before is not absent, but in neither list for a moment.
        """
        assert ref.client_order_id is not None or ref.exchange_order_id is not None, "an order is asked for by an id"
        if self.is_preset(ref):
            return then(self._known_preset(ref), lambda answer, now_ms: self._judged(ref, answer))
        as_plan = self._plan(ref)
        as_order = self._plain(ref)
        first, second = (as_plan, as_order) if self.is_plan(ref) else (as_order, as_plan)
        return then(_otherwise(first(), second), lambda answer, now_ms: self._judged(ref, answer))

    def _judged(self, ref: OrderRef, answer: OrderAnswer) -> OrderAnswer:
        if not isinstance(answer, OrderAbsent):
            return answer
        shown = self.memory.exchange_id(self.account_id, ref.client_order_id or "")
        return answer if shown is None else Unknown(pages.NOT_LISTED, f"{shown} was there before and is in no list now")

    def is_plan(self, ref: OrderRef) -> bool:
        """Whether it is more likely to be found among plans."""
        if ref.exchange_order_id is not None and self.memory.plan_name(self.account_id, ref.exchange_order_id):
            return True
        if ref.exchange_order_id is not None and self.memory.order_name(self.account_id, ref.exchange_order_id):
            return False
        key = ids.parse(ref.client_order_id or "")
        return bool(ref.waits_for_trigger) or (key is not None and key.leg in _EXITS)

    @staticmethod
    def is_preset(ref: OrderRef) -> bool:
        """Whether it is a TP/SL order that an entry brought along: our id of it says so."""
        key = ids.parse(ref.client_order_id or "")
        return key is not None and key.leg in _PRESETS

    def _plain(self, ref: OrderRef) -> Callable[[], Call[OrderAnswer]]:
        def build() -> Call[OrderAnswer]:
            return then(self._row(ref), lambda row, now_ms: self._shown(row, ref.client_order_id, now_ms))

        return build

    def _row(self, ref: OrderRef) -> Call[Placed]:
        """The plain order, by the surest id first, then in the lists."""
        known = ref.exchange_order_id or self.memory.exchange_id(self.account_id, ref.client_order_id or "")
        if ref.client_order_id is None:
            return self.by_id(known or "")
        by_client_id = self._by_client_id(ref.symbol, ref.client_order_id)
        return by_client_id if known is None else _otherwise(self.by_id(known), lambda: by_client_id)

    def by_id(self, order_id: str) -> Call[Placed]:
        """A plain order by the exchange's id."""
        return Call(self.words.order(order_id=order_id), self._one)

    def _by_client_id(self, symbol: str, client_oid: str) -> Call[Placed]:
        asked: Call[Placed] = Call(self.words.order(client_oid=client_oid), self._one)
        return _otherwise(asked, lambda: self.listed(symbol, lambda row: row.client_oid == client_oid))

    def listed(self, symbol: str, wanted: Callable[[OrderRow], bool]) -> Call[Placed]:
        """A plain order out of the lists of open and past ones."""
        words = self.words
        return pages.listed(
            partial(words.open_orders, symbol), partial(words.history, symbol), words.read_orders, wanted
        )

    def _one(self, reply: Reply, now_ms: int) -> Placed:
        row = value_of(reply, self.words.read_order)
        if isinstance(row, Rejected) and row.category is ErrorCategory.NOT_FOUND:
            return OrderAbsent(row.code)
        return OrderAbsent("empty") if row is None else row

    def _shown(self, row: Placed, asked_as: str | None, now_ms: int) -> OrderAnswer | Call[OrderAnswer]:
        """The row as an order, under the name it is known by to us."""
        if not isinstance(row, OrderRow):
            return row
        name = self.memory.name_of(self.account_id, row.order_id, row.client_oid)
        if name is not None or asked_as is not None:
            return OrderFound(snapshot(row, self.learned(row, asked_as or name), self.account_id, now_ms))
        return then(
            self.plan_named(row.symbol, row.client_oid),
            lambda plan, now_ms: plan if isinstance(plan, Rejected | Unknown) else self._shown(row, None, now_ms),
        )

    def learned(self, row: OrderRow, name: str | None) -> str | None:
        """Remember under which name an order is told; the name."""
        if name and is_child(row, name):
            self.memory.remember_child(self.account_id, row.order_id, name)
        elif name:
            self.memory.remember_order(self.account_id, row.order_id, name)
        return name

    # --- plans ------------------------------------------------------------------------------------------------------

    def _plan(self, ref: OrderRef) -> Callable[[], Call[OrderAnswer]]:
        def wanted(plan: PlanRow) -> bool:
            by_id = ref.exchange_order_id is not None and plan.plan_id == ref.exchange_order_id
            return by_id or (ref.client_order_id is not None and plan.client_oid == ref.client_order_id)

        def build() -> Call[OrderAnswer]:
            return then(self.plan(ref.symbol, wanted), self.followed)

        return build

    def _known_preset(self, ref: OrderRef) -> Call[OrderAnswer]:
        """One that was adopted, by the exchange's id; before that nobody can know it."""
        assert ref.client_order_id is not None, "presets are known by our ids"
        plan_id = ref.exchange_order_id or self.memory.exchange_id(self.account_id, ref.client_order_id)
        return then(self.preset(ref.symbol, ref.client_order_id, lambda plan: plan.plan_id == plan_id), self.followed)

    def preset(self, symbol: str, name: str, wanted: Callable[[PlanRow], bool]) -> Call[PlanAnswer]:
        """A TP/SL order out of the lists of waiting and past ones, which is called so from now on."""

        def named(plan: PlanAnswer, now_ms: int) -> PlanAnswer:
            if isinstance(plan, PlanRow):
                self.memory.adopt(self.account_id, plan, name)
                return self.memory.named(self.account_id, plan)
            return plan

        words = self.words
        found: Call[PlanAnswer] = pages.listed(
            partial(words.presets, symbol), partial(words.preset_history, symbol), words.read_presets, wanted
        )
        return then(found, named)

    def plan(self, symbol: str, wanted: Callable[[PlanRow], bool]) -> Call[PlanAnswer]:
        """A plan out of the lists of waiting and past ones; every plan met on the way is remembered."""
        words = self.words

        def read(data: bytes) -> Page[PlanRow]:
            page = words.read_plans(data)
            self.learn(page.rows)
            return page

        return pages.listed(partial(words.open_plans, symbol), partial(words.plan_history, symbol), read, wanted)

    def plan_named(self, symbol: str, plan_id: str) -> Call[PlanAnswer]:
        """The plan whose number stands as an order's client id; one that is no plan's is remembered as a stranger's."""

        def judged(plan: PlanAnswer, now_ms: int) -> PlanAnswer:
            if isinstance(plan, OrderAbsent):
                self.memory.remember_stranger(self.account_id, plan_id)
            return plan

        return then(self.plan(symbol, lambda plan: plan.plan_id == plan_id), judged)

    def learn(self, plans: Iterable[PlanRow]) -> None:
        """Remember under which client ids plans were placed."""
        for plan in plans:
            self.memory.remember_plan(self.account_id, plan.plan_id, plan.client_oid or plan.plan_id)

    # --- from a plan to its child -----------------------------------------------------------------------------------

    def followed(self, plan: PlanAnswer, now_ms: int) -> OrderAnswer | Call[OrderAnswer]:
        """A plan as an order: itself while it waits, what it spawned once it has fired."""
        if not isinstance(plan, PlanRow):
            return plan
        itself = OrderFound(plan_snapshot(plan, self.account_id, now_ms))
        match plan.status:
            case PlanStatus.ARMED | PlanStatus.FIRING | PlanStatus.CANCELED:
                return itself
            case PlanStatus.FAILED:
                return then(self.child(plan), lambda row, now_ms: self._child_shown(plan, row, now_ms, itself))
            case PlanStatus.FIRED:
                late = Unknown(pages.NOT_LISTED, f"plan {plan.plan_id} fired, and its order is not listed yet")
                return then(self.child(plan), lambda row, now_ms: self._child_shown(plan, row, now_ms, late))

    def _child_shown(
        self, plan: PlanRow, row: Placed, now_ms: int, without: OrderFound | Unknown
    ) -> OrderFound | Rejected | Unknown:
        """The child in its plan's place; `without` is what stands where there is none."""
        if isinstance(row, OrderAbsent):
            return without
        if isinstance(row, Rejected | Unknown):
            return row
        name = plan.client_oid or plan.plan_id
        self.memory.remember_child(self.account_id, row.order_id, name)
        shown = snapshot(row, name, self.account_id, now_ms)
        return OrderFound(msgspec.structs.replace(shown, trigger_px=plan.trigger_px))

    def child(self, plan: PlanRow) -> Call[Placed]:
        """The order a plan spawned."""
        if not self.words.has_children_query or self.memory.adopted(self.account_id, plan.plan_id) is not None:
            return self._child_in_lists(plan)

        def read(reply: Reply, now_ms: int) -> Placed | Call[Placed]:
            children = value_of(reply, self.words.read_children)
            if isinstance(children, Rejected | Unknown):
                not_yet = children.code == NOT_TRIGGERED_YET
                return self._child_in_lists(plan) if not_yet or _is_absent(children) else children
            return self._surest(plan, children)

        return Call(self.words.children(plan.plan_id), read)

    def _surest(self, plan: PlanRow, children: tuple[ChildRow, ...]) -> Call[Placed]:
        alive = [child for child in children if not child.failed]
        if not alive:
            return self._child_in_lists(plan)
        return _otherwise(self.by_id(alive[0].order_id), lambda: self._child_in_lists(plan))

    def _child_in_lists(self, plan: PlanRow) -> Call[Placed]:
        """By the client id it carries; in a unified account, where no link is documented, also by its likeness."""

        def linked(row: OrderRow) -> bool:
            return row.client_oid in {plan.plan_id, plan.client_oid} and row.order_id != plan.plan_id

        named = self.listed(plan.symbol, linked)
        if self.words.has_children_query or plan.status is PlanStatus.FAILED:
            return named
        return _otherwise(named, lambda: self.listed(plan.symbol, lambda row: self._alike(plan, row)))

    def _alike(self, plan: PlanRow, row: OrderRow) -> bool:
        ours = ids.parse(row.client_oid) is not None
        taken = self.memory.child_name(self.account_id, row.order_id)
        return (
            not ours
            and taken in {None, plan.client_oid}
            and (row.side, row.kind, row.qty) == (plan.side, plan.kind, plan.qty)
            and abs(row.created_ms - plan.event_ms) <= CHILD_AFTER_MS
        )


def _is_absent(answer: Rejected | Unknown) -> bool:
    return isinstance(answer, Rejected) and answer.category is ErrorCategory.NOT_FOUND


def _otherwise(first: Call, second: Callable[[], Call]) -> Call:  # type: ignore[type-arg]
    """The first call's answer, or the second's where the first one found nothing."""
    return then(first, lambda answer, _: second() if isinstance(answer, OrderAbsent) else answer)


def unique(snapshots: Iterable[OrderSnapshot]) -> tuple[OrderSnapshot, ...]:
    """One per name: a plan that is firing and its child may both be listed, and the child (told last) counts."""
    by_name: dict[str, OrderSnapshot] = {}
    for order in snapshots:
        by_name[order.client_order_id or order.exchange_order_id or ""] = order
    return tuple(by_name.values())
