"""Trades, positions and live events as frontends see them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest

from common import ids
from common.accounts import AssetBalance, BalanceAdjusted, BalanceChanged
from common.errors import ErrorCategory
from common.exchanges import Exchange, Residency
from common.intents import CancelAllOrdersIntent
from common.orders import ListStatus, OrderFilled, OrderRejected, OrderStatus, OrderUnknown
from common.protection import BracketClosed, BracketDenied, ExitLegView, ProtectionPlaced
from gateway import answers
from gateway.ports import BracketView, OrderView
from gateway.positions import held_assets, position_shown
from gateway.stream.events import live_events
from gateway.stream.payloads import EVENTS
from gateway.testing.builders import order_fact, protection_fact
from gateway.trades import trade_shown

D = Decimal
AT = datetime(2026, 11, 22, tzinfo=UTC)
INTENT = CancelAllOrdersIntent(
    intent_id="i",
    user_id="u",
    account_id="a",
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    ts_init_ms=1,
    valid_until_ms=2,
)


def a_bracket(**changes: Any) -> BracketView:
    fields: dict[str, Any] = {
        "bracket_id": "b1",
        "intent_id": "i",
        "user_id": "u",
        "account_id": "a",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "state": "PROTECTED",
        "version": 3,
        "entry_qty": D(1),
        "entry_avg_px": D(100),
        "held_qty": D("0.999"),
        "protected_qty": D("0.999"),
        "guarded_qty": D(0),
        "unprotected_qty": D(0),
        "dust_qty": D(0),
        "exit_qty": D(0),
        "exit_avg_px": None,
        "fees": {"BTC": D("0.001")},
        "realised_pnl": None,
        "created_at": AT,
        "updated_at": AT,
    }
    return BracketView(**(fields | changes))


def an_order(role: str, **changes: Any) -> OrderView:
    fields: dict[str, Any] = {
        "id": 1,
        "order_id": "4711",
        "client_order_id": "c",
        "user_id": "u",
        "account_id": "a",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": D(1),
        "price": None,
        "trigger_price": None,
        "status": "FILLED",
        "executed_qty": D(1),
        "avg_price": D(100),
        "order_role": role,
        "pair": None,
        "order_group_id": "b1",
        "parent_order_id": None,
        "tp_levels": ["105"],
        "sl_price": D(95),
        "residency": "exchange",
        "residency_reason": "",
        "fees": {},
        "filled_timestamp": AT,
        "created_at": AT,
        "updated_at": AT,
    }
    return OrderView(**(fields | changes))


def shown(bracket: BracketView, last_px: Decimal | None) -> Any:
    trade = trade_shown(bracket, [an_order("ENTRY"), an_order("TP1")], base="BTC", quote="USDT", last_px=last_px)
    return orjson.loads(answers.success(trade))["data"]


HALF_SOLD = {"exit_qty": D("0.5"), "exit_avg_px": D(110), "fees": {"BTC": D("0.001"), "USDT": D("0.1")}}


@pytest.mark.parametrize(
    ("changes", "last_px", "pnl", "pct"),
    [
        # 0.999 left at 110 is worth 109.89.
        ({}, D(110), 9.89, 9.89),
        # Half sold at 110 with a fee in quote, the rest worth 100 each.
        (
            {"exit_qty": D("0.5"), "exit_avg_px": D(110), "fees": {"BTC": D("0.001"), "USDT": D("0.1")}},
            D(100),
            4.8,
            4.8,
        ),
        ({"state": "CLOSED", "realised_pnl": D("2.5")}, None, 2.5, 2.5),
        ({}, None, None, None),
        ({"entry_qty": D(0), "entry_avg_px": None}, D(110), None, None),
    ],
)
def test_profit_is_net_of_fees_in_base_and_quote(changes: Any, last_px: Decimal | None, pnl: Any, pct: Any) -> None:
    trade = shown(a_bracket(**changes), last_px)
    assert (trade["currentPnL"], trade["pnlPercentage"]) == (pnl, pct)


def test_a_sale_of_what_was_bought_elsewhere_has_no_profit_of_its_own() -> None:
    for orders in ([an_order("ENTRY", side="SELL")], [an_order("TP1", side="SELL")]):
        trade = trade_shown(a_bracket(), orders, base="BTC", quote="USDT", last_px=D(110))
        assert (trade["currentPnL"], trade["pnlPercentage"]) == (None, None)


def test_fees_in_a_third_asset_are_shown_as_not_in_the_profit() -> None:
    trade = shown(a_bracket(fees={"BNB": D("0.01")}), D(110))
    assert trade["feesNotInPnL"] == {"BNB": "0.01"}


def test_a_trade_has_its_entry_and_the_orders_related_to_it() -> None:
    trade = shown(a_bracket(), D(110))
    assert (trade["entryOrder"]["orderRole"], trade["entryPriceAvg"]) == ("ENTRY", 100)
    assert [order["orderRole"] for order in trade["relatedOrders"]] == ["TP1"]


def test_a_position_has_its_value_and_what_protects_it() -> None:
    btc = AssetBalance(asset="BTC", free=D("0.5"), locked=D("0.5"))
    balances = [
        btc,
        AssetBalance(asset="USDT", free=D(9), locked=D(0)),
        AssetBalance(asset="X", free=D(0), locked=D(0)),
    ]
    assert held_assets(balances) == [btc]
    position = position_shown(btc, {"BTCUSDT": D("100.005")}, [a_bracket(), a_bracket(state="CLOSED")])
    assert (position["usdValue"], position["protectedQty"], position["total"]) == (D("100.00"), D("0.999"), D(1))
    assert position_shown(btc, {}, [])["usdValue"] is None


def test_an_order_fact_is_an_order_update_in_the_words_of_the_spec() -> None:
    client_id = ids.client_order_id(ids.bracket_id("a", "i"), ids.Leg.TAKE_PROFIT, 1)
    fact = order_fact(OrderFilled, INTENT, client_order_id=client_id, status=OrderStatus.FILLED, cum_qty=D(1))
    ((name, payload),) = live_events(fact)
    assert name == "order_update"
    assert {key: payload[key] for key in ("orderStatus", "symbol", "orderRole", "executedQty", "orderId")} == {
        "orderStatus": "FILLED",
        "symbol": "BTCUSDT",
        "orderRole": "TP",
        "executedQty": D(1),
        "orderId": "4711",
    }


def test_a_placed_pair_is_told_with_its_prices() -> None:
    legs = (a_leg("TP2", D(110), None), a_leg("SL", None, D(95)))
    placed = protection_fact(ProtectionPlaced, INTENT, list_client_order_id="l", level=1, qty=D(1), legs=legs)
    events = dict(live_events(placed))
    assert set(events) == {"auto_oco_placed", "protection_update", "position_update"}
    oco = events["auto_oco_placed"]
    assert (oco["tp2Price"], oco["tpPrice"], oco["slPrice"]) == (D(110), D(110), D(95))


FACTS: list[Any] = [
    ListStatus(
        account_id="a",
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        ts_event_ms=1,
        ts_init_ms=1,
        contingency_type="OCO",
        list_status_type="EXEC_STARTED",
        list_order_status="EXECUTING",
        legs=("x",),
    ),
    order_fact(OrderRejected, INTENT, category=ErrorCategory.FILTER),
    order_fact(OrderUnknown, INTENT),
    BalanceChanged(account_id="a", exchange=Exchange.BINANCE, balances=(), ts_event_ms=1, ts_init_ms=1),
    BalanceAdjusted(
        account_id="a", exchange=Exchange.BINANCE, asset="X", delta=D(1), reason="", ts_event_ms=1, ts_init_ms=1
    ),
    protection_fact(BracketDenied, INTENT, intent_id="i", code="c", reason="r"),
    protection_fact(
        BracketClosed,
        INTENT,
        entry_qty=D(1),
        entry_avg_px=D(1),
        exit_qty=D(1),
        exit_avg_px=D(1),
        fees={},
        realised_pnl=D(0),
        reason="",
    ),
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_every_fact_is_told_by_known_events_that_are_json(fact: Any) -> None:
    events = live_events(fact)
    assert events
    for name, payload in events:
        assert name in EVENTS
        assert answers.success(payload)
        assert "user_id" not in payload


def a_leg(role: str, price: Decimal | None, trigger_px: Decimal | None) -> ExitLegView:
    return ExitLegView(
        client_order_id=role,
        role=role,
        order_type="LIMIT_MAKER",
        price=price,
        trigger_px=trigger_px,
        residency=Residency.EXCHANGE,
        residency_reason="",
    )
