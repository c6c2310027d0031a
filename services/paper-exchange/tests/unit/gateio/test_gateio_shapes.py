"""Answers and frames have the fields, and the kinds of values, that the recorded ones have."""

from collections.abc import Callable
from typing import Any

import pytest

Sample = Callable[[str], Any]
BTC = "BTC_USDT"


def shape(value: Any) -> Any:
    """Fields and kinds of values, without the values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def without(value: Any, *names: str) -> Any:
    return {name: inner for name, inner in value.items() if name not in names}


def test_the_public_calls_look_like_the_recorded_ones(desk: Any, sample: Sample) -> None:
    desk.move("98100")
    assert shape(desk.public("spot/time")) == shape(sample("rest.time"))
    assert shape(desk.public("spot/currencies")) == shape(sample("rest.currencies"))
    assert shape(desk.public("spot/tickers", currency_pair=BTC)) == shape(sample("rest.tickers"))
    assert shape(desk.public("spot/order_book", currency_pair=BTC, with_id="true")) == shape(sample("rest.order_book"))
    assert shape(desk.public("spot/trades", currency_pair=BTC)) == shape(sample("rest.trades"))
    assert shape(desk.public("spot/candlesticks", currency_pair=BTC)) == shape(sample("rest.candlesticks"))
    pair, recorded = desk.public("spot/currency_pairs")[0], sample("rest.currency_pairs")[0]
    assert pair.keys() == recorded.keys()


def test_candles_are_told_in_their_own_order(desk: Any) -> None:
    desk.move("98100")
    row = desk.public("spot/candlesticks", currency_pair=BTC, interval="1m", limit="1")[0]
    open_s, quote, close, high, low, opened, base, closed = row
    assert (int(open_s) % 60, close, high, closed) == (0, "98100", "98100", "false")
    assert float(quote) > float(base)
    assert float(low) <= float(opened)


def test_candles_take_a_limit_or_times_but_not_both(desk: Any) -> None:
    answer = desk.public("spot/candlesticks", **{"currency_pair": BTC, "limit": "5", "from": "1795000000"})
    assert answer["label"] == "INVALID_PARAM_VALUE"


@pytest.mark.parametrize(
    ("path", "query", "name"),
    [
        ("spot/accounts", {}, "rest.accounts"),
        ("spot/fee", {"currency_pair": BTC}, "rest.spot_fee"),
        ("spot/batch_fee", {"currency_pairs": "BTC_USDT,GT_USDT"}, "rest.batch_fee"),
        ("account/detail", {}, "rest.account_detail"),
    ],
)
def test_account_reads_look_like_the_recorded_ones(desk: Any, sample: Sample, path: str, query: Any, name: str) -> None:
    assert shape(desk.call("GET", path, **query)[1]) == shape(sample(name))


def test_orders_look_like_the_recorded_ones(desk: Any, sample: Sample) -> None:
    opened = desk.place(text="t-entry-0001", price="97000", time_in_force="gtc")
    assert shape(opened) == shape(sample("rest.order.open"))
    desk.move("97000")
    assert shape(desk.get(opened["id"])) == shape(sample("rest.order.closed_limit_buy"))
    assert shape(desk.market("sell", "0.001")) == shape(sample("rest.order.closed_market_sell"))
    row = desk.call("GET", "spot/my_trades", currency_pair=BTC)[1]
    assert shape(row) == shape(sample("rest.my_trades"))
    desk.place(price="96000")
    assert shape(desk.call("GET", "spot/open_orders")[1]) == shape(sample("rest.open_orders"))
    finished = desk.call("GET", "spot/orders", currency_pair=BTC, status="finished")[1]
    assert shape(finished) == shape(sample("rest.orders_finished"))


def test_an_answer_is_as_long_as_it_is_asked_to_be(desk: Any, sample: Sample) -> None:
    assert shape(desk.place(action_mode="ACK")) == shape(sample("rest.order.ack_mode"))
    result = desk.place(action_mode="RESULT", price="96000", amount="0.001")
    assert not {"fee", "gt_fee", "fee_currency"} & result.keys()
    assert {"status", "left", "finish_as"} <= result.keys()


def test_batches_look_like_the_recorded_ones(desk: Any, sample: Sample) -> None:
    placed = desk.call("POST", "spot/batch_orders", [desk.order(text="t-b1"), desk.order(text="t-b2", amount="1")])[1]
    assert [shape(row) for row in placed] == [shape(row) for row in sample("rest.batch_orders")]
    amended = desk.call(
        "POST", "spot/amend_batch_orders",
        [{"order_id": name, "currency_pair": BTC, "amount": "0.008"} for name in (placed[0]["id"], "99")],
    )[1]  # fmt: skip
    assert [shape(row) for row in amended] == [shape(row) for row in sample("rest.amend_batch_orders")]
    canceled = desk.call(
        "POST", "spot/cancel_batch_orders", [{"currency_pair": BTC, "id": name} for name in (placed[0]["id"], "99")]
    )[1]
    assert [shape(row) for row in canceled] == [shape(row) for row in sample("rest.cancel_batch_orders")]
    desk.place()
    assert shape(desk.call("DELETE", "spot/orders", currency_pair=BTC)[1]) == shape(sample("rest.cancel_all"))


def test_price_orders_look_like_the_recorded_ones(desk: Any, sample: Sample) -> None:
    answer = desk.call("POST", "spot/price_orders", desk.price_order())[1]
    assert shape(answer) == shape(sample("rest.price_order.create"))
    name = answer["id_string"]
    assert shape(desk.armed(name)) == shape(sample("rest.price_order.open"))
    assert shape(desk.call("GET", "spot/price_orders", status="open")[1]) == shape(sample("rest.price_orders.list"))
    desk.move("95900")
    assert shape(desk.armed(name)) == shape(sample("rest.price_order.finish"))
    assert shape(desk.call("POST", "wallet/transfers", transfer())[1]) == shape(sample("rest.transfer"))


def transfer() -> dict[str, str]:
    return {"currency": "USDT", "from": "spot", "to": "futures", "amount": "5", "settle": "usdt"}


def test_order_frames_look_like_the_recorded_ones(desk: Any, sample: Sample) -> None:
    order = desk.place(text="t-entry-0001")
    desk.exchange.fill(desk.account.orders["BTCUSDT", int(order["id"])], None, desk.now_ms)
    put, finish = desk.heard("spot.orders")
    recorded = sample("ws.orders.finish_filled")["result"][0]
    assert shape(put) == shape(finish) == shape(recorded)
    assert (put["event"], finish["event"], finish["finish_as"]) == ("put", "finish", "filled")
    assert shape(desk.heard("spot.orders_v2")[1]) == shape(
        without(sample("ws.orders_v2.finish")["result"][0], "slippage")
    )
    assert shape(desk.heard("spot.usertrades")[0]) == shape(sample("ws.usertrades")["result"][0])
    assert shape(desk.heard("spot.usertrades_v2")[0]) == shape(sample("ws.usertrades_v2")["result"][0])
    rows = desk.heard("spot.balances")
    assert {str(shape(row)) for row in rows} == {str(shape(sample("ws.balances.order_match")["result"][0]))}


@pytest.mark.parametrize("end", ["cancelled", "fired", "failed"])
def test_price_order_frames_look_like_the_recorded_ones(desk: Any, sample: Sample, end: str) -> None:
    name = desk.arm(amount="0.01" if end == "fired" else "2")
    if end == "cancelled":
        desk.call("DELETE", f"spot/price_orders/{name}")
    else:
        desk.move("95900")
    created, ended = desk.heard("spot.priceorders")
    for frame, recorded in ((created, "created"), (ended, end)):
        known = sample(f"ws.priceorders.{recorded}")["result"]
        assert shape(frame) == shape(known)
        assert bool(frame["fired_order_id"]) == bool(known["fired_order_id"])
        assert (frame["reason"], frame["err_msg"]) == (known["reason"], known["err_msg"])
    assert created["ftime"] == "-62135596800000"
    assert ended["ftime"] == str(desk.now_ms)
