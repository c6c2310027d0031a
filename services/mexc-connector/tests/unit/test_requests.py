"""Commands as the requests they become; what MEXC would drop without a word is refused."""

from decimal import Decimal
from typing import Any

import pytest

from common.commands import CancelOrder, SubmitOrder
from common.errors import Refused
from common.exchanges import Exchange
from common.orders import OrderType, Side, TimeInForce
from mexc_connector import requests
from mexc_connector.tools import tools

ABOUT: dict[str, Any] = {
    "command_id": "command-1",
    "bracket_id": "b",
    "account_id": "acc-1",
    "exchange": Exchange.MEXC,
    "symbol": "MXUSDT",
    "ts_init_ms": 0,
    "valid_until_ms": 1,
}


def submit(**more: Any) -> SubmitOrder:
    fields = {"client_order_id": "b-e1", "side": Side.BUY, "order_type": OrderType.LIMIT, **more}
    return SubmitOrder(**ABOUT, **fields)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"qty": "40.009", "price": "3.70"}, {"type": "LIMIT", "quantity": "40", "price": "3.7"}),
        (
            {"qty": "40", "price": "3.7", "time_in_force": TimeInForce.IOC},
            {"type": "IMMEDIATE_OR_CANCEL", "quantity": "40", "price": "3.7"},
        ),
        (
            {"qty": "40", "price": "3.7", "time_in_force": TimeInForce.FOK},
            {"type": "FILL_OR_KILL", "quantity": "40", "price": "3.7"},
        ),
        (
            {"qty": "40", "price": "3.7", "order_type": OrderType.LIMIT_MAKER},
            {"type": "LIMIT_MAKER", "quantity": "40", "price": "3.7"},
        ),
        ({"qty": "40", "order_type": OrderType.MARKET}, {"type": "MARKET", "quantity": "40"}),
        ({"quote_qty": "100", "order_type": OrderType.MARKET}, {"type": "MARKET", "quoteOrderQty": "100"}),
    ],
)
def test_an_order_says_exactly_what_its_type_asks_for(mxusdt: Any, more: Any, expected: Any) -> None:
    amounts = {name: Decimal(value) if name in {"qty", "quote_qty", "price"} else value for name, value in more.items()}
    request = requests.submit_order(submit(**amounts), mxusdt)
    assert dict(request.params) == {"symbol": "MXUSDT", "side": "BUY", "newClientOrderId": "b-e1", **expected}
    assert (request.method, request.path, request.body, request.signed) == ("POST", "/api/v3/order", None, True)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"order_type": OrderType.STOP_LOSS, "qty": Decimal(1), "trigger_px": Decimal(3)}, "order_type"),
        ({"order_type": OrderType.TAKE_PROFIT_LIMIT, "qty": Decimal(1), "price": Decimal(3)}, "order_type"),
        ({"qty": Decimal(1), "price": Decimal(3), "trigger_px": Decimal(2)}, "order_type"),
        ({"price": Decimal(3)}, "qty"),
        ({"qty": Decimal(1)}, "price"),
        ({"qty": Decimal("0.001"), "price": Decimal(3)}, "qty"),
        ({"quote_qty": Decimal(10), "price": Decimal(3)}, "quote_qty"),
        ({"order_type": OrderType.MARKET, "qty": Decimal(1), "quote_qty": Decimal(1)}, "quote_qty"),
        ({"order_type": OrderType.MARKET, "qty": Decimal(1), "price": Decimal(1)}, "price"),
        ({"order_type": OrderType.MARKET, "qty": Decimal(1), "time_in_force": TimeInForce.IOC}, "time_in_force"),
        ({"qty": Decimal(1), "price": Decimal(3), "client_order_id": "b/e1"}, "client_order_id"),
        ({"qty": Decimal(1), "price": Decimal(3), "client_order_id": "b" * 33}, "client_order_id"),
    ],
)
def test_what_mexc_would_misunderstand_is_refused_naming_the_field(mxusdt: Any, more: Any, field: str) -> None:
    with pytest.raises(Refused) as refused:
        requests.submit_order(submit(**more), mxusdt)
    assert refused.value.field == field


def test_a_stop_is_never_sent_as_a_parameter_that_is_dropped(mxusdt: Any) -> None:
    request = requests.submit_order(submit(qty=Decimal(1), price=Decimal(3)), mxusdt)
    assert not {"stopPrice", "triggerPrice"} & dict(request.params).keys()


def test_a_cancel_names_the_order_by_the_exchanges_id_where_it_is_known() -> None:
    by_ours = requests.cancel_order(CancelOrder(**ABOUT, client_order_id="b-e1"))
    assert dict(by_ours.params) == {"symbol": "MXUSDT", "origClientOrderId": "b-e1"}
    by_theirs = requests.cancel_order(CancelOrder(**ABOUT, client_order_id="b-e1", exchange_order_id="C02__1"))
    assert dict(by_theirs.params) == {"symbol": "MXUSDT", "orderId": "C02__1"}
    by_neither: list[dict[str, Any]] = [{}, {"list_client_order_id": "b-l1"}]
    for nothing in by_neither:
        with pytest.raises(Refused):
            requests.cancel_order(CancelOrder(**ABOUT, **nothing))


def test_a_batch_holds_twenty_orders_of_one_symbol_at_most(mxusdt: Any) -> None:
    order = submit(qty=Decimal(1), price=Decimal(3))
    assert requests.batch_orders([order] * 20, mxusdt).order_count == 20
    for many in ([], [order] * 21):
        with pytest.raises(Refused):
            requests.batch_orders(many, mxusdt)


@pytest.mark.parametrize(
    ("wish", "method", "path", "params"),
    [
        (
            {"action": "create_order", "symbol": "MX/USDT", "side": "buy", "order_type": "market", "quote_qty": "100"},
            "POST",
            "/api/v3/order",
            {"type": "MARKET", "quoteOrderQty": "100", "side": "BUY", "symbol": "MXUSDT"},
        ),
        (
            {"action": "create_order", "symbol": "MXUSDT", "side": "SELL", "orderType": "FILL_OR_KILL", "qty": 2,
             "price": "4"},
            "POST",
            "/api/v3/order",
            {"type": "FILL_OR_KILL", "quantity": "2", "price": "4"},
        ),
        ({"action": "cancel_order", "symbol": "MXUSDT", "orderId": "C02__1"}, "DELETE", "/api/v3/order",
         {"orderId": "C02__1"}),
        ({"action": "cancel_all_orders", "symbol": "MXUSDT"}, "DELETE", "/api/v3/openOrders", {"symbol": "MXUSDT"}),
        ({"action": "fetch_order", "symbol": "MXUSDT", "client_order_id": "a"}, "GET", "/api/v3/order",
         {"origClientOrderId": "a"}),
        ({"action": "fetch_open_orders"}, "GET", "/api/v3/openOrders", {}),
        ({"action": "fetch_my_trades", "symbol": "MXUSDT", "since_ms": 5}, "GET", "/api/v3/myTrades",
         {"startTime": "5"}),
        ({"action": "fetch_balance"}, "GET", "/api/v3/account", {}),
        ({"action": "fetch_ticker", "symbol": "MXUSDT"}, "GET", "/api/v3/ticker/24hr", {"symbol": "MXUSDT"}),
        ({"action": "fetch_candles", "symbol": "MXUSDT", "interval": "1h"}, "GET", "/api/v3/klines",
         {"interval": "60m"}),
        ({"action": "extend_listen_key", "listen_key": "k"}, "PUT", "/api/v3/userDataStream", {"listenKey": "k"}),
        ({"action": "open_listen_key"}, "POST", "/api/v3/userDataStream", {}),
        ({"action": "check_key"}, "GET", "/api/v3/apiKeyInfo", {}),
        (
            {"type": "command.submit_order", "symbol": "MXUSDT", "client_order_id": "x", "side": "SELL",
             "order_type": "LIMIT", "qty": "20", "price": "3.9"},
            "POST", "/api/v3/order", {"type": "LIMIT", "newClientOrderId": "x"},
        ),
    ],
)  # fmt: skip
def test_a_wish_is_previewed_as_the_request_it_becomes(wish: Any, method: str, path: str, params: Any) -> None:
    shown = tools.preview(wish)
    assert (shown["method"], shown["path"]) == (method, path)
    assert params.items() <= shown["params"].items()


def test_a_batch_is_previewed_as_one_request() -> None:
    orders = [
        {"side": "SELL", "order_type": "LIMIT", "qty": "20", "price": price, "client_order_id": name}
        for name, price in (("p1-tp1-1", "3.9"), ("p1-tp2-1", "4.1"))
    ]
    shown = tools.preview({"action": "create_orders", "symbol": "MXUSDT", "orders": orders})
    assert (shown["path"], shown["order_count"]) == ("/api/v3/batchOrders", 2)
    assert shown["params"]["batchOrders"].startswith('[{"symbol":"MXUSDT","side":"SELL","type":"LIMIT","quantity":"20"')


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"action": "fly"},
        {"action": "create_order", "symbol": "MXUSDT", "side": "SELL", "order_type": "STOP_LOSS", "qty": 1,
         "stopPrice": 3},
        {"action": "create_order", "symbol": "MXUSDT", "side": "SELL", "order_type": "LIMIT", "qty": 1, "price": 3,
         "stopPrice": 2},
        {"action": "create_orders", "symbol": "MXUSDT", "orders": []},
        {"action": "create_orders", "symbol": "MXUSDT", "orders": 5},
        {"action": "fetch_candles", "symbol": "MXUSDT", "interval": "2h"},
        {"action": "fetch_ticker"},
        {"type": "command.submit_order_list", "symbol": "MXUSDT"},
        {"type": "command.unheard_of", "symbol": "MXUSDT"},
    ],
)  # fmt: skip
def test_a_wish_no_request_can_say_is_an_error_that_names_the_fix(wish: Any) -> None:
    assert {"error", "rule", "fix"} <= tools.preview(wish).keys()
