"""Every documented refusal that applies here, word for word."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from paper_exchange.binance.limits import Limits

Action = Callable[[Any], Any]

STOP = {"type": "STOP_LOSS_LIMIT", "side": "SELL", "price": "95900", "stopPrice": "96000"}


def _with_five_stops(desk: Any) -> Any:
    for _ in range(5):
        assert desk.buy(**STOP)[0] == 200
    return desk.buy(**STOP)


def _after_filling(desk: Any) -> Any:
    desk.buy(newClientOrderId="a")
    desk.move("97000")
    return desk.call("DELETE", "order", symbol="BTCUSDT", origClientOrderId="a")


def _restricted(desk: Any) -> Any:
    desk.buy(newClientOrderId="a")
    params = {"symbol": "BTCUSDT", "origClientOrderId": "a", "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}
    return desk.call("DELETE", "order", **params)


def _two_alike(desk: Any) -> Any:
    desk.buy(newClientOrderId="a")
    return desk.buy(newClientOrderId="a")


def _mismatched(desk: Any) -> Any:
    desk.buy(newClientOrderId="a")
    return desk.call("GET", "order", symbol="BTCUSDT", orderId=1, origClientOrderId="b")


def _closed(desk: Any) -> Any:
    desk.exchange.markets["BTCUSDT"].is_open = False
    return desk.buy()


def _answer(reply: Any) -> tuple[int, Any]:
    return reply.status, json.loads(reply.body)


def _wrong_signature(desk: Any) -> Any:
    return _answer(desk.raw("GET", "/api/v3/account", f"timestamp={desk.now_ms}&signature={'0' * 64}"))


def _over_weight(desk: Any) -> Any:
    return [desk.call("GET", "openOrders") for _ in range(76)][-1]


def _over_orders(desk: Any) -> Any:
    desk.face.meter.count_orders(desk.uid, 100, desk.now_ms)
    return desk.buy()


CASES: dict[str, Action] = {
    "quantity off step / below min / above max": lambda desk: desk.buy(quantity="0.000015"),
    "price or stopPrice off tick": lambda desk: desk.buy(price="97000.001"),
    "price*quantity outside min/max notional": lambda desk: desk.buy(quantity="0.00001"),
    "price too far from reference/average": lambda desk: desk.buy(price="1000", quantity="1"),
    "MARKET quantity above maxQty": lambda desk: desk.call(
        "POST", "order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="97"
    ),
    "too many open stop/take-profit orders": _with_five_stops,
    "client clock behind or slow network": lambda desk: desk.buy(timestamp=desk.now_ms - 5001),
    "client clock ahead": lambda desk: desk.buy(timestamp=desk.now_ms + 1000),
    "bad signature / wrong encoding order": _wrong_signature,
    "bad client id": lambda desk: desk.buy(newClientOrderId="a.b"),
    "scientific notation or locale comma": lambda desk: desk.buy(quantity="1E-3"),
    "LIMIT without TIF": lambda desk: desk.call(
        "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT", quantity="1", price="97000"
    ),
    "GET/DELETE order without id": lambda desk: desk.call("GET", "order", symbol="BTCUSDT"),
    "TIF on MARKET / LIMIT_MAKER": lambda desk: desk.buy(type="LIMIT_MAKER"),
    "more decimals than the asset precision": lambda desk: desk.buy(quantity="0.123456789"),
    "unknown symbol": lambda desk: desk.buy(symbol="NOPE"),
    "not enough free balance": lambda desk: desk.buy(quantity="1"),
    "newClientOrderId equal to that of a still-open order": _two_alike,
    "LIMIT_MAKER crosses": lambda desk: desk.call(
        "POST", "order", symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.005", price="99000"
    ),
    "stopPrice already reached": lambda desk: desk.buy(**{**STOP, "stopPrice": "99000"}),
    "OCO price order wrong": lambda desk: desk.oco(abovePrice="97000"),
    "symbol not TRADING": _closed,
    "cancel of an unknown or already terminal order": _after_filling,
    "cancelRestrictions not met": _restricted,
    "query of unknown order (or not yet visible)": lambda desk: desk.call("GET", "order", symbol="BTCUSDT", orderId=9),
    "orderId and origClientOrderId do not belong together": _mismatched,
    "missing/malformed X-MBX-APIKEY": lambda desk: _answer(desk.raw("GET", "/api/v3/account", desk.signed(), None)),
    "bad key, IP not whitelisted, no TRADE permission": lambda desk: _answer(
        desk.raw("GET", "/api/v3/account", desk.signed(), "x" * 64)
    ),
    "weight exceeded; Retry-After header in seconds": _over_weight,
    "unfilled order count exceeded": _over_orders,
}


@pytest.mark.parametrize("when", CASES)
def test_a_refusal_is_word_for_word(when: str, desk: Any, frame: Callable[[str], Any]) -> None:
    documented = next(row for row in frame("rest_errors") if row["when"] == when)
    status, body = CASES[when](desk)
    assert (status, body) == (documented["http_status"], documented["body"])


def test_an_unread_parameter_is_counted(desk: Any) -> None:
    # Six of the order, timestamp and signature are read; `foo` is not.
    assert desk.buy(foo="bar") == (
        400,
        {"code": -1104, "msg": "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."},
    )


def test_otoco_has_no_pending_time_in_force(desk: Any) -> None:
    assert desk.otoco(pendingTimeInForce="GTC")[1]["code"] == -1104


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aboveType": "LIMIT", "aboveTimeInForce": "GTC"}, -1158),
        ({"aboveType": "STOP_LOSS", "aboveStopPrice": "101000", "abovePrice": None}, -1197),
        (
            {
                "belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None,
                "aboveType": "TAKE_PROFIT", "aboveStopPrice": "101000", "abovePrice": None,
            },
            -1166,
        ),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None}, -1168),
        ({"belowType": "TAKE_PROFIT_LIMIT"}, -1199),
        ({"belowTimeInForce": None}, -1102),
        ({"side": "HOLD"}, -1117),
        ({"aboveType": "MAGIC"}, -1116),
        ({"trailingDelta": "10"}, -1104),
        ({"belowTrailingDelta": "10"}, -2010),
    ],
)  # fmt: skip
def test_a_pair_of_the_wrong_shape_is_refused(desk: Any, changed: dict[str, Any], code: int) -> None:
    params = {"abovePrice": "101000", "belowStopPrice": "96000", "belowTimeInForce": "GTC", "aboveType": "LIMIT_MAKER"}
    wanted = {"belowType": "STOP_LOSS_LIMIT", "belowPrice": "95900"} | params | changed
    pair = {name: value for name, value in wanted.items() if value is not None}
    status, body = desk.call(
        "POST", "orderList/oco", **{"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.005"} | pair
    )
    assert (status, body["code"]) == (400, code)


def test_a_removed_endpoint_answers_410_in_html(desk: Any) -> None:
    reply = desk.raw("POST", "/api/v3/userDataStream")
    assert (reply.status, reply.content_type) == (410, "text/html")


def test_an_unknown_path_answers_404(desk: Any) -> None:
    assert desk.raw("GET", "/api/v3/nothing").status == 404


def test_a_repeated_parameter_is_refused(desk: Any) -> None:
    assert json.loads(desk.raw("GET", "/api/v3/depth", "symbol=BTCUSDT&symbol=BTCUSDT").body)["code"] == -1101


def test_a_revoked_key_is_unknown(desk: Any) -> None:
    desk.face.keys.revoke(desk.uid)
    assert desk.buy() == (401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})


def test_placing_and_canceling_cost_weight_only_when_they_fail(desk: Any) -> None:
    used = desk.face.meter.used_weight("127.0.0.1", desk.now_ms)
    desk.buy()
    assert desk.face.meter.used_weight("127.0.0.1", desk.now_ms) == used
    desk.buy(quantity="1")
    assert desk.face.meter.used_weight("127.0.0.1", desk.now_ms) == used + 1


def test_order_counts_ride_on_successful_placements_and_begin_anew_after_ten_seconds(desk: Any) -> None:
    assert desk.raw("POST", "/api/v3/orderList/oco", desk.signed(symbol="BTCUSDT")).headers.keys() == {
        "x-mbx-used-weight",
        "x-mbx-used-weight-1m",
    }
    desk.oco()
    assert desk.face.meter.order_counts(desk.uid, desk.now_ms) == (2, 2)
    assert desk.face.meter.order_counts(desk.uid, desk.now_ms + 10_000) == (0, 2)


def test_a_wait_is_said_in_seconds(desk: Any) -> None:
    desk.now_ms += 59_500
    desk.face.meter.limits = Limits(weight_per_minute=1)
    reply = desk.raw("GET", "/api/v3/account", desk.signed())
    assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
