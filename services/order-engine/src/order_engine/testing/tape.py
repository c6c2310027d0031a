"""A bracket's history as the topics would hold it: what it heard, and what the engine said of it."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, assert_never

from common.bus.messages import Outgoing, Record, rfc3339
from common.bus.topics import ORDER_EVENTS, ORDER_INTENTS, market_data
from common.codec import encode
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, PlaceExits, PlaceOrder
from common.market import Ticker
from order_engine.batch import outgoing
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import AskAll, CancelAllWanted, CancelWanted, Event, Observed, PriceSeen, Ticked
from order_engine.noting import with_note
from order_engine.opening import open_bracket
from order_engine.policy import DEFAULT_POLICY, Policy
from order_engine.turn import Effect


class Tape:
    """Decides like the engine, and keeps everything that would lie on a topic."""

    def __init__(
        self,
        intent: PlaceOrder | PlaceExits,
        *,
        now_ms: int,
        policy: Policy = DEFAULT_POLICY,
        algo_orders_in_use: int = 0,
    ) -> None:
        self.records: list[Record] = []
        self._offsets: Counter[str] = Counter()
        self._policy, self._intent = policy, intent
        cause = self._put(ORDER_INTENTS.name, intent, now_ms, intent.account_id)
        bracket, self.effects = open_bracket(
            intent, algo_orders_in_use=algo_orders_in_use, cause=cause, now_ms=now_ms, policy=policy
        )
        assert bracket is not None, self.effects
        self.bracket: Bracket = bracket
        self._say(self.effects, cause)

    def play(self, event: Event) -> tuple[Effect, ...]:
        """Let one event happen; its cause is named as the engine would."""
        match event:
            case Observed():
                cause = self._put(ORDER_EVENTS.name, event.fact, event.now_ms, self.bracket.account_id)
            case Ticked():
                cause = f"tick-{event.now_ms}"
            case AskAll():
                cause = f"broker-reset-{event.now_ms}"
            case PriceSeen():
                cause = self._put(market_data(self.bracket.exchange).name, self._ticker(event), event.now_ms, "BTCUSDT")
            case CancelWanted() | CancelAllWanted():
                cause = self._put(ORDER_INTENTS.name, self._cancel(event), event.now_ms, self.bracket.account_id)
            case _:
                assert_never(event)
        named: Any = type(event)(**{**_fields(event), "cause": cause})
        after, effects = decide(self.bracket, named, self._policy)
        if after is not self.bracket:
            self.bracket = after
            self._say(with_note(effects, after, named, self._offsets[ORDER_EVENTS.name] - 1), cause)
        return effects

    def _say(self, effects: Iterable[Effect], cause: str) -> None:
        for effect in effects:
            self._lay(outgoing(effect, cause, self._intent.intent_id))

    def _put(self, topic: str, message: object, at_ms: int, key: str) -> str:
        ce_id = f"{topic}-{self._offsets[topic]}"
        heard = Outgoing(
            topic=topic, key=key, value=encode(message), ce_id=ce_id, ce_type="test", ce_source="test",
            ce_time_ms=at_ms, correlation_id=None, causation_id=None,
        )  # fmt: skip
        self._lay(heard)
        return ce_id

    def _lay(self, message: Outgoing) -> None:
        headers = {name: value.decode() for name, value in message.headers()}
        assert headers["ce_time"] == rfc3339(message.ce_time_ms)
        offset = self._offsets[message.topic]
        self._offsets[message.topic] += 1
        self.records.append(Record(message.topic, 0, offset, message.ce_time_ms, message.key, message.value, headers))

    def _ticker(self, event: PriceSeen) -> Ticker:
        return Ticker(
            exchange=self.bracket.exchange, symbol=self.bracket.symbol, last_px=event.px, bid_px=event.px,
            ask_px=event.px + Decimal("0.01"), ts_event_ms=event.now_ms, ts_init_ms=event.now_ms,
        )  # fmt: skip

    def _cancel(self, event: CancelWanted | CancelAllWanted) -> CancelOrderIntent | CancelAllOrdersIntent:
        asked: dict[str, Any] = {
            "intent_id": f"cancel-{self._offsets[ORDER_INTENTS.name]}",
            "user_id": self.bracket.user_id,
            "account_id": self.bracket.account_id,
            "exchange": self.bracket.exchange,
            "symbol": self.bracket.symbol,
            "ts_init_ms": event.now_ms,
            "valid_until_ms": event.now_ms + 30_000,
        }
        if isinstance(event, CancelAllWanted):
            return CancelAllOrdersIntent(**asked)
        return CancelOrderIntent(**asked, client_order_id=event.client_order_id)


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__struct_fields__}
