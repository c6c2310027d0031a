"""Our answers and pushes have the fields of the documented ones, with values of their kind."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from paper_exchange.mexc.catalog import State

Frame = Callable[[str], Any]


def same_shape(ours: Any, documented: Any, at: str = "$") -> None:
    """Same keys in the same order, same kinds of values."""
    assert type(ours) is type(documented), f"{at}: {ours!r} is not like {documented!r}"
    if isinstance(documented, dict):
        assert list(ours) == list(documented), at
        for name in documented:
            same_shape(ours[name], documented[name], f"{at}.{name}")
    elif isinstance(documented, list):
        assert bool(ours) == bool(documented), at
        for index, pair in enumerate(zip(ours, documented, strict=False)):
            same_shape(*pair, f"{at}[{index}]")


def test_public_data(desk: Any, frame: Frame) -> None:
    desk.move("3.71")
    for name in ("ping", "time", "defaultSymbols"):
        same_shape(desk.public(name), frame(f"rest_{name}"))
    for name in ("depth", "trades", "aggTrades", "avgPrice", "ticker/24hr", "ticker/price", "ticker/bookTicker"):
        same_shape(desk.public(name, symbol="MXUSDT"), frame(f"rest_{name.replace('/', '_')}"))
    same_shape(desk.public("klines", symbol="MXUSDT", interval="60m"), frame("rest_klines"))


def test_exchange_info_has_the_same_form_for_one_symbol_and_for_all(desk: Any, frame: Frame) -> None:
    documented = frame("rest_exchangeInfo")
    documented["symbols"] = [{**documented["symbols"][0], "conceptPlateIds": []}]
    for ours in (desk.public("exchangeInfo"), desk.public("exchangeInfo", symbol="BTCUSDT")):
        same_shape({**ours, "symbols": ours["symbols"][:1]}, documented)
    two = desk.public("exchangeInfo", symbols="MXUSDT,METALUSDT")["symbols"]
    assert [(s["symbol"], s["baseAsset"], s["quoteAsset"]) for s in two] == [
        ("MXUSDT", "MX", "USDT"), ("METALUSDT", "METAL", "USDT"),
    ]  # fmt: skip


def test_an_order_through_its_life(desk: Any, frame: Frame) -> None:
    placed = desk.order(newClientOrderId="p1-tp1-1")[1]
    same_shape(placed, frame("rest_order_ack_limit"))
    same_shape(desk.shown(placed["orderId"]), frame("rest_order_get_new"))
    same_shape(desk.call("GET", "openOrders", symbol="MXUSDT")[1], frame("rest_openOrders")[:1])
    desk.fill(placed["orderId"], "8")
    same_shape(desk.shown(placed["orderId"]), frame("rest_order_get_partially_filled"))
    desk.fill(placed["orderId"])
    same_shape(desk.shown(placed["orderId"]), frame("rest_order_get_filled"))
    desk.wait()
    same_shape(desk.call("GET", "allOrders", symbol="MXUSDT")[1], frame("rest_allOrders"))
    same_shape(desk.call("GET", "myTrades", symbol="MXUSDT")[1], frame("rest_myTrades"))


def test_a_market_sale(desk: Any, frame: Frame) -> None:
    placed = desk.market(newClientOrderId="p1-sl-1")[1]
    same_shape(placed, frame("rest_order_ack_market"))
    same_shape(desk.shown(placed["orderId"]), frame("rest_order_get_market_sell_filled"))


@pytest.mark.parametrize("answer", ["live", "docs", "minimal"])
def test_cancels_in_the_three_shapes_that_were_seen(desk: Any, frame: Frame, answer: str) -> None:
    desk.venue.switches.cancel_answer = answer
    desk.order(newClientOrderId="a")
    canceled = desk.call("DELETE", "order", symbol="MXUSDT", origClientOrderId="a")[1]
    same_shape(canceled, frame(f"rest_order_cancel_{answer}_shape"))
    assert canceled.get("status") == {"live": "NEW", "docs": "CANCELED"}.get(answer)


def test_what_is_canceled_with_and_without_a_fill(desk: Any, frame: Frame) -> None:
    partly, not_at_all = desk.order(newClientOrderId="a")[1], desk.order(newClientOrderId="b", price="4.1")[1]
    desk.fill(partly["orderId"], "8")
    same_shape(desk.call("DELETE", "openOrders", symbol="MXUSDT")[1], frame("rest_openOrders_cancel"))
    desk.wait()
    same_shape(desk.shown(not_at_all["orderId"]), frame("rest_order_get_canceled"))
    canceled = desk.shown(partly["orderId"])
    same_shape(canceled, frame("rest_order_get_partially_canceled"))
    assert (canceled["status"], canceled["executedQty"]) == ("PARTIALLY_CANCELED", "8")


def test_an_order_that_self_trade_prevention_ended(desk: Any, frame: Frame) -> None:
    desk.order(price="3.7", side="BUY")
    taker = desk.order(price="3.7", stpMode="cancel_taker", newClientOrderId="p")[1]
    same_shape(desk.shown(taker["orderId"]), frame("rest_order_get_stp_canceled"))


def test_batches(desk: Any, frame: Frame) -> None:
    one = {"symbol": "MXUSDT", "side": "SELL", "type": "LIMIT", "quantity": "20", "price": "3.9"}
    text = orjson.dumps([one, {**one, "price": "4.1"}]).decode()
    same_shape(desk.call("POST", "batchOrders", batchOrders=text)[1], frame("rest_batchOrders_ok"))
    small = {**one, "quantity": "0.1", "newClientOrderId": "p1-tp2-1"}
    text = orjson.dumps([{**one, "newClientOrderId": "p1-tp1-1"}, small]).decode()
    mixed = desk.call("POST", "batchOrders", batchOrders=text)[1]
    same_shape(mixed, frame("rest_batchOrders_mixed"))
    assert mixed[1] == frame("rest_batchOrders_mixed")[1]
    assert "%" in quote(text)


def test_the_account(desk: Any, frame: Frame) -> None:
    same_shape(desk.call("GET", "account")[1], {**frame("rest_account"), "canWithdraw": False})
    names = {name: name for name in ("tradeFee", "selfSymbols", "uid", "apiKeyInfo")}
    for path, name in (names | {"mxDeduct/enable": "mxDeduct_get", "kyc/status": "kyc_status"}).items():
        same_shape(desk.call("GET", path, symbol="MXUSDT")[1], frame(f"rest_{name}"))
    same_shape(desk.call("DELETE", "order/all")[1], frame("rest_order_all_cancel"))
    same_shape(desk.call("POST", "order/test", symbol="MXUSDT", side="BUY", type="MARKET", quantity="2")[1], {})
    desk.venue.states["MXUSDT"] = State.SUSPENDED
    same_shape(desk.public("symbol/offline"), {"data": frame("rest_symbol_offline")["data"][:1]})


def test_listen_keys(desk: Any, frame: Frame) -> None:
    key = desk.call("POST", "userDataStream")[1]
    same_shape(key, frame("rest_userDataStream_post"))
    same_shape(desk.call("PUT", "userDataStream", **key)[1], frame("rest_userDataStream_put"))
    for year in ("2025", "2026"):
        desk.venue.switches.listen_keys_shape = year
        same_shape(desk.call("GET", "userDataStream")[1], frame(f"rest_userDataStream_get_{year}"))
    same_shape(desk.call("DELETE", "userDataStream", **key)[1], frame("rest_userDataStream_delete"))


def push(desk: Any, body: str, **wanted: Any) -> Any:
    return next(f for f in desk.frames if body in f and all(f[body].get(k) == v for k, v in wanted.items()))


def same_push(ours: Any, documented: Any) -> None:
    """Same fields, in whatever order: protobuf sorts them."""
    assert {name: type(value) for name, value in ours.items()} == {name: type(v) for name, v in documented.items()}
    for name, value in documented.items():
        if isinstance(value, dict):
            assert set(ours[name]) == set(value), name


def test_private_pushes(desk: Any, frame: Frame) -> None:
    placed = desk.order(newClientOrderId="p1-tp1-1")[1]
    same_push(push(desk, "privateOrders", status=1), frame("ws_private_orders_new"))
    same_push(push(desk, "privateAccount", type="ENTRUST_PLACE"), frame("ws_private_account_entrust_place"))
    desk.fill(placed["orderId"], "8")
    desk.wait()
    same_push(push(desk, "privateOrders", status=3), frame("ws_private_orders_partially_filled"))
    same_push(push(desk, "privateDeals"), frame("ws_private_deals_maker_sell"))
    desk.call("DELETE", "order", symbol="MXUSDT", origClientOrderId="p1-tp1-1")
    desk.wait()
    same_push(push(desk, "privateOrders", status=5), frame("ws_private_orders_partially_canceled"))
    same_push(push(desk, "privateAccount", type="ENTRUST_CANCEL"), frame("ws_private_account_entrust_cancel"))
    other = desk.order(newClientOrderId="p1-tp1-1")[1]
    desk.call("DELETE", "order", symbol="MXUSDT", orderId=other["orderId"])
    desk.wait()
    same_push(push(desk, "privateOrders", status=4), frame("ws_private_orders_canceled"))
    last = desk.order(newClientOrderId="p1-tp1-1")[1]
    desk.fill(last["orderId"])
    same_push(push(desk, "privateOrders", status=2), frame("ws_private_orders_filled"))


def test_private_pushes_of_a_market_sale(desk: Any, frame: Frame) -> None:
    desk.market(quantity="1000", newClientOrderId="p1-sl-1")
    filled = push(desk, "privateOrders", status=2)
    documented = frame("ws_private_orders_market_sell_filled_docs")
    documented["privateOrders"]["clientId"] = "p1-sl-1"
    same_push(filled, documented)
    assert filled["privateOrders"]["price"] == "3.515"
    assert filled["privateOrders"]["amount"] == "0"


def test_a_deposit(desk: Any, frame: Frame) -> None:
    desk.exchange.adjust(desk.account.uid, "USDT", desk.free("MX"), desk.now_ms)
    same_push(push(desk, "privateAccount", type="DEPOSIT"), frame("ws_private_account_docs"))
