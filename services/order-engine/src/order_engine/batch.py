"""A batch of records against the brackets of a shard: which brackets change, and which messages leave. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import structlog

from common import ids
from common.bus.messages import Outgoing, Record
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, PROTECTION_EVENTS, order_commands
from common.codec import decode_union, encode
from common.commands import CancelAllOrders, CancelOrder, CommandBase
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, IntentBase, OrderIntent, PlaceExits, PlaceOrder
from common.orders import HoldingShort, ListStatus, OrderAccepted, OrderFact, type_of, type_of_class
from common.protection import BracketDenied, ProtectionBase
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import CancelAllWanted, CancelWanted, Event, Observed
from order_engine.noting import with_note
from order_engine.opening import algo_orders_kept, open_bracket
from order_engine.order import Order
from order_engine.policy import Policy
from order_engine.rows import Rows
from order_engine.shard import Market, Where
from order_engine.turn import Effect
from order_engine.watch import protected_after_ms

SOURCE = "order-engine"
_CONFIRMATIONS = frozenset({type_of_class(OrderAccepted), type_of_class(ListStatus)})
_NOTHING = Market()

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Read:
    """A record with the message it holds."""

    record: Record
    message: OrderIntent | OrderFact

    @property
    def bracket_id(self) -> str | None:
        """The bracket a fact is about; None for intents and for orders that are not ours."""
        if isinstance(self.message, HoldingShort):
            return self.message.bracket_id
        if isinstance(self.message, IntentBase) or self.message.client_order_id is None:
            return None
        key = ids.parse(self.message.client_order_id)
        return None if key is None else key.bracket_id


def is_patient(record: Record) -> bool:
    """Whether a record only confirms what was asked for: no order waits for it, so it may wait for others."""
    return record.ce_type in _CONFIRMATIONS


def read(record: Record) -> Read | None:
    """Decode a record of the two topics the engine consumes. Raises UnreadableMessage."""
    if record.value is None:
        return None
    union = OrderIntent if record.topic == ORDER_INTENTS.name else OrderFact
    assert record.topic in {ORDER_INTENTS.name, ORDER_EVENTS.name}, record.topic
    return Read(record, decode_union(record.value, union))


@dataclass
class Batch:
    """Brackets as they are being changed by one batch; the cache is untouched until the batch is durable."""

    shard: int
    known: Mapping[str, Bracket]
    """Open brackets of the shard, and closed ones that the batch speaks of."""
    markets: Mapping[Where, Market]
    """The open ones by account and symbol."""
    decided_before: set[tuple[str, str]]
    """(account, intent) pairs that an earlier batch decided."""
    policy: Policy
    read_to: int = -1
    """The offset of the last order event that is decided."""
    changed: dict[str, Bracket] = field(default_factory=dict)
    messages: list[Outgoing] = field(default_factory=list)
    protected_after_ms: list[int] = field(default_factory=list)
    """How long what was bare had been so, for every bracket that is covered again."""
    overdue: list[Bracket] = field(default_factory=list)
    """Brackets of which something has just been bare for too long."""
    rows: Rows = field(default_factory=Rows)

    def take(self, item: Read, read_ms: int) -> None:
        """Decide one message, read at `read_ms`.

        A fact counts from when it came about. An intent counts from when it is read: by its own word one that waited in
        an outbox or on the topic is never too old. It is decided once, however often it is read.
        """
        born_ms = item.record.ce_time_ms
        match item.message:
            case PlaceOrder() | PlaceExits() as intent:
                self._open(intent, item.record, max(born_ms, read_ms))
            case CancelOrderIntent() | CancelAllOrdersIntent() as intent:
                self._cancel(intent, item.record, max(born_ms, read_ms))
            case fact:
                self.read_to = item.record.offset
                # A list's legs report for themselves.
                bracket = None if isinstance(fact, ListStatus) else self._bracket(item.bracket_id)
                if bracket is not None:
                    self.apply(bracket, Observed(cause=item.record.ce_id, now_ms=born_ms, fact=fact))

    def apply(self, bracket: Bracket, event: Event) -> None:
        """Let one bracket decide on one event."""
        after, effects = decide(bracket, event, self.policy)
        if after is not bracket:
            self.changed[after.bracket_id] = after
            covered_after_ms = protected_after_ms(bracket, after)
            if covered_after_ms is not None:
                self.protected_after_ms.append(covered_after_ms)
            if after.overdue and not bracket.overdue:
                self.overdue.append(after)
            self._emit(with_note(effects, after, event, self.read_to), event.cause, after.intent_id)

    @property
    def calls_for_commit(self) -> bool:
        """Whether anything came of it but a position; a repeat changes nothing and need not be written down."""
        return bool(self.changed or self.messages or self.rows.intents)

    def finish(self) -> None:
        """Turn what changed into rows."""
        for bracket_id, after in self.changed.items():
            self.rows.add_bracket(self.shard, self.known.get(bracket_id), after)

    def _bracket(self, bracket_id: str | None) -> Bracket | None:
        if bracket_id is None:
            return None
        return self.changed.get(bracket_id) or self.known.get(bracket_id)

    def _of(self, intent: IntentBase) -> list[Bracket]:
        """The open brackets of the intent's account and symbol, as they stand within the batch."""
        market = self.markets.get((intent.account_id, intent.symbol), _NOTHING)
        return [*self._changed_of(intent), *(self.known[each] for each in market.kept if each not in self.changed)]

    def _changed_of(self, intent: IntentBase) -> list[Bracket]:
        return [
            each
            for each in self.changed.values()
            if each.account_id == intent.account_id and each.symbol == intent.symbol
        ]

    def _algo_orders_in_use(self, intent: IntentBase) -> int:
        market = self.markets.get((intent.account_id, intent.symbol), _NOTHING)
        changes = (algo_orders_kept(each) - market.kept.get(each.bracket_id, 0) for each in self._changed_of(intent))
        return market.kept_total + sum(changes)

    def _open(self, intent: PlaceOrder | PlaceExits, record: Record, now_ms: int) -> None:
        if self._seen(intent):
            return
        bracket_id = ids.bracket_id(intent.account_id, intent.intent_id)
        bracket, effects = open_bracket(
            intent,
            algo_orders_in_use=self._algo_orders_in_use(intent),
            cause=record.ce_id,
            now_ms=now_ms,
            policy=self.policy,
        )
        denied = next((effect for effect in effects if isinstance(effect, BracketDenied)), None)
        if bracket is not None:
            self.changed[bracket_id] = bracket
        self.rows.add_intent(intent, bracket_id, denied, now_ms)
        self._emit(effects, record.ce_id, intent.intent_id)

    def _cancel(self, intent: CancelOrderIntent | CancelAllOrdersIntent, record: Record, now_ms: int) -> None:
        if self._seen(intent):
            return
        self.rows.add_intent(intent, "", None, now_ms)
        if isinstance(intent, CancelAllOrdersIntent):
            for bracket in self._of(intent):
                self.apply(bracket, CancelAllWanted(cause=record.ce_id, now_ms=now_ms))
            self._emit((_cancel_all(intent, now_ms),), record.ce_id, intent.intent_id)
            return
        owner = self._owner(intent)
        if owner is None:
            # Not one of ours (placed by hand, or long ended): the exchange knows what it is.
            self._emit((_cancel_foreign(intent, now_ms),), record.ce_id, intent.intent_id)
            return
        bracket, client_order_id = owner
        event = CancelWanted(cause=record.ce_id, now_ms=now_ms, client_order_id=client_order_id)
        self.apply(bracket, event)

    def _owner(self, intent: CancelOrderIntent) -> tuple[Bracket, str] | None:
        found = ((bracket, meant_by(intent, bracket)) for bracket in self._of(intent))
        return next(((bracket, order.client_order_id) for bracket, order in found if order is not None), None)

    def _seen(self, intent: IntentBase) -> bool:
        """One intent, at most one order, however often it is read."""
        key = (intent.account_id, intent.intent_id)
        if key in self.decided_before:
            return True
        self.decided_before.add(key)
        return False

    def _emit(self, effects: Iterable[Effect], cause: str, correlation_id: str) -> None:
        self.messages += [outgoing(effect, cause, correlation_id) for effect in effects]


def meant_by(intent: CancelOrderIntent, bracket: Bracket) -> Order | None:
    """The bracket's order that the intent names: by its id, its list's, or the exchange's."""
    for order in bracket.orders:
        if intent.client_order_id in {order.client_order_id, order.list_client_order_id or ""} or (
            intent.exchange_order_id is not None and intent.exchange_order_id == order.exchange_order_id
        ):
            return order
    return None


def outgoing(effect: Effect, cause: str, correlation_id: str) -> Outgoing:
    """A command or a protection fact on its way out. Its id follows from the decision alone."""
    if isinstance(effect, CommandBase):
        topic, ce_id, time_ms = order_commands(effect.exchange), effect.command_id, effect.ts_init_ms
    else:
        assert isinstance(effect, ProtectionBase), effect
        topic, time_ms = PROTECTION_EVENTS, effect.ts_event_ms
        ce_id = f"{effect.bracket_id}-{effect.version}-p{effect.position}"
    return Outgoing(
        topic=topic.name,
        key=effect.account_id,
        value=encode(effect),
        ce_id=ce_id,
        ce_type=type_of(effect),
        ce_source=SOURCE,
        ce_time_ms=time_ms,
        correlation_id=correlation_id,
        causation_id=cause,
    )


def _cancel_all(intent: CancelAllOrdersIntent, now_ms: int) -> CancelAllOrders:
    return CancelAllOrders(
        command_id=f"{intent.account_id}-{intent.intent_id}",
        bracket_id="",
        account_id=intent.account_id,
        exchange=intent.exchange,
        symbol=intent.symbol,
        ts_init_ms=now_ms,
        valid_until_ms=intent.valid_until_ms,
    )


def _cancel_foreign(intent: CancelOrderIntent, now_ms: int) -> CancelOrder:
    return CancelOrder(
        command_id=f"{intent.account_id}-{intent.intent_id}",
        bracket_id="",
        account_id=intent.account_id,
        exchange=intent.exchange,
        symbol=intent.symbol,
        ts_init_ms=now_ms,
        valid_until_ms=intent.valid_until_ms,
        client_order_id=intent.client_order_id,
        exchange_order_id=intent.exchange_order_id,
    )
