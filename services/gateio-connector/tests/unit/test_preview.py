from typing import Any

import pytest

from gateio_connector.tools import tools

COMMAND = {
    "command_id": "cmd-1", "bracket_id": "b", "account_id": "acc-1", "exchange": "gateio", "symbol": "BTCUSDT",
    "ts_init_ms": 1, "valid_until_ms": 2,
}  # fmt: skip
LIMIT = {
    "text": "t-mine", "currency_pair": "BTC_USDT", "account": "spot", "side": "buy", "action_mode": "FULL",
    "type": "limit", "amount": "0.005", "price": "97000", "time_in_force": "gtc",
}  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        {
            **COMMAND, "type": "command.submit_order", "client_order_id": "mine", "side": "BUY", "order_type": "LIMIT",
            "qty": "0.005", "price": "97000",
        },
        {
            "action": "create_order", "symbol": "BTC/USDT", "side": "buy", "order_type": "limit", "qty": "0.005",
            "price": "97000.00", "client_order_id": "mine",
        },
        {
            "action": "create_order", "symbol": "BTC_USDT", "side": "BUY", "orderType": "LIMIT", "amount": "0.005000",
            "price": "97000", "clientOrderId": "mine", "timeInForce": "GTC",
        },
    ],
)  # fmt: skip
def test_a_limit_order_is_previewed_from_a_command_or_a_plain_wish(line: dict[str, Any]) -> None:
    assert tools.preview(line) == {
        "method": "POST", "path": "/api/v4/spot/orders", "body": LIMIT, "signed": True, "weight": 1, "order_count": 1,
    }  # fmt: skip


def order(**terms: Any) -> dict[str, Any]:
    instrument = {
        "exchange": "gateio", "symbol": "BTCUSDT", "exchange_symbol": "BTC_USDT", "base": "BTC", "quote": "USDT",
        "tick_size": "0.1", "lot_size": "0.000001",
    }  # fmt: skip
    return {"action": "create_order", "symbol": "BTCUSDT", "instrument": instrument, **terms}


def test_a_stop_is_a_price_order_with_a_limit_below_its_trigger() -> None:
    shown = tools.preview(order(side="SELL", order_type="STOP_LOSS", qty="0.0049999999", trigger_px="58000"))
    assert shown["path"] == "/api/v4/spot/price_orders"
    assert shown["body"] == {
        "market": "BTC_USDT",
        "trigger": {"price": "58000", "rule": "<=", "expiration": 2592000},
        "put": {
            "type": "limit", "side": "sell", "price": "56840", "amount": "0.004999", "account": "normal",
            "time_in_force": "gtc",
        },
    }  # fmt: skip


def test_a_target_waits_for_the_price_to_rise_and_keeps_its_own_limit() -> None:
    body = tools.preview(
        order(side="SELL", order_type="TAKE_PROFIT_LIMIT", qty="1", trigger_px="63000", price="62950")
    )["body"]
    assert (body["trigger"]["rule"], body["put"]["price"]) == (">=", "62950")


def test_a_market_buy_of_a_quantity_is_a_limit_that_ends_at_once() -> None:
    body = tools.preview(order(side="BUY", order_type="MARKET", qty="0.01", reference_px="60000"))["body"]
    assert (body["type"], body["time_in_force"], body["amount"], body["price"]) == ("limit", "ioc", "0.01", "60600")


def test_a_market_buy_by_value_counts_quote() -> None:
    body = tools.preview(order(side="BUY", order_type="MARKET", quote_qty="50"))["body"]
    assert (body["type"], body["amount"], body["time_in_force"]) == ("market", "50", "ioc")


@pytest.mark.parametrize(
    ("line", "method", "path"),
    [
        ({"action": "cancel_order", "symbol": "BTC_USDT", "client_order_id": "mine"}, "DELETE", "orders/t-mine"),
        ({"action": "cancel_order", "symbol": "BTC_USDT", "orderId": "po-7"}, "DELETE", "price_orders/7"),
        ({"action": "cancel_all_orders", "symbol": "BTCUSDT"}, "DELETE", "orders"),
        ({"action": "fetch_order", "symbol": "BTCUSDT", "client_order_id": "mine"}, "GET", "orders/t-mine"),
        ({"action": "fetch_open_orders"}, "GET", "open_orders"),
        ({"action": "fetch_my_trades", "symbol": "BTC/USDT", "since_ms": 5_000}, "GET", "my_trades"),
        ({"action": "fetch_balance"}, "GET", "accounts"),
        ({"action": "fetch_candles", "symbol": "BTCUSDT", "interval": "1h"}, "GET", "candlesticks"),
    ],
)
def test_cancels_and_questions_are_previewed(line: dict[str, Any], method: str, path: str) -> None:
    shown = tools.preview(line)
    assert (shown["method"], shown["path"]) == (method, f"/api/v4/spot/{path}")


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ({}, "action"),
        ({"action": "create_order", "symbol": "BTCUSDT"}, "side"),
        ({"action": "create_order", "symbol": "BTCUSDT", "side": "BUY", "order_type": "LIMIT", "qty": "1"}, "price"),
        (order(side="BUY", order_type="MARKET", qty="1"), "qty"),
        (order(side="BUY", order_type="STOP_LOSS", qty="1", trigger_px="1"), "side"),
        (order(side="SELL", order_type="STOP_LOSS", qty="1"), "trigger_px"),
        (order(side="SELL", order_type="MARKET", qty="1", client_order_id="what?"), "client_order_id"),
        ({"action": "fetch_depth"}, "symbol"),
        ({"action": "fetch_depth", "symbol": "NOSEPARATOR"}, "symbol"),
        ({"action": "fetch_candles", "symbol": "BTCUSDT", "interval": "9y"}, "interval"),
        (
            {
                "action": "create_oco",
                "symbol": "BTCUSDT",
                "side": "SELL",
                "qty": "1",
                "take_profit": {"order_type": "LIMIT_MAKER", "price": "2"},
                "stop_loss": {"order_type": "STOP_LOSS", "trigger_px": "1"},
            },
            "list",
        ),
    ],
)
def test_a_wish_nobody_can_send_names_what_is_wrong(line: dict[str, Any], names: str) -> None:
    shown = tools.preview(line)
    assert names in shown["error"] or names == shown["field"]
    assert shown["fix"]
