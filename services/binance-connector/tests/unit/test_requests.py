from decimal import Decimal
from typing import Any

import msgspec
import pytest

from binance_connector import queries, requests
from binance_connector.names import cancel_id, own_name
from common.commands import CancelAllOrders, CancelOrder, ListLeg, SubmitOrder, SubmitOrderList
from common.errors import Refused
from common.exchanges import Exchange
from common.orders import OrderType, Side, TimeInForce

FRAME: dict[str, Any] = {
    "command_id": "cmd-1",
    "bracket_id": "b2345672345672345",
    "account_id": "acc-1",
    "exchange": Exchange.BINANCE,
    "symbol": "BTCUSDT",
    "ts_init_ms": 1795341600000,
    "valid_until_ms": 1795341660000,
}


def a_submit(order_type: OrderType, **fields: Any) -> SubmitOrder:
    return SubmitOrder(
        **{**FRAME, "client_order_id": "b2345672345672345-e0", "side": Side.BUY, **fields}, order_type=order_type
    )


def sent(request: Any) -> dict[str, str]:
    names = [name for name, _ in request.params]
    assert len(set(names)) == len(names), "a repeated parameter is refused (-1101)"
    return dict(request.params)


ALWAYS = {"symbol": "BTCUSDT", "side": "BUY", "newClientOrderId": "b2345672345672345-e0", "newOrderRespType": "FULL"}
QTY, PRICE, STOP = Decimal("0.005"), Decimal("97000.00"), Decimal("96000")

ORDERS = [
    (a_submit(OrderType.LIMIT, qty=QTY, price=PRICE), {"timeInForce": "GTC", "price": "97000", "quantity": "0.005"}),
    (
        a_submit(OrderType.LIMIT, qty=QTY, price=PRICE, time_in_force=TimeInForce.IOC),
        {"timeInForce": "IOC", "price": "97000", "quantity": "0.005"},
    ),
    (a_submit(OrderType.LIMIT_MAKER, qty=QTY, price=PRICE), {"price": "97000", "quantity": "0.005"}),
    (a_submit(OrderType.MARKET, qty=QTY), {"quantity": "0.005"}),
    (a_submit(OrderType.MARKET, quote_qty=Decimal("1E+2")), {"quoteOrderQty": "100"}),
    (a_submit(OrderType.STOP_LOSS, qty=QTY, trigger_px=STOP), {"stopPrice": "96000", "quantity": "0.005"}),
    (a_submit(OrderType.TAKE_PROFIT, qty=QTY, trigger_px=STOP), {"stopPrice": "96000", "quantity": "0.005"}),
    (
        a_submit(OrderType.STOP_LOSS_LIMIT, qty=QTY, trigger_px=STOP, price=PRICE),
        {"timeInForce": "GTC", "price": "97000", "stopPrice": "96000", "quantity": "0.005"},
    ),
    (
        a_submit(OrderType.TAKE_PROFIT_LIMIT, qty=QTY, trigger_px=STOP, price=PRICE),
        {"timeInForce": "GTC", "price": "97000", "stopPrice": "96000", "quantity": "0.005"},
    ),
]


@pytest.mark.parametrize(("command", "expected"), ORDERS)
def test_an_order_sends_exactly_the_parameters_its_type_asks_for(command: Any, expected: Any, btcusdt: Any) -> None:
    request = requests.submit_order(command, btcusdt)
    assert sent(request) == {**ALWAYS, "type": command.order_type.value, **expected}
    assert (request.method, request.path, request.channel) == ("POST", "/api/v3/order", "order.place")
    assert (request.signed, request.read, request.weight, request.order_count) == (True, False, 1, 1)


def test_a_quantity_is_floored_to_the_lot_and_never_written_with_an_exponent(btcusdt: Any) -> None:
    assert (
        sent(requests.submit_order(a_submit(OrderType.MARKET, qty=Decimal("0.004999")), btcusdt))["quantity"]
        == "0.00499"
    )
    assert (
        sent(requests.submit_order(a_submit(OrderType.MARKET, qty=Decimal("1E-5")), btcusdt))["quantity"] == "0.00001"
    )
    assert sent(requests.submit_order(a_submit(OrderType.MARKET, qty=Decimal("2E+3")), btcusdt))["quantity"] == "2000"


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (a_submit(OrderType.LIMIT, qty=QTY), "price"),
        (a_submit(OrderType.MARKET), "qty"),
        (a_submit(OrderType.MARKET, qty=QTY, price=PRICE), "price"),
        (a_submit(OrderType.MARKET, qty=QTY, quote_qty=PRICE), "quote_qty"),
        (a_submit(OrderType.LIMIT, quote_qty=QTY, price=PRICE), "quote_qty"),
        (a_submit(OrderType.STOP_LOSS, qty=QTY), "trigger_px"),
        (a_submit(OrderType.LIMIT, qty=QTY, price=PRICE, trigger_px=STOP), "trigger_px"),
        (a_submit(OrderType.MARKET, qty=QTY, client_order_id="with.dot"), "client_order_id"),
        (a_submit(OrderType.MARKET, qty=QTY, client_order_id="x" * 37), "client_order_id"),
        (a_submit(OrderType.MARKET, qty=QTY, client_order_id="这"), "client_order_id"),
    ],
)
def test_a_command_no_request_can_say_is_refused_by_field(command: Any, field: Any, btcusdt: Any) -> None:
    with pytest.raises(Refused) as raised:
        requests.submit_order(command, btcusdt)
    assert raised.value.field == field


def a_list(side: Side, take_profit: ListLeg, stop_loss: ListLeg) -> SubmitOrderList:
    return SubmitOrderList(
        **FRAME, side=side, qty=Decimal("0.0050099"), list_client_order_id="b2345672345672345-l1",
        take_profit=take_profit, stop_loss=stop_loss,
    )  # fmt: skip


TAKE = ListLeg(client_order_id="b2345672345672345-t1", order_type=OrderType.LIMIT_MAKER, price=Decimal(101000))
STOP_MARKET = ListLeg(client_order_id="b2345672345672345-s1", order_type=OrderType.STOP_LOSS, trigger_px=STOP)
STOP_LIMIT = ListLeg(
    client_order_id="b2345672345672345-s1",
    order_type=OrderType.STOP_LOSS_LIMIT,
    trigger_px=STOP,
    price=Decimal("95900.0"),
)


def test_a_sale_takes_its_profit_above_and_stops_below(btcusdt: Any) -> None:
    request = requests.submit_order_list(a_list(Side.SELL, TAKE, STOP_LIMIT), btcusdt)
    assert (request.path, request.channel, request.order_count) == ("/api/v3/orderList/oco", "orderList.place.oco", 2)
    assert sent(request) == {
        "symbol": "BTCUSDT",
        "listClientOrderId": "b2345672345672345-l1",
        "side": "SELL",
        "quantity": "0.005",
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "101000",
        "aboveClientOrderId": "b2345672345672345-t1",
        "belowType": "STOP_LOSS_LIMIT",
        "belowTimeInForce": "GTC",
        "belowPrice": "95900",
        "belowStopPrice": "96000",
        "belowClientOrderId": "b2345672345672345-s1",
        "newOrderRespType": "FULL",
    }


def test_a_purchase_stops_above_and_takes_its_profit_below(btcusdt: Any) -> None:
    params = sent(requests.submit_order_list(a_list(Side.BUY, TAKE, STOP_MARKET), btcusdt))
    assert (params["aboveType"], params["aboveStopPrice"]) == ("STOP_LOSS", "96000")
    assert (params["belowType"], params["belowPrice"]) == ("LIMIT_MAKER", "101000")
    assert not {"aboveTimeInForce", "belowTimeInForce", "abovePrice", "belowStopPrice"} & params.keys()


@pytest.mark.parametrize(
    ("take_profit", "stop_loss"),
    [
        (STOP_MARKET, STOP_LIMIT),
        (TAKE, TAKE),
        (TAKE, msgspec.structs.replace(STOP_MARKET, client_order_id=TAKE.client_order_id)),
    ],
)
def test_a_list_of_two_like_legs_or_like_ids_is_refused(take_profit: Any, stop_loss: Any, btcusdt: Any) -> None:
    with pytest.raises(Refused):
        requests.submit_order_list(a_list(Side.SELL, take_profit, stop_loss), btcusdt)


def test_a_cancel_goes_by_the_surest_id_and_has_a_name_derived_from_the_order() -> None:
    ours = CancelOrder(**FRAME, client_order_id="b2345672345672345-e0")
    assert sent(requests.cancel_order(ours)) == {
        "symbol": "BTCUSDT",
        "origClientOrderId": "b2345672345672345-e0",
        "newClientOrderId": "b2345672345672345-e0-c",
    }
    known = msgspec.structs.replace(ours, exchange_order_id="52")
    assert sent(requests.cancel_order(known)) == {
        "symbol": "BTCUSDT",
        "orderId": "52",
        "newClientOrderId": "b2345672345672345-e0-c",
    }
    by_hand = CancelOrder(**FRAME, client_order_id=None, exchange_order_id="52")
    assert sent(requests.cancel_order(by_hand))["newClientOrderId"] == "52-c"
    assert len(cancel_id("x" * 36)) == 36


def test_a_cancel_of_a_list_names_the_list() -> None:
    request = requests.cancel_order(CancelOrder(**FRAME, client_order_id="leg", list_client_order_id="the-list"))
    assert (request.method, request.path, request.channel) == ("DELETE", "/api/v3/orderList", "orderList.cancel")
    assert sent(request) == {"symbol": "BTCUSDT", "listClientOrderId": "the-list", "newClientOrderId": "the-list-c"}


def test_a_cancel_that_names_nothing_is_refused() -> None:
    with pytest.raises(Refused):
        requests.cancel_order(CancelOrder(**FRAME, client_order_id=None))


def test_a_cancel_of_all_is_one_request() -> None:
    request = requests.cancel_all_orders(CancelAllOrders(**FRAME))
    assert (request.method, request.path, sent(request)) == ("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"})


@pytest.mark.parametrize(
    ("met", "order_type", "own"),
    [
        ("b2345672345672345-e0-c", OrderType.LIMIT, "b2345672345672345-e0"),
        ("b2345672345672345-l3-c", OrderType.LIMIT_MAKER, "b2345672345672345-t3"),
        ("b2345672345672345-l3-c", OrderType.STOP_LOSS, "b2345672345672345-s3"),
        ("b2345672345672345-t3-c", OrderType.STOP_LOSS_LIMIT, "b2345672345672345-s3"),
        ("b2345672345672345-t3", OrderType.LIMIT_MAKER, "b2345672345672345-t3"),
        ("somebody-elses-c", OrderType.LIMIT, "somebody-elses-c"),
    ],
)
def test_an_order_met_under_the_name_of_our_cancel_gets_its_own_name_back(met: Any, order_type: Any, own: Any) -> None:
    assert own_name(met, order_type) == own


@pytest.mark.parametrize(
    ("request_", "path", "weight", "params"),
    [
        (
            queries.order("BTCUSDT", client_order_id="a"),
            "/api/v3/order", 4, {"symbol": "BTCUSDT", "origClientOrderId": "a"},
        ),
        (
            queries.order("BTCUSDT", client_order_id="a", exchange_order_id="5"),
            "/api/v3/order", 4, {"symbol": "BTCUSDT", "orderId": "5"},
        ),
        (queries.order_list("l"), "/api/v3/orderList", 4, {"origClientOrderId": "l"}),
        (queries.open_orders(None), "/api/v3/openOrders", 80, {}),
        (queries.open_orders("BTCUSDT"), "/api/v3/openOrders", 6, {"symbol": "BTCUSDT"}),
        (
            queries.my_trades("BTCUSDT", since_ms=7),
            "/api/v3/myTrades", 20, {"symbol": "BTCUSDT", "startTime": "7", "limit": "1000"},
        ),
        (
            queries.my_trades("BTCUSDT", since_ms=7, exchange_order_id="5"),
            "/api/v3/myTrades", 5, {"symbol": "BTCUSDT", "orderId": "5", "limit": "1000"},
        ),
        (queries.exchange_info(), "/api/v3/exchangeInfo", 20, {}),
        (queries.tickers(("BTCUSDT", "ETHUSDT")), "/api/v3/ticker/24hr", 2, {"symbols": '["BTCUSDT","ETHUSDT"]'}),
        (queries.tickers(()), "/api/v3/ticker/24hr", 80, {}),
        (queries.depth("BTCUSDT", 500), "/api/v3/depth", 25, {"symbol": "BTCUSDT", "limit": "500"}),
    ],
)  # fmt: skip
def test_a_question_has_its_documented_parameters_and_weight(
    request_: Any, path: Any, weight: Any, params: Any
) -> None:
    assert (request_.method, request_.path, request_.weight, dict(request_.params)) == ("GET", path, weight, params)
    assert request_.read
