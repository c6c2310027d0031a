"""Every recorded sample is translated, refused by its code, or ignored for a reason that is said."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from mexc_connector.tools import tools

FRAMES = Path(__file__).parent.parent / "frames"
NAMES = sorted(path.stem for path in FRAMES.glob("*.json"))
PUSHES = [name for name in NAMES if "protobuf_base64" in json.loads((FRAMES / f"{name}.json").read_bytes())]
CONTEXT = {"symbol": "BTCUSDT", "interval": "5m", "ts_init_ms": 1795341700000}
Line = dict[str, Any]

ACCEPTED, FILLED, CANCELED, SNAPSHOT = "order.accepted", "order.filled", "order.canceled", "order.snapshot"
BALANCES, TICKER, TRADE, DEPTH, CANDLE = (
    "balance.changed", "market.ticker", "market.trade", "market.depth", "market.candle",
)  # fmt: skip

EXPECTED: dict[str, list[str]] = {
    "rest_account": [BALANCES, "key_check"],
    "rest_aggTrades": [TRADE] * 2,
    "rest_allOrders": [SNAPSHOT],
    "rest_apiKeyInfo": ["key_check"],
    "rest_batchOrders_mixed": [ACCEPTED, "order.rejected"],
    "rest_batchOrders_ok": [ACCEPTED] * 2,
    "rest_depth": [DEPTH],
    "rest_exchangeInfo": ["instrument"] * 2,
    "rest_klines": [CANDLE] * 2,
    "rest_myTrades": [FILLED] * 2,
    "rest_openOrders": [SNAPSHOT] * 2,
    "rest_order_ack_limit": [ACCEPTED],
    "rest_order_ack_market": [ACCEPTED],
    "rest_order_get_canceled": [SNAPSHOT],
    "rest_order_get_filled": [SNAPSHOT],
    "rest_order_get_market_sell_filled": [SNAPSHOT],
    "rest_order_get_new": [SNAPSHOT],
    "rest_order_get_partially_canceled": [SNAPSHOT],
    "rest_order_get_partially_filled": [SNAPSHOT],
    "rest_order_get_stp_canceled": [SNAPSHOT],
    "rest_ticker_24hr": [TICKER],
    "rest_ticker_bookTicker": [TICKER],
    "rest_ticker_price": [TICKER],
    "rest_time": ["server_time"],
    "rest_trades": [TRADE] * 2,
    "scenario_tp1_partial_then_stop": [FILLED, SNAPSHOT, CANCELED, BALANCES, ACCEPTED],
    "ws_private_account_docs": [BALANCES],
    "ws_private_account_entrust_cancel": [BALANCES],
    "ws_private_account_entrust_place": [BALANCES],
    "ws_private_deals_docs": [FILLED],
    "ws_private_deals_maker_sell": [FILLED],
    "ws_private_orders_canceled": [CANCELED],
    "ws_private_orders_filled": [SNAPSHOT],
    "ws_private_orders_market_sell_filled_docs": [SNAPSHOT],
    "ws_private_orders_market_sell_partially_canceled": [CANCELED],
    "ws_private_orders_new": [ACCEPTED],
    "ws_private_orders_partially_canceled": [CANCELED],
    "ws_private_orders_partially_filled": [SNAPSHOT],
    "ws_public_aggre_bookTicker": [TICKER],
    "ws_public_aggre_deals": [TRADE],
    "ws_public_aggre_deals_2026_tradeId": [TRADE],
    "ws_public_aggre_depth": [DEPTH],
    "ws_public_bookTicker_batch": [TICKER],
    "ws_public_kline": [CANDLE],
    "ws_public_limit_depth": [DEPTH],
    "ws_public_miniTicker": [TICKER],
}
REFUSED = {
    "rest_error_agg_window": "bad_request",
    "rest_error_bad_api_key": "auth",
    "rest_error_bad_content_type": "bad_request",
    "rest_error_bad_signature": "auth",
    "rest_error_bad_timestamp": "clock",
    "rest_error_insufficient_balance": "insufficient_balance",
    "rest_error_invalid_symbol": "invalid_symbol",
    "rest_error_invalid_type": "bad_request",
    "rest_error_market_disabled": "market_closed",
    "rest_error_min_notional": "filter",
    "rest_error_missing_order_id": "bad_request",
    "rest_error_oversold": "insufficient_balance",
    "rest_error_param_combination": "bad_request",
    "rest_error_price_band": "price_relation",
    "rest_error_rate_limit": "rate_limited",
    "rest_error_symbol_not_api": "invalid_symbol",
    "rest_error_unknown_order_cancel": "not_found",
}
TAKEN = {name for name in NAMES if "cancel" in name and name.startswith("rest_o") and "_get_" not in name}


def translated(name: str, **more: Any) -> Line:
    value = json.loads((FRAMES / f"{name}.json").read_bytes())
    return tools.translate(
        {"kind": name.replace("_", ".", 1), "raw": value, "account_id": "acc-1", "context": CONTEXT, **more}
    )


def test_there_is_a_frame_for_every_documented_sample() -> None:
    assert len(NAMES) == 94


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_translated_refused_or_ignored_for_a_reason(name: str) -> None:
    line = translated(name)
    assert "error" not in line
    assert [fact["type"] for fact in line["facts"]] == EXPECTED.get(name, [])
    if name in REFUSED:
        assert (line["outcome"]["kind"], line["outcome"]["category"]) == ("rejected", REFUSED[name])
    elif name == "rest_error_maintenance":
        assert (line["outcome"]["kind"], line["outcome"]["retry"]) == ("unknown", "after_query")
    elif name not in EXPECTED:
        assert line["outcome"]["kind"] == ("accepted" if name in TAKEN else "ignored")
        assert line["ignored"]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_reads_the_same_as_text_and_under_any_spelling_of_its_kind(name: str) -> None:
    text = (FRAMES / f"{name}.json").read_text()
    assert translated(name, raw=text, kind=name) == translated(name)
    assert translated(name, raw=text, kind="nothing we know") == translated(name)


@pytest.mark.parametrize("name", PUSHES)
def test_a_push_reads_the_same_in_binary_and_decoded(name: str) -> None:
    value = json.loads((FRAMES / f"{name}.json").read_bytes())
    line = {"kind": name, "account_id": "acc-1", "context": CONTEXT}
    assert tools.translate({**line, "raw_base64": value["protobuf_base64"]}) == translated(name)
    assert tools.translate({**line, "raw": value["json"]}) == translated(name)


def fact(name: str) -> Line:
    return dict(translated(name)["facts"][0])


def test_a_partly_cancelled_order_has_ended_with_what_it_filled() -> None:
    for name in ("rest_order_get_partially_canceled", "ws_private_orders_partially_canceled"):
        told = fact(name)
        assert (told["status"], told["cum_qty"], told["avg_px"]) == ("CANCELED", "8", "3.9")


def test_a_market_orders_price_is_never_told_as_one() -> None:
    for name in ("rest_order_ack_market", "rest_order_get_market_sell_filled"):
        assert fact(name)["price"] is None
    assert fact("rest_order_get_market_sell_filled")["avg_px"] == "3.499"
    docs = fact("ws_private_orders_market_sell_filled_docs")
    assert (docs["price"], docs["avg_px"], docs["client_order_id"]) == (None, "3.6962", None)


def test_a_deal_tells_its_trade_its_fee_and_its_own_time() -> None:
    told = fact("ws_private_deals_docs")
    assert (told["trade_id"], told["fee_asset"]) == ("505979017439002624X1", "MX")
    assert told["fee"] == "0.0003998377369698171"
    assert told["ts_event_ms"] == 1736417034280


def test_an_order_push_happened_when_it_was_sent_not_when_the_order_was_made() -> None:
    assert fact("ws_private_orders_canceled")["ts_event_ms"] == 1736418100010


def test_the_amount_of_an_account_push_is_free_not_total() -> None:
    told = fact("ws_private_account_entrust_place")
    assert told["balances"] == [{"asset": "MX", "free": "20", "locked": "20"}]


def test_a_candles_window_is_told_in_milliseconds_and_its_volume_in_base() -> None:
    told = fact("ws_public_kline")
    assert (told["open_ms"], told["close_ms"], told["interval"]) == (1736410500000, 1736411400000, "15m")
    assert (told["volume"], told["quote_volume"]) == ("36.83803224", "3424811.05")


def test_a_change_in_percent_is_not_the_fraction_on_the_wire() -> None:
    assert fact("rest_ticker_24hr")["change_pct"] == "-0.55"
    mini = fact("ws_public_miniTicker")
    assert (mini["change_pct"], mini["volume"], mini["quote_volume"]) == ("-1.59", "54907.58", "8996.36581")


def test_minima_are_read_from_fields_that_are_called_precisions() -> None:
    btc, metal = translated("rest_exchangeInfo")["facts"]
    assert (btc["tradable"], metal["tradable"]) == (False, True)
    assert (metal["lot_size"], metal["min_qty"], metal["tick_size"]) == ("0.01", "0.1", "0.00001")
    assert (metal["min_notional"], metal["max_notional"]) == ("1", "2000000")


def test_a_failure_is_told_as_the_fact_it_would_have_become() -> None:
    more = {"context": {**CONTEXT, "client_order_id": "b-e1"}}
    rejected = translated("rest_error_insufficient_balance", **more)["facts"][0]
    assert (rejected["type"], rejected["category"]) == ("order.rejected", "insufficient_balance")
    assert translated("rest_error_maintenance", **more)["facts"][0]["type"] == "order.unknown"


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"raw": None},
        {"raw": "<html>"},
        {"raw": 5},
        {"raw_base64": "?"},
        {"raw_base64": base64.b64encode(b"\x0a\xff").decode()},
        {"raw": {"privateOrders": 1}},
        {"raw": {"channel": 5}},
        {"raw": {"channel": "spot@private.orders.v3.api.pb", "privateOrders": {"status": 9}}},
        {"raw": {"orderId": None}},
        {"raw": {"orderId": "C02__1", "symbol": "MXUSDT", "status": "UNHEARD_OF", "type": "LIMIT"}},
        {"raw": {"http_status": True, "body": {}}},
        {"raw": {"steps": [1]}},
        {"raw": "", "context": 3},
    ],
)
def test_what_nobody_can_read_is_an_error_and_never_an_exception(line: Line) -> None:
    assert tools.translate(line)["error"]


def test_a_page_of_the_firewall_is_unknown() -> None:
    line = tools.translate({"raw": "<html>blocked</html>", "http_status": 403})
    assert line["outcome"] == {"kind": "unknown", "code": "http-403", "category": None, "retry": "after_query"}
