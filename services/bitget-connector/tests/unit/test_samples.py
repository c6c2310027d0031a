"""Every recorded sample is translated, or ignored for a reason that is said."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_connector.tools import tools

FRAMES = Path(__file__).parent.parent / "frames"
NAMES = sorted(path.stem for path in FRAMES.glob("*.json"))
CONTEXT = {
    "symbol": "BTCUSDT",
    "interval": "1m",
    "ts_init_ms": 1795341700000,
    "client_order_ids": {"1300000000000000101": "p1-TP1", "1300000000000000103": "p1-SL"},
}
Line = dict[str, Any]


def translated(name: str, separator: str = ".", **more: Any) -> Line:
    value = json.loads((FRAMES / f"{name}.json").read_bytes())
    kind = name.replace(".", separator)
    return tools.translate({"kind": kind, "raw": value, "account_id": "acc-1", "context": CONTEXT, **more})


ACCEPTED, FILLED, CANCELED, EXPIRED = "order.accepted", "order.filled", "order.canceled", "order.expired"
TRIGGERED, SNAPSHOT, TICKER, BALANCES = "order.triggered", "order.snapshot", "market.ticker", "balance.changed"
CANDLE, TRADE, DEPTH = "market.candle", "market.trade", "market.depth"

EXPECTED: dict[str, list[str]] = {
    "rest.account_info": ["key_check"],
    "rest.assets": [BALANCES],
    "rest.batch_cancel_order": [],
    "rest.batch_cancel_plan_order": ["order.unknown"],
    "rest.batch_orders": [ACCEPTED],
    "rest.cancel_plan_order.failure": [],
    "rest.cancel_replace_order.failure": [],
    "rest.candles": [CANDLE] * 2,
    "rest.current_plan_order": [SNAPSHOT] * 3,
    "rest.current_plan_order.doc_example": [SNAPSHOT],
    "rest.fills": [FILLED],
    "rest.history_candles": [CANDLE] * 2,
    "rest.history_orders": [SNAPSHOT] * 2,
    "rest.history_plan_order": [SNAPSHOT, SNAPSHOT, TRIGGERED],
    "rest.market_fills": [TRADE] * 2,
    "rest.order_info.limit_partial": [SNAPSHOT],
    "rest.order_info.market_buy_filled": [SNAPSHOT],
    "rest.order_info.not_found": [],
    "rest.order_info.spawned_by_plan": [SNAPSHOT],
    "rest.orderbook": [DEPTH],
    "rest.place_order": [ACCEPTED],
    "rest.place_plan_order": [ACCEPTED],
    "rest.symbols": ["instrument"],
    "rest.tickers": [TICKER],
    "rest.time": ["server_time"],
    "rest.unfilled_orders": [SNAPSHOT],
    "rest.unfilled_orders.tpsl": [SNAPSHOT],
    "uta.order_info.spot_market_buy": [SNAPSHOT],
    "uta.place_strategy_order": [ACCEPTED],
    "uta.unfilled_strategy_orders": [SNAPSHOT],
    "uta.ws.strategy_order": [TRIGGERED],
    "ws.account": [BALANCES],
    "ws.books.snapshot": [DEPTH],
    "ws.books5": [DEPTH],
    "ws.candle1m.snapshot": [CANDLE],
    "ws.candle1m.update": [CANDLE],
    "ws.fill": [FILLED] * 2,
    "ws.orders.cancelled": [CANCELED],
    "ws.orders.filled.limit_buy": [FILLED],
    "ws.orders.filled.no_fill_keys": [SNAPSHOT],
    "ws.orders.live": [ACCEPTED],
    "ws.orders.partially_filled.limit_buy": [FILLED],
    "ws.orders.partially_filled.market_buy.doc": [FILLED],
    "ws.orders.spawned_by_plan": [FILLED],
    "ws.orders_algo.cancelled": [CANCELED],
    "ws.orders_algo.doc_example": [ACCEPTED],
    "ws.orders_algo.executed": [TRIGGERED],
    "ws.orders_algo.executing": [TRIGGERED],
    "ws.orders_algo.fail_execute": [EXPIRED],
    "ws.orders_algo.live": [ACCEPTED],
    "ws.orders_algo.modified": [ACCEPTED],
    "ws.ticker": [TICKER],
    "ws.trade": [TRADE],
}
REFUSED = {
    "rest.error.bad_key": "auth",
    "rest.error.bad_passphrase": "auth",
    "rest.error.duplicate_client_oid": "duplicate_id",
    "rest.error.insufficient_balance": "insufficient_balance",
    "rest.error.ip": "auth",
    "rest.error.key_not_exist": "auth",
    "rest.error.min_notional": "filter",
    "rest.error.min_qty": "filter",
    "rest.error.order_not_exist": "not_found",
    "rest.error.pair_closed": "market_closed",
    "rest.error.permission": "permission",
    "rest.error.plan_closed": "not_found",
    "rest.error.plan_limit": "too_many_orders",
    "rest.error.plan_not_exist": "not_found",
    "rest.error.price_step": "filter",
    "rest.error.rate_limit": "rate_limited",
    "rest.error.sign": "auth",
    "rest.error.timestamp": "clock",
    "rest.error.uta_account_on_v2": "permission",
    "ws.login.error": "auth",
    "ws.subscribe.error": "bad_request",
}
UNKNOWN = {"rest.error.cancel_too_fast", "rest.error.system_abnormal", "rest.error.system_busy"}


@pytest.mark.parametrize("separator", [".", "_"])
@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_translated_or_ignored_with_a_reason(name: str, separator: str) -> None:
    line = translated(name, separator)
    assert "error" not in line
    types = [fact["type"] for fact in line["facts"]]
    if name in EXPECTED:
        assert types == EXPECTED[name]
    elif name in REFUSED:
        assert (types, line["outcome"]["kind"], line["outcome"]["category"]) == ([], "rejected", REFUSED[name])
    elif name in UNKNOWN:
        assert line["outcome"]["kind"] == "unknown"
    else:
        assert types == []
        assert line["ignored"]


@pytest.mark.parametrize("name", ["ws.orders.spawned_by_plan", "rest.order_info.spawned_by_plan"])
def test_the_child_of_a_plan_is_told_as_the_plan(name: str) -> None:
    (fact,) = translated(name)["facts"]
    assert fact["client_order_id"] in {"p1-SL", "p1-TP1"}
    assert fact["status"] == "FILLED"


FEES = {
    "rest.fills": ("0.0000007", "BTC"),
    "ws.fill": ("0.01538655", "USDT"),
    "ws.orders.filled.limit_buy": ("0.000003", "BTC"),
}


@pytest.mark.parametrize("name", FEES)
def test_a_fee_is_a_positive_amount_whatever_its_sign_on_the_wire(name: str) -> None:
    fact = translated(name)["facts"][0]
    assert (fact["fee"], fact["fee_asset"]) == FEES[name]


def test_the_list_of_open_orders_keeps_its_limit_price_under_another_name() -> None:
    (fact,) = translated("rest.unfilled_orders")["facts"]
    assert (fact["price"], fact["avg_px"], fact["cum_qty"]) == ("34829.12", None, "0")


def test_the_size_of_a_market_buy_is_no_quantity() -> None:
    (fact,) = translated("rest.order_info.market_buy_filled")["facts"]
    assert (fact["qty"], fact["cum_qty"], fact["avg_px"]) == (None, "0.0007", "13000")


def test_a_pushed_candle_has_its_volumes_in_the_other_order() -> None:
    (pushed,) = translated("ws.candle1m.update")["facts"]
    read = translated("rest.candles")["facts"][0]
    assert Decimal(pushed["quote_volume"]) == Decimal("27507.1")
    assert Decimal(read["quote_volume"]) == Decimal("16198849.1079")


def test_the_minimum_in_usdt_and_the_precisions_become_rules() -> None:
    (rules,) = translated("rest.symbols")["facts"]
    assert (rules["tick_size"], rules["lot_size"], rules["min_notional"]) == ("0.01", "0.000001", "1")
    assert rules["max_qty"] == "0"


def test_a_failed_trigger_is_an_order_that_ended_with_its_reason() -> None:
    (fact,) = translated("ws.orders_algo.fail_execute")["facts"]
    assert (fact["status"], fact["reason"], fact["client_order_id"]) == ("EXPIRED", "fail_execute", "p1-SL")


def test_a_batch_tells_each_of_its_rows() -> None:
    line = translated("rest.batch_orders")
    assert [part["kind"] for part in line["outcomes"]] == ["accepted", "rejected"]
    assert line["outcomes"][1]["category"] == "duplicate_id"


def test_a_push_without_its_channel_is_an_error_line() -> None:
    line = tools.translate({"kind": "ws.orders", "raw": {"action": "snapshot", "arg": None, "data": []}})
    assert line["error"] == "arg: a push names its channel"
