from typing import Any

import pytest

from binance_connector.tools import tools
from common import ids

COMMAND = {
    "command_id": "cmd-1", "bracket_id": "b", "account_id": "acc-1", "exchange": "binance", "symbol": "BTCUSDT",
    "ts_init_ms": 1, "valid_until_ms": 2,
}  # fmt: skip
LIMIT = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "97000", "quantity": "0.005",
    "newClientOrderId": "mine", "newOrderRespType": "FULL",
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
            "action": "create_order", "symbol": "BTCUSDT", "side": "BUY", "orderType": "LIMIT", "amount": "0.005000",
            "price": "97000", "clientOrderId": "mine", "timeInForce": "GTC",
        },
    ],
)  # fmt: skip
def test_a_limit_order_is_previewed_from_a_command_or_a_plain_wish(line: dict[str, Any]) -> None:
    shown = tools.preview(line)
    assert shown == {
        "method": "POST", "path": "/api/v3/order", "body": LIMIT, "signed": True, "weight": 1, "order_count": 1,
        "ws_method": "order.place",
    }  # fmt: skip


def test_a_list_is_previewed() -> None:
    shown = tools.preview(
        {
            "action": "create_oco", "symbol": "BTCUSDT", "side": "SELL", "qty": "0.005",
            "take_profit": {"order_type": "LIMIT_MAKER", "price": "101000"},
            "stop_loss": {"order_type": "STOP_LOSS", "trigger_px": "96000"},
        }
    )  # fmt: skip
    assert shown["path"] == "/api/v3/orderList/oco"
    assert (shown["body"]["abovePrice"], shown["body"]["belowStopPrice"]) == ("101000", "96000")


@pytest.mark.parametrize(
    ("line", "method", "path"),
    [
        ({"action": "cancel_order", "symbol": "BTCUSDT", "client_order_id": "mine"}, "DELETE", "/api/v3/order"),
        ({"action": "cancel_order", "symbol": "BTCUSDT", "list_client_order_id": "l"}, "DELETE", "/api/v3/orderList"),
        ({"action": "cancel_all_orders", "symbol": "BTCUSDT"}, "DELETE", "/api/v3/openOrders"),
        ({"action": "fetch_order", "symbol": "BTCUSDT", "client_order_id": "mine"}, "GET", "/api/v3/order"),
        ({"action": "fetch_open_orders"}, "GET", "/api/v3/openOrders"),
        ({"action": "fetch_my_trades", "symbol": "BTC/USDT", "since_ms": 5}, "GET", "/api/v3/myTrades"),
        ({"action": "fetch_balance"}, "GET", "/api/v3/account"),
        ({"action": "fetch_ticker", "symbol": "BTCUSDT"}, "GET", "/api/v3/ticker/24hr"),
        ({"action": "fetch_candles", "symbol": "BTCUSDT", "interval": "1h"}, "GET", "/api/v3/klines"),
    ],
)
def test_cancels_and_questions_are_previewed(line: dict[str, Any], method: str, path: str) -> None:
    shown = tools.preview(line)
    assert (shown["method"], shown["path"]) == (method, path)
    assert isinstance(shown["params"], dict)


def test_an_intent_previews_the_entry_it_leads_to() -> None:
    instrument = {
        "exchange": "binance", "symbol": "BTCUSDT", "exchange_symbol": "BTCUSDT", "base": "BTC", "quote": "USDT",
        "tick_size": "0.01", "lot_size": "0.001",
    }  # fmt: skip
    intent = {
        "type": "intent.place_order", "intent_id": "i-1", "user_id": "u", "account_id": "acc-1", "exchange": "binance",
        "symbol": "BTCUSDT", "ts_init_ms": 1, "valid_until_ms": 2, "side": "BUY", "order_type": "MARKET",
        "qty": "0.0059", "instrument": instrument, "reference_px": "98000",
    }  # fmt: skip
    body = tools.preview(intent)["body"]
    assert body["quantity"] == "0.005"
    assert body["newClientOrderId"] == ids.client_order_id(ids.bracket_id("acc-1", "i-1"), ids.Leg.ENTRY, 0)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ({}, "action"),
        ({"action": "fly"}, "action"),
        ({"action": "create_order", "symbol": "BTCUSDT"}, "side"),
        ({"action": "create_order", "symbol": "BTCUSDT", "side": "BUY", "order_type": "LIMIT", "qty": "1"}, "price"),
        ({"action": "create_order", "symbol": "BTCUSDT", "side": "UP", "order_type": "MARKET", "qty": "1"}, "side"),
        ({"action": "create_order", "side": "BUY", "order_type": "MARKET", "qty": "1"}, "symbol"),
        ({"action": "fetch_depth"}, "symbol"),
        ({"type": "intent.place_order"}, "intent_id"),
        ({"type": "command.nothing"}, "command.nothing"),
    ],
)
def test_a_wish_nobody_can_send_names_what_is_wrong(line: dict[str, Any], names: str) -> None:
    shown = tools.preview(line)
    assert names in shown["error"] or names == shown["field"]
    assert shown["fix"]
