"""Small, honest examples: one instrument, one plan, one intent, and facts about their orders."""

from decimal import Decimal
from typing import Any, TypeVar

from common.exchanges import Exchange
from common.exits import ExitLevel, ExitPlan, PriceTarget
from common.instruments import Instrument
from common.intents import PlaceExits, PlaceOrder
from common.orders import FactBase, OrderFact, OrderFilled, OrderStatus, OrderType, Side
from order_engine.bracket import Bracket
from order_engine.decide import decide
from order_engine.events import Observed
from order_engine.opening import open_bracket
from order_engine.order import Order
from order_engine.turn import Effect

F = TypeVar("F", bound=FactBase)
NOW_MS = 1_795_341_600_000
BTCUSDT = Instrument(
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    exchange_symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    tick_size=Decimal("0.01"),
    lot_size=Decimal("0.00001"),
    min_qty=Decimal("0.00001"),
    min_notional=Decimal(5),
    max_algo_orders=5,
    oco_allowed=True,
)


def a_plan(*levels: tuple[str, str, str], **fields: Any) -> ExitPlan:
    """A plan of (take profit, stop, share) levels; by default two halves at 104,000 and 106,000 over 95,000."""
    chosen = levels or (("104000", "95000", "0.5"), ("106000", "95000", "0.5"))
    return ExitPlan(
        levels=tuple(
            ExitLevel(
                take_profit=PriceTarget(px=Decimal(tp)), stop_loss=PriceTarget(px=Decimal(sl)), share=Decimal(share)
            )
            for tp, sl, share in chosen
        ),
        **fields,
    )


def an_intent(qty: str = "0.01", **fields: Any) -> PlaceOrder:
    """A market buy of BTC at about 100,000 with a plan."""
    defaults: dict[str, Any] = {
        "intent_id": "intent-1",
        "user_id": "user-1",
        "account_id": "account-1",
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "ts_init_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 30_000,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "qty": Decimal(qty),
        "plan": a_plan(),
        "instrument": BTCUSDT,
        "reference_px": Decimal(100_000),
    }
    return PlaceOrder(**(defaults | fields))


def an_exits_intent(qty: str = "0.01", **fields: Any) -> PlaceExits:
    """An OCO on BTC the account holds already."""
    order = an_intent()
    defaults: dict[str, Any] = {
        "intent_id": "intent-2",
        "user_id": order.user_id,
        "account_id": order.account_id,
        "exchange": order.exchange,
        "symbol": order.symbol,
        "ts_init_ms": NOW_MS,
        "valid_until_ms": NOW_MS + 30_000,
        "qty": Decimal(qty),
        "plan": a_plan(("104000", "95000", "1")),
        "instrument": BTCUSDT,
        "reference_px": Decimal(100_000),
    }
    return PlaceExits(**(defaults | fields))


def opened(intent: PlaceOrder | PlaceExits | None = None, algo_orders_in_use: int = 0) -> Bracket:
    """The bracket an intent opens."""
    bracket, _ = open_bracket(intent or an_intent(), algo_orders_in_use=algo_orders_in_use, cause="test", now_ms=NOW_MS)
    assert bracket is not None, "the intent was denied"
    return bracket


def a_fact(kind: type[F], order: Order, bracket: Bracket, *, at_ms: int = NOW_MS, **fields: Any) -> F:
    """A fact about one of the bracket's orders."""
    return kind(
        account_id=bracket.account_id,
        exchange=bracket.exchange,
        symbol=bracket.symbol,
        client_order_id=order.client_order_id,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        ts_event_ms=at_ms,
        ts_init_ms=at_ms,
        **fields,
    )


def a_fill(
    order: Order, bracket: Bracket, qty: Decimal | str, px: Decimal | str = "100000", **fields: Any
) -> OrderFilled:
    """A trade of one of the bracket's orders, its first, at no fee unless told otherwise."""
    defaults: dict[str, Any] = {
        "last_qty": Decimal(qty),
        "last_px": Decimal(px),
        "cum_qty": Decimal(qty),
        "trade_id": f"{order.client_order_id}/{qty}",
        "fee": Decimal(0),
    }
    return a_fact(OrderFilled, order, bracket, **(defaults | fields))


def an_entry_fill(bracket: Bracket, qty: Decimal | str = "0.01", **fields: Any) -> OrderFilled:
    """The entry filled at 100,000, all of it."""
    assert bracket.entry is not None
    return a_fill(bracket.entry, bracket, qty, **({"status": OrderStatus.FILLED} | fields))


def told(bracket: Bracket, *facts: OrderFact, now_ms: int = NOW_MS) -> tuple[Bracket, tuple[Effect, ...]]:
    """The bracket after the facts, and the effects of all of them."""
    effects: tuple[Effect, ...] = ()
    for n, fact in enumerate(facts):
        bracket, more = decide(bracket, Observed(cause=f"fact-{n}", now_ms=now_ms, fact=fact))
        effects += more
    return bracket, effects
