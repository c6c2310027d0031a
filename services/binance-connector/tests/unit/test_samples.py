"""Every recorded sample is translated, or ignored for a reason that is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from binance_connector.tools import tools

FRAMES = Path(__file__).parent.parent / "frames"
NAMES = sorted(path.stem for path in FRAMES.glob("*.json"))
CONTEXT = {
    "symbol": "BTCUSDT",
    "interval": "1m",
    "ts_init_ms": 1795341700000,
    "client_order_ids": {"52000000002": "cat-7f3a0002"},
}
Line = dict[str, Any]


def translated(name: str, **more: Any) -> Line:
    value = json.loads((FRAMES / f"{name}.json").read_bytes())
    kind = name.replace("_", ".", 1)
    return tools.translate({"kind": kind, "raw": value, "account_id": "acc-1", "context": CONTEXT, **more})


ACCEPTED, FILLED, CANCELED, EXPIRED = "order.accepted", "order.filled", "order.canceled", "order.expired"
SNAPSHOT, LIST, TICKER, BALANCES = "order.snapshot", "order.list_status", "market.ticker", "balance.changed"

EXPECTED: dict[str, list[str]] = {
    "rest_account": [BALANCES, "key_check"],
    "rest_allOrderList": [LIST],
    "rest_allOrders": [SNAPSHOT] * 3,
    "rest_depth": ["market.depth"],
    "rest_exchangeInfo": ["instrument"] * 3 + ["rate_limit"] * 4,
    "rest_klines": ["market.candle"] * 2,
    "rest_myTrades": [FILLED] * 2,
    "rest_openOrderList": [LIST] * 2,
    "rest_openOrders_delete": [CANCELED, CANCELED, CANCELED, LIST],
    "rest_openOrders_get": [SNAPSHOT] * 3,
    "rest_orderList_delete": [CANCELED, CANCELED, LIST],
    "rest_orderList_get": [LIST],
    "rest_orderList_get_done": [LIST],
    "rest_orderList_oco_post": [ACCEPTED, ACCEPTED, LIST],
    "rest_orderList_oco_post_ack": [ACCEPTED, ACCEPTED, LIST],
    "rest_orderList_opoco_post": [ACCEPTED, ACCEPTED, ACCEPTED, LIST],
    "rest_orderList_oto_post": [ACCEPTED, ACCEPTED, LIST],
    "rest_orderList_otoco_post": [ACCEPTED, ACCEPTED, ACCEPTED, LIST],
    "rest_orderList_otoco_post_immediate_fill": [ACCEPTED, FILLED, ACCEPTED, ACCEPTED, LIST],
    "rest_order_amend_keepPriority": [SNAPSHOT],
    "rest_order_cancelReplace_partial_409_cancel_failed": [ACCEPTED],
    "rest_order_cancelReplace_partial_409_new_failed": [CANCELED],
    "rest_order_cancelReplace_success_200": [CANCELED, ACCEPTED],
    "rest_order_delete": [CANCELED],
    "rest_order_get_canceled_partial": [SNAPSHOT],
    "rest_order_get_expired_oco_leg": [SNAPSHOT],
    "rest_order_get_filled": [SNAPSHOT],
    "rest_order_get_new": [SNAPSHOT],
    "rest_order_get_partially_filled": [SNAPSHOT],
    "rest_order_get_pending_new": [SNAPSHOT],
    "rest_order_get_stop_untriggered": [SNAPSHOT],
    "rest_order_post_ack": [ACCEPTED],
    "rest_order_post_full_limit_resting": [ACCEPTED],
    "rest_order_post_full_market_expired_partial": [ACCEPTED, FILLED, EXPIRED],
    "rest_order_post_full_market_filled": [ACCEPTED, FILLED, FILLED],
    "rest_order_post_full_market_quoteOrderQty": [ACCEPTED, FILLED],
    "rest_order_post_pegged": [ACCEPTED],
    "rest_order_post_result": [ACCEPTED],
    "rest_order_post_stop_loss_limit_default_ack": [ACCEPTED],
    "rest_order_post_stop_loss_limit_result": [ACCEPTED],
    "rest_order_post_trailing_stop_result": [ACCEPTED],
    "rest_ticker_24hr": [TICKER],
    "rest_ticker_bookTicker": [TICKER],
    "rest_ticker_price": [TICKER],
    "rest_ticker_price_many": [TICKER] * 2,
    "rest_time": ["server_time"],
    "rest_trades": ["market.trade"] * 2,
    "stream_aggTrade": ["market.trade"],
    "stream_bookTicker": [TICKER],
    "stream_combined_wrapper": ["market.trade"],
    "stream_depth_diff": ["market.depth"],
    "stream_depth_partial5": ["market.depth"],
    "stream_kline": ["market.candle"],
    "stream_miniTicker": [TICKER],
    "stream_ticker": [TICKER],
    "stream_trade": ["market.trade"],
    "uds_balanceUpdate": ["balance.adjusted"],
    "uds_executionReport_canceled": [CANCELED],
    "uds_executionReport_expired_insufficient_liquidity": [EXPIRED],
    "uds_executionReport_market_new": [ACCEPTED],
    "uds_executionReport_market_trade_1": [FILLED],
    "uds_executionReport_market_trade_2_filled": [FILLED],
    "uds_executionReport_new": [ACCEPTED],
    "uds_executionReport_oco_stop_leg_expired": [EXPIRED],
    "uds_executionReport_otoco_pending_new": [ACCEPTED],
    "uds_executionReport_otoco_pending_rejected_at_release": [EXPIRED],
    "uds_executionReport_rejected_cancelReplace_new_leg": ["order.rejected"],
    "uds_executionReport_replaced_amend": [SNAPSHOT],
    "uds_executionReport_stop_new_not_working": [ACCEPTED],
    "uds_executionReport_trade_partial_maker": [FILLED],
    "uds_executionReport_trade_prevention": [EXPIRED],
    "uds_externalLockUpdate": ["balance.adjusted"],
    "uds_listStatus_oco_all_done": [LIST],
    "uds_listStatus_oco_exec_started": [LIST],
    "uds_listStatus_otoco_exec_started": [LIST],
    "uds_listStatus_updated_after_amend": [LIST],
    "uds_outboundAccountPosition": [BALANCES],
    "wsapi_orderList_place_oco_response": [ACCEPTED, ACCEPTED, LIST],
    "wsapi_order_cancel_response": [CANCELED],
    "wsapi_order_cancel_response_order_list": [CANCELED, CANCELED, LIST],
    "wsapi_order_place_response_ack": [ACCEPTED],
    "wsapi_order_place_response_full": [ACCEPTED, FILLED, FILLED],
    "wsapi_order_status_response": [SNAPSHOT],
    "wsapi_time_response": ["server_time"],
}
REFUSED = {
    "rest_error_single": "-1121",
    "rest_order_cancelReplace_failed_400": "-2022",
    "stream_error": "2",
    "wsapi_error_401_session_revoked": "-2015",
    "wsapi_error_418_banned": "-1003",
    "wsapi_error_429_too_many_orders": "-1015",
    "wsapi_order_place_response_error": "-2010",
    "wsapi_order_status_response_error": "-2013",
}


def test_there_is_a_frame_for_every_documented_sample() -> None:
    assert len(NAMES) == 134


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_translated_refused_or_ignored_for_a_reason(name: str) -> None:
    line = translated(name)
    assert "error" not in line
    assert [fact["type"] for fact in line["facts"]] == EXPECTED.get(name, [])
    if name in REFUSED:
        assert (line["outcome"]["kind"], line["outcome"]["code"]) == ("rejected", REFUSED[name])
    elif name not in EXPECTED and name != "rest_errors":
        assert line["outcome"]["kind"] == "ignored"
        assert line["ignored"]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_reads_the_same_as_text_as_base64_and_under_any_spelling_of_its_kind(name: str) -> None:
    text = (FRAMES / f"{name}.json").read_text()
    assert translated(name, raw=text, kind=name) == translated(name)
    assert translated(name, raw=text, kind="nothing we know") == translated(name)


def fact(name: str, index: int = 0) -> Line:
    told: Line = translated(name)["facts"][index]
    return told


def subset(whole: Line, **part: Any) -> bool:
    return {key: whole[key] for key in part} == part


def test_a_cancel_is_told_under_the_orders_own_id_not_the_cancels() -> None:
    canceled = fact("uds_executionReport_canceled")
    assert subset(canceled, client_order_id="cat-7f3a0001", status="CANCELED", cum_qty="0.002", avg_px="97000")
    assert fact("rest_order_delete")["client_order_id"] == "cat-7f3a0001"
    legs = translated("wsapi_order_cancel_response_order_list")["facts"]
    assert [leg["client_order_id"] for leg in legs] == ["cat-oco1-stop", "cat-oco1-tp", None]
    assert {leg["list_client_order_id"] for leg in legs} == {"cat-oco1"}


def test_a_fill_carries_its_fee_its_trade_and_the_running_total() -> None:
    assert fact("uds_executionReport_market_trade_2_filled") == {
        "type": "order.filled",
        "account_id": "acc-1",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "client_order_id": "cat-7f3a0002",
        "exchange_order_id": "52000000002",
        "side": "BUY",
        "order_type": "MARKET",
        "status": "FILLED",
        "qty": "0.01",
        "price": None,
        "cum_qty": "0.01",
        "avg_px": "98000.01669",
        "last_qty": "0.00669",
        "last_px": "98000.02",
        "trade_id": "5014567892",
        "fee": "0.00000669",
        "fee_asset": "BTC",
        "ts_event_ms": 1795341601250,
        "ts_init_ms": 1795341700000,
        "trigger_px": None,
        "list_client_order_id": None,
        "exchange_list_id": None,
    }


def test_a_full_reply_tells_the_same_fills_as_the_stream() -> None:
    facts = translated("rest_order_post_full_market_filled")["facts"]
    streamed = [
        fact("uds_executionReport_market_new"),
        fact("uds_executionReport_market_trade_1"),
        fact("uds_executionReport_market_trade_2_filled"),
    ]
    assert facts == streamed


def test_a_market_order_short_of_liquidity_ends_expired_with_what_it_filled() -> None:
    accepted, filled, expired = translated("rest_order_post_full_market_expired_partial")["facts"]
    assert subset(accepted, status="NEW", cum_qty="0")
    assert subset(filled, status="PARTIALLY_FILLED", cum_qty="400", fee="0.4", fee_asset="BAZ")
    assert subset(expired, status="EXPIRED", cum_qty="400", avg_px="10", reason="INSUFFICIENT_LIQUIDITY")
    assert fact("uds_executionReport_expired_insufficient_liquidity") == expired


def test_a_fee_may_be_taken_in_a_third_asset() -> None:
    filled = fact("rest_order_post_full_market_quoteOrderQty", 1)
    assert subset(filled, fee="0.00008421", fee_asset="BNB")


def test_the_loser_of_an_oco_is_expired_and_says_why() -> None:
    assert subset(fact("uds_executionReport_oco_stop_leg_expired"), reason="OCO_TRIGGER", exchange_list_id="880001")


def test_a_pending_leg_that_could_not_be_placed_is_expired_as_rejected() -> None:
    dead = fact("uds_executionReport_otoco_pending_rejected_at_release")
    assert subset(dead, status="EXPIRED", reason="REJECTED", cum_qty="0")


def test_a_pending_leg_is_accepted_and_new() -> None:
    assert subset(fact("uds_executionReport_otoco_pending_new"), status="NEW", trigger_px="96000")


def test_a_rejected_new_leg_says_its_category() -> None:
    assert fact("uds_executionReport_rejected_cancelReplace_new_leg")["category"] == "price_relation"


def test_a_prevented_trade_ends_the_order_as_expired() -> None:
    assert subset(fact("uds_executionReport_trade_prevention"), status="EXPIRED", reason="EXPIRED_IN_MATCH")


def test_an_amend_shows_the_smaller_order() -> None:
    assert subset(fact("uds_executionReport_replaced_amend"), qty="0.004", client_order_id="cat-7f3a0061")
    assert subset(fact("rest_order_amend_keepPriority"), qty="0.004", client_order_id="cat-7f3a0061", status="NEW")


def test_a_pegged_order_shows_its_real_price() -> None:
    assert fact("rest_order_post_pegged")["price"] == "98000"


def test_a_trade_of_my_trades_gets_its_client_id_from_the_context() -> None:
    first, second = translated("rest_myTrades")["facts"]
    assert subset(first, client_order_id="cat-7f3a0002", side="BUY", trade_id="5014567891", fee="0.00000331")
    assert (second["cum_qty"], second["status"]) == (None, None)


def test_list_legs_are_told_apart_by_their_client_ids() -> None:
    legs = {leg["client_order_id"]: leg for leg in translated("rest_orderList_oco_post")["facts"]}
    assert subset(legs["cat-oco1-stop"], trigger_px="96000", list_client_order_id="cat-oco1")
    assert subset(legs["cat-oco1-tp"], price="101000", trigger_px=None)
    assert fact("uds_listStatus_oco_all_done")["legs"] == ["cat-oco1-stop", "cat-oco1-tp"]


def test_positions_are_absolute_and_transfers_are_signed() -> None:
    position = fact("uds_outboundAccountPosition")
    assert position["balances"][0] == {"asset": "BTC", "free": "0.02519", "locked": "0.005"}
    assert subset(fact("uds_balanceUpdate"), delta="-250", reason="transfer", asset="USDT")
    assert subset(fact("uds_externalLockUpdate"), delta="0.01", reason="external_lock", asset="BTC")


def test_half_a_cancel_replace_is_partial_and_says_which_half() -> None:
    outcome = translated("rest_order_cancelReplace_partial_409_new_failed", http_status=409)["outcome"]
    assert subset(outcome, kind="partial", code="-2021", cancel_result="SUCCESS", category="price_relation")
    outcome = translated("rest_order_cancelReplace_partial_409_cancel_failed", http_status=409)["outcome"]
    assert subset(outcome, kind="partial", new_order_result="SUCCESS", category="not_found", retry="after_query")


def test_a_ban_says_how_long_to_wait() -> None:
    outcome = translated("wsapi_error_418_banned")["outcome"]
    assert subset(outcome, category="rate_limited", retry="after_wait", retry_after_ms=3_493_000)


def test_market_data_has_its_shape() -> None:
    assert subset(fact("stream_kline"), interval="1m", closed=True, close_px="98010.55", trades=301)
    assert subset(fact("stream_trade"), taker_side="BUY", trade_id="5014567890", px="98000.01")
    assert subset(fact("stream_depth_diff"), first_id=81234567891, last_id=81234567905)
    assert fact("stream_depth_diff")["bids"][1] == ["97990", "0"]
    assert subset(fact("stream_bookTicker"), bid_px="98000", ask_qty="0.331", last_px=None)
    assert subset(fact("rest_ticker_24hr"), last_px="98000.01", bid_px="98000", change_pct="1.292")
    assert [candle["closed"] for candle in translated("rest_klines")["facts"]] == [True, True]


def test_instruments_carry_every_filter_we_follow() -> None:
    bitcoin, _, closed = translated("rest_exchangeInfo")["facts"][:3]
    assert subset(
        bitcoin,
        tick_size="0.01", lot_size="0.00001", min_qty="0.00001", max_qty="9000", market_max_qty="96.3180251",
        min_notional="5", max_notional="9000000", market_min_notional="5", max_algo_orders=5, max_order_lists=20,
        max_orders=200, oco_allowed=True, tradable=True, base="BTC", quote="USDT",
    )  # fmt: skip
    assert closed["tradable"] is False
