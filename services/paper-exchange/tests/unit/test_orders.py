"""Single orders on the core: taking, resting, triggering, fees, self-trades."""

from decimal import Decimal
from typing import Any

import pytest

from paper_exchange.core.orders import OrderRequest


def last_reason(desk: Any) -> str:
    reasons: list[str] = [event["eR"] for event in desk.events if event.get("eR")]
    return reasons[-1]


def test_a_purchase_pays_its_fee_in_what_it_bought_and_a_sale_in_what_it_got(desk: Any) -> None:
    desk.buy(price="98100", quantity="0.01")
    desk.buy(side="SELL", price="97900", quantity="0.01")
    fees = [(fill["commission"], fill["commissionAsset"]) for fill in desk.call("GET", "myTrades", symbol="BTCUSDT")[1]]
    assert fees == [("0.00001000", "BTC"), ("0.97999990", "USDT")]


def test_fees_in_bnb_are_three_quarters_while_there_is_enough(a_desk: Any) -> None:
    desk = a_desk(USDT="10000", BNB="0.001")
    desk.account.pays_with_discount_asset = True
    desk.buy(price="98100", quantity="0.01")
    desk.buy(price="98100", quantity="0.01")
    assets = [fill["commissionAsset"] for fill in desk.call("GET", "myTrades", symbol="BTCUSDT")[1]]
    # 0.00001 BTC at 98,000 and 890 USDT per BNB is 0.0011011 BNB, three quarters of it 0.00082584.
    assert assets == ["BNB", "BTC"]
    assert desk.account.balance("BNB").free == Decimal("0.00017416")


def test_a_resting_purchase_locks_its_value_until_it_ends(desk: Any) -> None:
    desk.buy()
    assert desk.account.balance("USDT").locked == Decimal(485)
    desk.call("DELETE", "order", symbol="BTCUSDT", orderId=1)
    assert desk.account.balance("USDT").locked == 0


def test_a_market_order_beyond_the_book_expires_with_what_it_got(a_desk: Any) -> None:
    desk = a_desk(USDT="90000000")
    _, body = desk.call("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="90")
    assert body["status"] == "EXPIRED"
    assert body["expiryReason"] == "INSUFFICIENT_LIQUIDITY"
    assert 0 < Decimal(body["executedQty"]) < 90
    assert desk.events[-2]["X"] == "EXPIRED"


@pytest.mark.parametrize(("tif", "executed"), [("IOC", True), ("FOK", False)])
def test_immediate_orders_expire_with_their_reason(a_desk: Any, tif: str, executed: bool) -> None:
    desk = a_desk(USDT="90000000")
    _, body = desk.buy(timeInForce=tif, price="98001", quantity="50")
    assert (body["status"], Decimal(body["executedQty"]) > 0) == ("EXPIRED", executed)
    assert last_reason(desk).startswith(f"UNFILLED_{tif}")


def test_a_quote_quantity_is_spent_up_to_the_lot(desk: Any) -> None:
    _, body = desk.call("POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quoteOrderQty="100")
    assert (body["status"], body["origQty"], body["origQuoteOrderQty"]) == ("FILLED", "0.00102000", "100.00000000")


def test_a_large_order_takes_level_after_level(a_desk: Any) -> None:
    desk = a_desk(USDT="900000")
    _, body = desk.buy(price="98100", quantity="1")
    prices = [Decimal(fill["price"]) for fill in body["fills"]]
    assert len(prices) > 1
    assert prices == sorted(prices)


@pytest.mark.parametrize(
    ("side", "kind", "stop", "at"),
    [
        ("SELL", "STOP_LOSS", "97000", "97000"),
        ("BUY", "STOP_LOSS", "99000", "99000"),
        ("SELL", "TAKE_PROFIT", "99000", "99000"),
        ("BUY", "TAKE_PROFIT", "97000", "97000"),
    ],
)
def test_a_stop_fires_when_the_last_price_touches_it(desk: Any, side: str, kind: str, stop: str, at: str) -> None:
    params = {"symbol": "BTCUSDT", "side": side, "type": kind, "quantity": "0.01", "stopPrice": stop}
    assert desk.call("POST", "order", **params)[0] == 200
    assert desk.call("GET", "openOrders")[1][0]["workingTime"] == -1
    desk.move(at)
    assert desk.statuses() == ["FILLED"]


def test_a_trader_never_trades_with_itself(desk: Any) -> None:
    desk.buy(price="97999.99", newClientOrderId="maker")
    desk.events.clear()
    desk.buy(side="SELL", price="97999.99", newClientOrderId="taker")
    prevented = next(event for event in desk.events if event.get("x") == "TRADE_PREVENTION")
    assert (prevented["c"], prevented["X"], prevented["U"]) == ("maker", "EXPIRED_IN_MATCH", 2)
    assert desk.statuses() == ["EXPIRED_IN_MATCH", "FILLED"]


def test_two_traders_trade_with_each_other_at_the_makers_price(desk: Any) -> None:
    desk.buy(price="98000", newClientOrderId="maker")
    other = desk.exchange.open_account(7, {"BTC": Decimal(1)}, desk.now_ms)
    sale = OrderRequest("sale", "SELL", "LIMIT", Decimal("0.005"), Decimal(97990))
    sold = desk.exchange.place(other.uid, "BTCUSDT", sale, desk.now_ms)
    assert (sold.fills[0].px, sold.fills[0].is_maker) == (Decimal(98000), False)
    assert desk.account.orders["BTCUSDT", 1].fills[0].is_maker


def test_a_client_id_is_free_again_once_its_order_has_ended(desk: Any) -> None:
    desk.buy(price="98100", newClientOrderId="same")
    status, body = desk.buy(newClientOrderId="same")
    assert (status, body["orderId"]) == (200, 2)
    assert desk.call("GET", "order", symbol="BTCUSDT", origClientOrderId="same")[1]["orderId"] == 2


def test_ids_count_per_symbol(desk: Any) -> None:
    desk.buy()
    _, body = desk.buy(symbol="ETHUSDT", price="3400", quantity="0.1")
    assert body["orderId"] == 1


def test_the_same_seed_and_commands_give_the_same_market(a_desk: Any) -> None:
    def history() -> list[Any]:
        desk = a_desk()
        for _ in range(50):
            desk.now_ms += 500
            desk.exchange.step("BTCUSDT", desk.now_ms)
        return [(trade.px, trade.qty) for trade in desk.exchange.markets["BTCUSDT"].tape]

    assert history() == history()


def test_cancel_replace_that_cannot_place_says_that_the_old_order_is_gone(desk: Any) -> None:
    desk.buy(newClientOrderId="old")
    params = {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old", "symbol": "BTCUSDT"}
    order = {"side": "BUY", "type": "LIMIT_MAKER", "quantity": "0.005", "price": "99000"}
    status, body = desk.call("POST", "order/cancelReplace", **params, **order)
    assert (status, body["code"], body["data"]["cancelResult"], body["data"]["newOrderResult"]) == (
        409, -2021, "SUCCESS", "FAILURE",
    )  # fmt: skip
    status, body = desk.call("POST", "order/cancelReplace", **params, **order)
    assert (status, body["code"], body["data"]["newOrderResult"]) == (400, -2022, "NOT_ATTEMPTED")


def test_filling_a_resting_order_brings_the_market_to_its_price(desk: Any) -> None:
    desk.buy(price="97000")
    desk.exchange.fill(desk.account.orders["BTCUSDT", 1], Decimal("0.001"), desk.now_ms)
    book = desk.public("ticker/bookTicker", symbol="BTCUSDT")
    assert (book["bidPrice"], book["bidQty"], book["askPrice"]) == ("97000.00000000", "0.00400000", "97000.01000000")
    assert desk.public("ticker/price", symbol="BTCUSDT")["price"] == "97000.00000000"


def test_a_pair_whose_limit_leg_would_trade_at_once_is_refused(desk: Any) -> None:
    other = desk.exchange.open_account(7, {"USDT": Decimal(100_000)}, desk.now_ms)
    bid = OrderRequest("bid", "BUY", "LIMIT", Decimal("0.01"), Decimal(98000))
    desk.exchange.place(other.uid, "BTCUSDT", bid, desk.now_ms)
    desk.exchange.markets["BTCUSDT"].last = Decimal(97990)
    assert desk.oco(abovePrice="97995")[1]["msg"] == "Order would immediately match and take."
