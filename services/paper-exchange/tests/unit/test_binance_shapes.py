"""Our answers and events have the fields of the documented ones, in the documented order, with values of their kind."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from paper_exchange.binance.streams import Streams

Frame = Callable[[str], Any]


def same_shape(ours: Any, documented: Any, at: str = "$") -> None:
    """Same keys, same kinds; numbers in strings have as many decimals."""
    assert type(ours) is type(documented), f"{at}: {ours!r} is not like {documented!r}"
    if isinstance(documented, dict):
        assert list(ours) == list(documented), at
        for name in documented:
            same_shape(ours[name], documented[name], f"{at}.{name}")
    elif isinstance(documented, list):
        for index, pair in enumerate(zip(ours, documented, strict=False)):
            same_shape(*pair, f"{at}[{index}]")
    elif isinstance(documented, str) and documented.replace(".", "").isdigit():
        assert len(ours.partition(".")[2]) == len(documented.partition(".")[2]), f"{at}: {ours} {documented}"


def events(desk: Any, **wanted: Any) -> dict[str, Any]:
    return next(e for e in desk.events if all(e.get(name) == value for name, value in wanted.items()))


def test_placements(desk: Any, frame: Frame) -> None:
    same_shape(desk.buy(newOrderRespType="ACK")[1], frame("rest_order_post_ack"))
    same_shape(desk.buy(newOrderRespType="RESULT")[1], frame("rest_order_post_result"))
    same_shape(desk.buy()[1], frame("rest_order_post_full_limit_resting"))
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
    same_shape(desk.call("POST", "order", **market, quantity="0.01")[1], frame("rest_order_post_full_market_filled"))
    by_quote = desk.call("POST", "order", **market, quoteOrderQty="100")[1]
    same_shape(by_quote, frame("rest_order_post_full_market_quoteOrderQty"))
    stop = {"type": "STOP_LOSS_LIMIT", "side": "SELL", "price": "95900", "stopPrice": "96000"}
    same_shape(desk.buy(**stop)[1], frame("rest_order_post_stop_loss_limit_default_ack"))
    result = desk.buy(**stop, newOrderRespType="RESULT")[1]
    same_shape(result, frame("rest_order_post_stop_loss_limit_result"))
    same_shape(desk.call("GET", "order", symbol="BTCUSDT", orderId=1)[1], frame("rest_order_get_new"))
    same_shape(desk.call("DELETE", "order", symbol="BTCUSDT", orderId=1)[1], frame("rest_order_delete"))
    same_shape(desk.call("GET", "myTrades", symbol="BTCUSDT")[1], frame("rest_myTrades"))


def test_a_market_order_that_found_too_little(a_desk: Any, frame: Frame) -> None:
    desk = a_desk(USDT="90000000")
    _, body = desk.call("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="90")
    same_shape(body, frame("rest_order_post_full_market_expired_partial"))
    expired = frame("uds_executionReport_expired_insufficient_liquidity")["event"]
    same_shape(events(desk, x="EXPIRED"), expired)


def test_lists(desk: Any, frame: Frame) -> None:
    same_shape(desk.oco()[1], frame("rest_orderList_oco_post"))
    same_shape(desk.oco(newOrderRespType="ACK")[1], frame("rest_orderList_oco_post_ack"))
    same_shape(desk.otoco()[1], frame("rest_orderList_otoco_post"))
    same_shape(desk.otoco("opoco")[1], frame("rest_orderList_opoco_post"))
    full = desk.otoco(newOrderRespType="FULL", workingPrice="98100")[1]
    same_shape(full, frame("rest_orderList_otoco_post_immediate_fill"))
    same_shape(desk.call("GET", "orderList", orderListId=1)[1], frame("rest_orderList_get"))
    same_shape(desk.call("GET", "openOrderList")[1][:1], frame("rest_openOrderList")[:1])
    same_shape(desk.call("GET", "order", symbol="BTCUSDT", orderId=6)[1], frame("rest_order_get_pending_new"))
    same_shape(desk.call("DELETE", "orderList", symbol="BTCUSDT", orderListId=1)[1], frame("rest_orderList_delete"))
    same_shape(desk.call("GET", "orderList", orderListId=1)[1], frame("rest_orderList_get_done"))
    desk.move("101000")
    same_shape(desk.call("GET", "order", symbol="BTCUSDT", orderId=3)[1], frame("rest_order_get_expired_oco_leg"))


def test_canceling_everything_mixes_orders_and_lists(desk: Any, frame: Frame) -> None:
    desk.buy()
    desk.oco()
    same_shape(desk.call("DELETE", "openOrders", symbol="BTCUSDT")[1], frame("rest_openOrders_delete"))


def test_cancel_replace(desk: Any, frame: Frame) -> None:
    desk.buy(newClientOrderId="old")
    replace = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old"}
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.005"}
    order["price"] = "97100"
    replaced = desk.call("POST", "order/cancelReplace", **order, **replace)[1]
    same_shape(replaced, frame("rest_order_cancelReplace_success_200"))
    failed = desk.call("POST", "order/cancelReplace", **order, **replace)[1]
    same_shape(failed, frame("rest_order_cancelReplace_failed_400"))


def test_account(desk: Any, frame: Frame) -> None:
    same_shape(desk.call("GET", "account")[1], frame("rest_account"))
    same_shape(desk.call("GET", "account/commission", symbol="BTCUSDT")[1], frame("rest_account_commission"))
    same_shape(desk.call("GET", "rateLimit/order")[1], frame("rest_rateLimit_order"))


def test_public_data(desk: Any, frame: Frame) -> None:
    desk.move("98100")
    for path, name in [
        ("depth", "rest_depth"), ("trades", "rest_trades"), ("ticker/bookTicker", "rest_ticker_bookTicker"),
        ("ticker/price", "rest_ticker_price"), ("avgPrice", "rest_avgPrice"),
    ]:  # fmt: skip
        same_shape(desk.public(path, symbol="BTCUSDT"), frame(name))
    same_shape(desk.public("klines", symbol="BTCUSDT", interval="1m"), frame("rest_klines"))
    day = desk.public("ticker/24hr", symbol="BTCUSDT")
    assert set(day) == set(frame("rest_ticker_24hr"))


def test_every_filter_has_the_documented_fields(desk: Any, frame: Frame) -> None:
    documented = frame("rest_exchangeInfo")["symbols"][0]
    ours = desk.public("exchangeInfo", symbol="BTCUSDT")["symbols"][0]
    assert list(ours) == list(documented)
    fields = {row["filterType"]: list(row) for row in documented["filters"]}
    assert all(list(row) == fields[row["filterType"]] for row in ours["filters"])


def test_user_data_events(desk: Any, frame: Frame) -> None:
    desk.buy(newClientOrderId="a")
    same_shape(events(desk, x="NEW"), frame("uds_executionReport_new")["event"])
    desk.exchange.fill(desk.account.orders["BTCUSDT", 1], desk.account.orders["BTCUSDT", 1].qty / 5, desk.now_ms)
    same_shape(events(desk, x="TRADE"), frame("uds_executionReport_trade_partial_maker")["event"])
    desk.call("DELETE", "order", symbol="BTCUSDT", orderId=1, newClientOrderId="cxl")
    canceled = events(desk, x="CANCELED")
    same_shape(canceled, frame("uds_executionReport_canceled")["event"])
    assert (canceled["c"], canceled["C"]) == ("cxl", "a")
    same_shape(events(desk, e="outboundAccountPosition"), frame("uds_outboundAccountPosition")["event"])
    desk.exchange.adjust(desk.uid, "USDT", Decimal(-250), desk.now_ms)
    same_shape(events(desk, e="balanceUpdate"), frame("uds_balanceUpdate")["event"])


def test_list_events(desk: Any, frame: Frame) -> None:
    desk.oco()
    same_shape(events(desk, e="listStatus"), frame("uds_listStatus_oco_exec_started")["event"])
    same_shape(events(desk, o="STOP_LOSS_LIMIT"), frame("uds_executionReport_stop_new_not_working")["event"])
    desk.events.clear()
    desk.move("101000")
    same_shape(events(desk, x="EXPIRED"), frame("uds_executionReport_oco_stop_leg_expired")["event"])
    same_shape(events(desk, e="listStatus"), frame("uds_listStatus_oco_all_done")["event"])
    desk.move("98000")
    desk.events.clear()
    desk.otoco()
    same_shape(events(desk, X="PENDING_NEW"), frame("uds_executionReport_otoco_pending_new")["event"])


def test_a_prevented_trade(desk: Any, frame: Frame) -> None:
    desk.buy(price="97999.99")
    desk.buy(side="SELL", price="97999.99")
    same_shape(events(desk, x="TRADE_PREVENTION"), frame("uds_executionReport_trade_prevention")["event"])


class Ear:
    """A listener that keeps what it hears."""

    combined = False

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def push(self, frame: bytes) -> None:
        self.frames.append(frame)


def test_market_streams(desk: Any, frame: Frame) -> None:
    streams = Streams(desk.exchange)
    desk.face.listeners.append(lambda fact: streams.on_trade(fact) if hasattr(fact, "buyer_is_maker") else None)
    for stream, name in [
        ("trade", "stream_trade"), ("aggTrade", "stream_aggTrade"), ("kline_1m", "stream_kline"),
        ("ticker", "stream_ticker"), ("miniTicker", "stream_miniTicker"), ("bookTicker", "stream_bookTicker"),
        ("depth", "stream_depth_diff"), ("depth5", "stream_depth_partial5"),
    ]:  # fmt: skip
        ear = Ear()
        streams.subscribe(ear, f"btcusdt@{stream}", desk.now_ms)
        desk.move("98100" if desk.exchange.markets["BTCUSDT"].mark == 98000 else "98000")
        desk.now_ms += 5000
        streams.tick(desk.now_ms)
        heard = json.loads(ear.frames[0])
        documented = frame(name)
        assert sorted(heard) == sorted(documented), stream
        assert {key: type(value) for key, value in heard.items()} == {
            key: type(value) for key, value in documented.items()
        }


def test_depth_diffs_rebuild_the_book(desk: Any) -> None:
    streams, ear = Streams(desk.exchange), Ear()
    streams.subscribe(ear, "btcusdt@depth@100ms", desk.now_ms)
    snapshot = desk.public("depth", symbol="BTCUSDT", limit=5000)
    book = {side: dict(snapshot[side]) for side in ("bids", "asks")}
    last = snapshot["lastUpdateId"]
    for px in ("98050", "97900", "98000"):
        desk.buy(price="97000")
        desk.move(px)
        desk.now_ms += 100
        streams.tick(desk.now_ms)
        diff = json.loads(ear.frames[-1])
        assert diff["U"] == last + 1
        last = diff["u"]
        for side, changes in (("bids", diff["b"]), ("asks", diff["a"])):
            book[side] |= dict(changes)
            book[side] = {level: qty for level, qty in book[side].items() if float(qty)}
    now = desk.public("depth", symbol="BTCUSDT", limit=5000)
    assert book == {side: dict(now[side]) for side in ("bids", "asks")}
