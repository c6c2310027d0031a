"""How orders behave where MEXC differs from others (sections 6 and 13)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from paper_exchange.mexc.catalog import State

Frame = Callable[[str], Any]


def refused(sample: Any) -> tuple[int, Any]:
    return sample["http_status"], sample["body"]


# -- market orders --------------------------------------------------------------------------------------------------


def test_a_market_order_shows_its_protection_price_not_its_fills(desk: Any) -> None:
    shown = desk.shown(desk.market(newClientOrderId="p1-sl-1")[1]["orderId"])
    assert (shown["status"], shown["price"], shown["origQuoteOrderQty"]) == ("FILLED", "3.515", "70.3")
    assert Decimal("3.69") < Decimal(shown["cummulativeQuoteQty"]) / 20 < Decimal("3.7")


def test_a_market_order_larger_than_the_book_ends_partially_canceled(a_desk: Any) -> None:
    desk = a_desk(MX="1000000")
    shown = desk.shown(desk.market(quantity="1000000")[1]["orderId"])
    assert shown["status"] == "PARTIALLY_CANCELED"
    assert 0 < Decimal(shown["executedQty"]) < 1_000_000
    assert desk.account.balance("MX").locked == 0


def test_a_market_order_sells_nothing_below_its_protection_price(desk: Any) -> None:
    desk.exchange.markets["MXUSDT"].last = Decimal("4.2")  # the book is more than 5 % below the last trade
    shown = desk.shown(desk.market()[1]["orderId"])
    assert (shown["status"], shown["executedQty"]) == ("CANCELED", "0")


def test_a_market_buy_by_quantity_freezes_more_than_it_costs_and_gives_the_rest_back(a_desk: Any) -> None:
    desk = a_desk(USDT="38")
    assert desk.market(side="BUY", quantity="10")[1]["code"] == 30004  # 37 dollars' worth, 38.85 frozen
    assert desk.market(side="BUY", quoteOrderQty="37", quantity=None)[0] == 200
    desk.wait()
    assert desk.account.balance("USDT").locked == 0
    assert desk.free("MX") > Decimal("9.9")


@pytest.mark.parametrize("sizes", [{"quantity": None}, {"quantity": "1", "quoteOrderQty": "10"}])
def test_a_market_order_takes_exactly_one_size(desk: Any, sizes: dict[str, Any]) -> None:
    assert desk.market(**sizes)[1]["code"] == -1128


# -- other types ----------------------------------------------------------------------------------------------------


def test_there_are_no_stops(desk: Any, frame: Frame) -> None:
    for name in ("STOP_LOSS_LIMIT", "STOP_LOSS", "TAKE_PROFIT", "STOP_LIMIT"):
        assert desk.order(type=name, stopPrice="3.5") == refused(frame("rest_error_invalid_type"))


def test_a_stop_price_is_ignored_in_silence_and_the_order_sells_at_once(desk: Any) -> None:
    placed = desk.order(price="3.69", stopPrice="3.6", triggerPrice="3.6", timeInForce="GTC")[1]
    assert desk.shown(placed["orderId"])["status"] == "FILLED"


def test_the_rest_of_an_immediate_order_is_canceled_and_fill_or_kill_is_all_or_nothing(a_desk: Any) -> None:
    desk = a_desk(MX="1000000")
    big = {"quantity": "500000", "price": "3.6"}
    immediate, all_or_nothing = (
        desk.order(type="IMMEDIATE_OR_CANCEL", **big)[1],
        desk.order(type="FILL_OR_KILL", **big)[1],
    )
    assert immediate["type"] == "IMMEDIATE_OR_CANCEL"
    assert desk.shown(immediate["orderId"])["status"] == "PARTIALLY_CANCELED"
    assert desk.shown(all_or_nothing["orderId"])["status"] == "CANCELED"


@pytest.mark.parametrize(("switch", "outcome"), [("cancel", "CANCELED"), ("reject", 30010)])
def test_a_maker_that_would_take(desk: Any, switch: str, outcome: Any) -> None:
    desk.venue.switches.limit_maker_crossing = switch
    answer = desk.order(type="LIMIT_MAKER", price="3.69")[1]
    assert (desk.shown(answer["orderId"])["status"] if "orderId" in answer else answer["code"]) == outcome
    assert desk.order(type="LIMIT_MAKER", price="3.9")[0] == 200


@pytest.mark.parametrize(("switch", "status"), [("accept", 200), ("refuse", 400)])
def test_a_client_id_twice(desk: Any, switch: str, status: int) -> None:
    desk.venue.switches.duplicate_client_ids = switch
    first = desk.order(newClientOrderId="same")[1]
    assert desk.order(newClientOrderId="same", price="4.1")[0] == status
    found = desk.call("GET", "order", symbol="MXUSDT", origClientOrderId="same")[1]
    assert (found["orderId"] == first["orderId"]) == (switch == "refuse")  # the newest of that name is found


def test_orders_without_a_client_id_have_none(desk: Any) -> None:
    desk.venue.switches.duplicate_client_ids = "refuse"
    first, second = desk.order()[1], desk.order()[1]
    assert [desk.shown(o["orderId"])["clientOrderId"] for o in (first, second)] == [None, None]


# -- refusals -------------------------------------------------------------------------------------------------------


def test_refusals_with_the_documented_codes(desk: Any, frame: Frame) -> None:
    assert desk.order(symbol="NOPEUSDT") == refused(frame("rest_error_invalid_symbol"))
    assert desk.order(quantity="0.2") == refused(frame("rest_error_min_notional"))
    assert desk.order(quantity="2000") == refused(frame("rest_error_insufficient_balance"))
    desk.venue.switches.oversold_code = 30005
    assert desk.order(quantity="2000") == refused(frame("rest_error_oversold"))
    assert desk.order(price="3.5149") == refused(frame("rest_error_price_band"))
    assert desk.call("GET", "order", symbol="MXUSDT") == refused(frame("rest_error_missing_order_id"))
    missing = desk.call("DELETE", "order", symbol="MXUSDT", orderId="C02__1115")
    assert missing == refused(frame("rest_error_unknown_order_cancel"))
    window = desk.raw("GET", "aggTrades", "symbol=MXUSDT&startTime=1&endTime=3600002")
    assert window == refused(frame("rest_error_agg_window"))
    assert desk.raw("GET", "exchangeInfo", "symbol=MXUSDT&symbols=MXUSDT")[1]["code"] == -1128


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"side": "HOLD"}, 33333), ({"price": "1e1"}, 33333), ({"price": None}, 33333), ({"quantity": "0"}, 33333),
        ({"quantity": "20.001"}, 10096), ({"price": "3.90001"}, 30010), ({"newClientOrderId": "a b"}, 700008),
        ({"newClientOrderId": "x" * 33}, 700008), ({"quantity": "2000000"}, 30003), ({"stpMode": "never"}, 33333),
        ({"side": "BUY", "price": "3.8851"}, 30087), ({"symbol": None}, 33333),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_order(desk: Any, change: dict[str, Any], code: int) -> None:
    status, body = desk.order(**change)
    assert (status, body["code"]) == (400, code)
    assert not desk.account.orders


def test_a_take_profit_far_above_the_market_is_not_limited(desk: Any) -> None:
    assert desk.order(price="37")[0] == 200


@pytest.mark.parametrize(
    ("state", "buy", "sell", "market"),
    [("suspended", 30016, 30016, 30016), ("api_closed", 10007, 10007, 10007), ("market_disabled", 200, 200, 30019),
     ("buy_only", 200, 30001, 30001), ("sell_only", 30001, 200, 200)],
)  # fmt: skip
def test_a_symbol_that_does_not_stand_well(desk: Any, state: Any, buy: int, sell: int, market: int) -> None:
    desk.venue.states["MXUSDT"] = State(state)
    answers = [desk.order(side="BUY", price="3.6"), desk.order(), desk.market()]
    assert [status if status == 200 else body["code"] for status, body in answers] == [buy, sell, market]


def test_a_key_may_be_confined_to_some_symbols(desk: Any) -> None:
    desk.key.symbols = frozenset({"BTCUSDT"})
    assert desk.order()[1]["code"] == 10007
    assert desk.call("GET", "selfSymbols")[1]["data"] == ["BTCUSDT"]


def test_a_batch_is_of_one_symbol_and_at_most_twenty(desk: Any) -> None:
    one = {"symbol": "MXUSDT", "side": "SELL", "type": "LIMIT", "quantity": "20", "price": "3.9"}
    wrong: list[Any] = [[one, {**one, "symbol": "BTCUSDT"}], [one] * 21, [], [{**one, "quantity": 20}], {}]
    for orders in wrong:
        desk.now_ms += 1000
        assert desk.call("POST", "batchOrders", batchOrders=orjson.dumps(orders).decode())[0] == 400
    desk.now_ms += 1000
    placed = desk.call("POST", "batchOrders", batchOrders=orjson.dumps([one] * 20).decode())[1]
    assert len({order["orderId"] for order in placed}) == 20


def test_five_hundred_open_orders_are_enough(a_desk: Any) -> None:
    desk = a_desk(MX="100000")
    desk.venue.switches.weight_per_10s = 1000
    for _ in range(500):
        desk.order(quantity="1")
    assert desk.order(quantity="1")[1]["code"] == 30029


# -- money ----------------------------------------------------------------------------------------------------------


def test_a_buy_pays_its_fee_in_quote(desk: Any) -> None:
    desk.market(side="BUY", quantity="10")
    desk.wait()
    trade = desk.call("GET", "myTrades", symbol="MXUSDT")[1][0]
    assert trade["commissionAsset"] == "USDT"
    assert Decimal(trade["commission"]) == Decimal(trade["quoteQty"]) * Decimal("0.0005")
    assert desk.free("MX") == 1010


def test_a_buy_locks_its_fee_as_well(a_desk: Any) -> None:
    desk = a_desk(USDT="37")
    order = {"side": "BUY", "price": "3.7", "quantity": "10"}
    assert desk.order(**order)[1]["code"] == 30004
    desk.exchange.adjust(desk.account.uid, "USDT", Decimal("0.0185"), desk.now_ms)
    placed = desk.order(**order)[1]
    assert desk.free("USDT") == 0
    desk.fill(placed["orderId"])
    assert desk.free("USDT") == Decimal("0.0185")  # makers pay nothing


def test_with_deduction_on_fees_are_paid_in_mx(desk: Any) -> None:
    assert desk.call("POST", "mxDeduct/enable", mxDeductEnable="true")[1]["data"] == {"mxDeductEnable": True}
    desk.market(symbol="ETHUSDT", side="BUY", quantity="0.1")
    desk.wait()
    trade = desk.call("GET", "myTrades", symbol="ETHUSDT")[1][0]
    assert trade["commissionAsset"] == "MX"
    assert Decimal(trade["commission"]) == pytest.approx(
        Decimal("350") * Decimal("0.0005") * Decimal("0.8") / Decimal("3.7"), rel=Decimal("0.0001")
    )


# -- cancels and their lags -----------------------------------------------------------------------------------------


def test_a_sale_inside_the_unfreeze_lag_is_refused(desk: Any) -> None:
    desk.venue.switches.cancel_lag_ms, desk.venue.switches.unfreeze_lag_ms = 10, 40
    placed = desk.order(quantity="1000")[1]
    assert desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])[1]["status"] == "NEW"
    assert desk.shown(placed["orderId"])["status"] == "NEW"
    desk.wait(10)
    assert desk.shown(placed["orderId"])["status"] == "CANCELED"
    assert desk.market(quantity="1000")[1]["code"] == 30004
    desk.wait(40)
    assert desk.market(quantity="1000")[0] == 200


def test_an_order_may_fill_while_its_cancel_is_under_way(desk: Any) -> None:
    desk.venue.switches.cancel_lag_ms = 10
    placed = desk.order()[1]
    assert desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])[0] == 200
    desk.move("3.9")
    desk.wait()
    assert desk.shown(placed["orderId"])["status"] == "FILLED"


def test_a_finished_order_cannot_be_canceled(desk: Any) -> None:
    placed = desk.order()[1]
    desk.move("3.9")
    assert desk.call("DELETE", "order", symbol="MXUSDT", orderId=placed["orderId"])[1]["code"] == -2011


def test_my_trades_lag_behind_the_order(desk: Any) -> None:
    placed = desk.market()[1]
    assert desk.shown(placed["orderId"])["status"] == "FILLED"
    assert desk.call("GET", "myTrades", symbol="MXUSDT")[1] == []
    desk.wait(100)
    trades = desk.call("GET", "myTrades", symbol="MXUSDT", orderId=placed["orderId"])[1]
    assert sum(Decimal(trade["qty"]) for trade in trades) == 20


def test_canceling_the_whole_account(desk: Any) -> None:
    orders = [desk.order()[1], desk.order(symbol="ETHUSDT", side="BUY", price="3400", quantity="0.1")[1]]
    assert desk.call("DELETE", "order/all")[0] == 200
    desk.wait()
    assert desk.call("GET", "openOrders")[1] == []
    assert desk.call("GET", "order", orderId=orders[1]["orderId"])[1]["status"] == "CANCELED"


@pytest.mark.parametrize("code", [-2013, -2011])
def test_a_query_for_an_unknown_order(desk: Any, code: Any) -> None:
    desk.venue.switches.unknown_order_code = code
    assert desk.call("GET", "order", symbol="MXUSDT", origClientOrderId="nobody")[1]["code"] == code


def test_rest_tells_whole_seconds(desk: Any) -> None:
    shown = desk.shown(desk.market()[1]["orderId"])
    assert (shown["time"] % 1000, shown["updateTime"] % 1000, desk.now_ms % 1000) == (0, 0, 123)


# -- limits ---------------------------------------------------------------------------------------------------------


def test_weights_are_counted_per_endpoint_or_in_one_pool(desk: Any, frame: Frame) -> None:
    desk.venue.switches.weight_per_10s = 10
    assert [desk.raw("GET", "exchangeInfo")[0], desk.raw("GET", "ping")[0]] == [200, 200]
    assert desk.raw("GET", "exchangeInfo") == refused(frame("rest_error_rate_limit"))
    desk.venue.switches.rate_pool = "shared"
    desk.now_ms += 10_000
    assert [desk.raw("GET", "exchangeInfo")[0], desk.raw("GET", "ping")[0]] == [200, 429]


def test_the_account_may_be_asked_for_twice_a_second(desk: Any) -> None:
    desk.now_ms -= desk.now_ms % 1000
    assert [desk.call("GET", "account")[0] for _ in range(3)] == [200, 200, 429]
    desk.now_ms += 1000
    assert desk.call("GET", "account")[0] == 200


def test_a_listen_key_lives_for_an_hour_after_it_was_last_extended(desk: Any) -> None:
    key = desk.call("POST", "userDataStream")[1]["listenKey"]
    desk.wait(3_000_000)
    assert desk.call("PUT", "userDataStream", listenKey=key)[0] == 200
    desk.wait(3_599_999)
    assert desk.venue.listen_keys.owner(key, desk.now_ms) == desk.account.uid
    desk.wait(1)
    assert desk.venue.listen_keys.owner(key, desk.now_ms) is None
    assert desk.call("PUT", "userDataStream", listenKey=key)[0] == 400


def test_an_account_has_no_more_than_its_share_of_listen_keys(desk: Any) -> None:
    desk.venue.switches.most_listen_keys = 2
    assert [desk.call("POST", "userDataStream")[0] for _ in range(3)] == [200, 200, 400]
