"""Commands become exactly the requests the reference describes."""

from decimal import Decimal
from typing import Any

import pytest

from bitget_connector.family import CLASSIC, UNIFIED
from bitget_connector.tools import tools
from bitget_connector.wishes import order_of, plan_of
from common.commands import SubmitOrder
from common.errors import Refused
from common.exchanges import Exchange
from common.orders import OrderType, Side, TimeInForce


def submit(**fields: Any) -> SubmitOrder:
    base = {
        "command_id": "c",
        "bracket_id": "b",
        "account_id": "acc-1",
        "exchange": Exchange.BITGET,
        "symbol": "BTCUSDT",
        "ts_init_ms": 0,
        "valid_until_ms": 0,
        "client_order_id": "p1-ENTRY",
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "qty": Decimal("0.005"),
    }
    return SubmitOrder(**{**base, **fields})


def exit_order(order_type: OrderType, **fields: Any) -> SubmitOrder:
    return submit(
        side=Side.SELL,
        order_type=order_type,
        client_order_id="p1-SLA-1",
        qty=Decimal("0.0024979"),
        trigger_px=Decimal(57000),
        **fields,
    )


def test_a_limit_buy_is_the_body_of_the_reference(btcusdt: Any) -> None:
    request = CLASSIC.place(order_of(submit(price=Decimal(60000)), btcusdt))
    assert (request.method, request.path) == ("POST", "/api/v2/spot/trade/place-order")
    assert request.body == {
        "symbol": "BTCUSDT", "side": "buy", "orderType": "limit", "force": "gtc", "price": "60000", "size": "0.005",
        "clientOid": "p1-ENTRY",
    }  # fmt: skip


def test_a_market_buy_by_value_is_sized_in_quote(btcusdt: Any) -> None:
    command = submit(order_type=OrderType.MARKET, qty=None, quote_qty=Decimal(250))
    assert CLASSIC.place(order_of(command, btcusdt)).body["size"] == "250"


def test_a_market_buy_of_a_quantity_is_a_limit_order_that_ends_at_once(btcusdt: Any) -> None:
    command = submit(order_type=OrderType.MARKET)
    body = CLASSIC.place(order_of(command, btcusdt, Decimal("60000.01"))).body
    assert (body["orderType"], body["force"], body["size"]) == ("limit", "ioc", "0.005")
    assert body["price"] == "60600.02"


def test_a_market_buy_of_a_quantity_needs_a_price_to_buy_at(btcusdt: Any) -> None:
    with pytest.raises(Refused):
        order_of(submit(order_type=OrderType.MARKET), btcusdt)


def test_a_market_sale_is_sized_in_base_and_floored(btcusdt: Any) -> None:
    command = submit(order_type=OrderType.MARKET, side=Side.SELL, qty=Decimal("0.0049959"))
    body = CLASSIC.place(order_of(command, btcusdt)).body
    assert (body["orderType"], body["size"], "price" in body) == ("market", "0.004995", False)


def test_a_stop_is_a_plan_with_a_market_child(btcusdt: Any) -> None:
    request = CLASSIC.place_plan(plan_of(exit_order(OrderType.STOP_LOSS), btcusdt))
    assert request.path == "/api/v2/spot/trade/place-plan-order"
    assert request.body == {
        "symbol": "BTCUSDT", "side": "sell", "triggerPrice": "57000", "orderType": "market", "planType": "amount",
        "size": "0.002497", "triggerType": "fill_price", "clientOid": "p1-SLA-1",
    }  # fmt: skip


def test_a_limited_target_is_a_plan_with_a_limit_child(btcusdt: Any) -> None:
    command = exit_order(OrderType.TAKE_PROFIT_LIMIT, price=Decimal(56900))
    body = CLASSIC.place_plan(plan_of(command, btcusdt)).body
    assert (body["orderType"], body["executePrice"]) == ("limit", "56900")


def test_a_unified_account_gets_a_strategy_order_of_type_trigger(btcusdt: Any, frame: Any) -> None:
    command = exit_order(OrderType.STOP_LOSS)
    request = UNIFIED.place_plan(plan_of(command, btcusdt))
    recorded = frame("uta.place_strategy_order.request.trigger")
    assert request.path == "/api/v3/trade/place-strategy-order"
    assert request.body == {**recorded, "qty": "0.002497", "clientOid": "p1-SLA-1"}


@pytest.mark.parametrize("client_id", ["", "a" * 33, "a#b", "a+b", "a b", "ä"])
def test_an_id_outside_the_alphabet_of_both_families_is_refused(btcusdt: Any, client_id: str) -> None:
    with pytest.raises(Refused) as refused:
        order_of(submit(client_order_id=client_id, price=Decimal(1)), btcusdt)
    assert refused.value.field == "client_order_id"


@pytest.mark.parametrize(
    "fields",
    [
        {"order_type": OrderType.LIMIT},
        {"order_type": OrderType.MARKET, "price": Decimal(1)},
        {"price": Decimal(1), "trigger_px": Decimal(1)},
        {"price": Decimal(1), "qty": None},
        {"order_type": OrderType.MARKET, "quote_qty": Decimal(5)},
    ],
)
def test_an_order_no_request_can_say_is_refused_naming_the_field(btcusdt: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        order_of(submit(**fields), btcusdt, Decimal(1))
    assert refused.value.field


@pytest.mark.parametrize(("force", "expected"), [(TimeInForce.IOC, "ioc"), (TimeInForce.FOK, "fok"), (None, "gtc")])
def test_the_time_in_force_is_said_in_small_letters(btcusdt: Any, force: TimeInForce | None, expected: str) -> None:
    assert order_of(submit(price=Decimal(1), time_in_force=force), btcusdt).force == expected


def test_a_maker_order_is_post_only(btcusdt: Any) -> None:
    assert order_of(submit(order_type=OrderType.LIMIT_MAKER, price=Decimal(1)), btcusdt).force == "post_only"


PREVIEWS: dict[str, dict[str, Any]] = {
    "/api/v2/spot/trade/place-plan-order": {
        "action": "create_order", "symbol": "BTC/USDT", "side": "sell", "order_type": "stop_loss", "qty": "0.005",
        "trigger_px": "96000",
    },
    "/api/v3/trade/place-strategy-order": {
        "action": "create_order", "symbol": "BTCUSDT", "side": "SELL", "order_type": "TAKE_PROFIT", "qty": "0.005",
        "trigger_px": "96000", "unified": True,
    },
    "/api/v2/spot/trade/place-order": {
        "action": "create_order", "symbol": "BTCUSDT", "side": "buy", "order_type": "market", "quote_qty": "100",
    },
    "/api/v2/spot/trade/cancel-order": {"action": "cancel_order", "symbol": "BTCUSDT", "orderId": "1"},
    "/api/v2/spot/trade/cancel-plan-order": {
        "action": "cancel_order", "symbol": "BTCUSDT", "client_order_id": "baaaaaaaaaaaaaaaa-s1",
    },
    "/api/v2/spot/trade/cancel-symbol-order": {"action": "cancel_all_orders", "symbol": "BTCUSDT"},
    "/api/v2/spot/trade/orderInfo": {"action": "fetch_order", "symbol": "BTCUSDT", "client_order_id": "x"},
    "/api/v2/spot/trade/current-plan-order": {"action": "fetch_open_plans"},
    "/api/v2/spot/market/candles": {"action": "fetch_candles", "symbol": "BTCUSDT", "interval": "1d"},
}  # fmt: skip


@pytest.mark.parametrize("path", PREVIEWS)
def test_a_wish_is_previewed_as_the_request_it_becomes(path: str) -> None:
    assert tools.preview(PREVIEWS[path])["path"] == path


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"action": "create_order", "symbol": "BTCUSDT", "side": "buy", "order_type": "market", "qty": "1"},
         "reference_px"),
        ({"action": "create_oco", "symbol": "BTCUSDT", "side": "SELL", "qty": "1",
          "take_profit": {"order_type": "LIMIT_MAKER", "price": "2"},
          "stop_loss": {"order_type": "STOP_LOSS", "trigger_px": "1"}}, "type"),
        ({"action": "cancel_order", "symbol": "BTCUSDT"}, "client_order_id"),
        ({"action": "fetch_candles", "symbol": "BTCUSDT", "interval": "7m"}, "interval"),
        ({"action": "dance"}, "action"),
    ],
)  # fmt: skip
def test_a_wish_that_no_request_can_say_is_refused_with_field_rule_and_fix(wish: dict[str, Any], field: str) -> None:
    line = tools.preview(wish)
    assert line["field"] == field
    assert line["rule"]
    assert line["fix"]
