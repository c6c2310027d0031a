"""Every recorded sample is translated, or ignored for a reason that is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateio_connector.tools import tools

FRAMES = Path(__file__).parent.parent / "frames"
NAMES = sorted(path.stem for path in FRAMES.glob("*.json"))
CONTEXT = {"symbol": "BTCUSDT", "interval": "1h", "ts_init_ms": 1_795_341_700_000}
STATUSES = {
    "rest.error.invalid_signature": 401, "rest.error.invalid_key": 401, "rest.error.missing_header": 401,
    "rest.error.read_only": 403, "rest.error.ip_forbidden": 403, "rest.error.too_many_requests": 429,
    "rest.error.invalid_pair": 400, "rest.error.order_closed": 400, "rest.error.order_cancelled": 400,
    "rest.error.fok_not_fill": 400, "rest.error.bad_text": 400, "rest.error.internal": 500,
    "rest.error.gateway_html": 502,
}  # fmt: skip
Line = dict[str, Any]

ACCEPTED, FILLED, CANCELED, EXPIRED = "order.accepted", "order.filled", "order.canceled", "order.expired"
SNAPSHOT, TRIGGERED, REJECTED, BALANCES = "order.snapshot", "order.triggered", "order.rejected", "balance.changed"
TICKER, CANDLE, TRADE, DEPTH = "market.ticker", "market.candle", "market.trade", "market.depth"

EXPECTED: dict[str, list[str]] = {
    "rest.accounts": [BALANCES],
    "rest.amend_batch_orders": [SNAPSHOT],
    "rest.batch_orders": [SNAPSHOT],
    "rest.cancel_all": [CANCELED],
    "rest.candlesticks": [CANDLE] * 2,
    "rest.currency_pairs": ["instrument"] * 3,
    "rest.my_trades": [FILLED] * 2,
    "rest.my_trades_gt_fee": [FILLED],
    "rest.open_orders": [SNAPSHOT] * 2,
    "rest.order.cancelled_partial": [ACCEPTED, CANCELED],
    "rest.order.closed_limit_buy": [ACCEPTED, SNAPSHOT],
    "rest.order.closed_market_buy": [ACCEPTED, SNAPSHOT],
    "rest.order.closed_market_sell": [ACCEPTED, SNAPSHOT],
    "rest.order.ioc_partial": [ACCEPTED, EXPIRED],
    "rest.order.ioc_unfilled": [ACCEPTED, EXPIRED],
    "rest.order.open": [ACCEPTED],
    "rest.order.partially_filled": [ACCEPTED, SNAPSHOT],
    "rest.order.stp_result_mode": [ACCEPTED, CANCELED],
    "rest.order.with_tpsl": [ACCEPTED],
    "rest.order_book": [DEPTH],
    "rest.orders_finished": [SNAPSHOT],
    "rest.price_order.cancelled": [CANCELED],
    "rest.price_order.expired": [EXPIRED],
    "rest.price_order.failed": [EXPIRED],
    "rest.price_order.finish": [TRIGGERED],
    "rest.price_order.market_type": [SNAPSHOT],
    "rest.price_order.open": [SNAPSHOT],
    "rest.price_orders.list": [SNAPSHOT] * 2,
    "rest.tickers": [TICKER],
    "rest.time": ["server_time"],
    "rest.trades": [TRADE],
    "ws.balances.order_create": [BALANCES],
    "ws.balances.order_match": [BALANCES],
    "ws.book_ticker": [TICKER],
    "ws.candlesticks": [CANDLE],
    "ws.obu.delta": [DEPTH],
    "ws.obu.full": [DEPTH],
    "ws.order_book": [DEPTH],
    "ws.order_book_update.delta": [DEPTH],
    "ws.order_book_update.full": [DEPTH],
    "ws.orders.finish_cancelled": [CANCELED],
    "ws.orders.finish_filled": [SNAPSHOT],
    "ws.orders.finish_ioc": [EXPIRED],
    "ws.orders.finish_poc": [REJECTED],
    "ws.orders.fired_order_put": [ACCEPTED],
    "ws.orders.put": [ACCEPTED],
    "ws.orders_v2.finish": [SNAPSHOT],
    "ws.tickers": [TICKER],
    "ws.trades": [TRADE],
    "ws.usertrades": [FILLED],
    "ws.usertrades_v2": [FILLED],
    "wsapi.order_place_result": [ACCEPTED],
}
CATEGORIES = {
    "rest.error.invalid_signature": "auth", "rest.error.invalid_key": "auth", "rest.error.missing_header": "auth",
    "rest.error.read_only": "permission", "rest.error.ip_forbidden": "auth",
    "rest.error.too_many_requests": "rate_limited", "rest.error.invalid_pair": "invalid_symbol",
    "rest.error.order_closed": "already_closed", "rest.error.order_cancelled": "already_closed",
    "rest.error.fok_not_fill": "unclassified", "rest.error.bad_text": "bad_request", "rest.error.internal": None,
    "rest.error.gateway_html": None, "ws.auth_error": "auth", "ws.subscribe_error": "bad_request",
    "wsapi.login_error": "auth", "wsapi.rate_limited": "rate_limited",
}  # fmt: skip


def translated(name: str, kind: str | None = None, **context: Any) -> Line:
    value = json.loads((FRAMES / f"{name}.json").read_bytes())
    line = {"kind": kind or name, "raw": value, "account_id": "acc-1", "http_status": STATUSES.get(name)}
    return tools.translate({**line, "context": CONTEXT | context})


def fact(name: str, number: int = -1) -> Line:
    return translated(name)["facts"][number]  # type: ignore[no-any-return]


def has(fact: Line, **fields: Any) -> bool:
    return fields == {name: fact[name] for name in fields}


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_translated_or_ignored_with_a_reason(name: str) -> None:
    line = translated(name)
    assert "error" not in line
    assert [told["type"] for told in line["facts"]] == EXPECTED.get(name, [])
    if not line["facts"] and name not in CATEGORIES:
        assert line["ignored"]


@pytest.mark.parametrize("name", NAMES)
def test_the_kind_is_a_hint_with_either_separator(name: str) -> None:
    assert translated(name, name.replace(".", "_")) == translated(name)


@pytest.mark.parametrize(("name", "category"), CATEGORIES.items())
def test_errors_are_classified_by_their_label(name: str, category: str | None) -> None:
    outcome = translated(name)["outcome"]
    assert (outcome["kind"], outcome["category"]) == ("rejected" if category else "unknown", category)


def test_our_id_is_what_stands_behind_the_prefix() -> None:
    assert fact("ws.orders.put")["client_order_id"] == "testtext"
    assert fact("ws.orders.fired_order_put")["client_order_id"] is None


def test_a_fee_is_taken_from_what_is_bought_or_from_gt() -> None:
    assert has(fact("ws.usertrades"), fee="0.000008", fee_asset="BTC", last_qty="0.004", trade_id="12000000061")
    assert has(fact("rest.my_trades_gt_fee"), fee="0.0523", fee_asset="GT")
    assert has(fact("ws.usertrades_v2"), fee="0", fee_asset="USDT")


def test_what_is_left_of_a_market_buy_is_money_and_says_nothing_of_its_end() -> None:
    assert has(fact("rest.order.closed_market_buy"), status="FILLED", cum_qty="0.00299", qty=None, price=None)


def test_an_ioc_order_that_was_cut_short_is_expired_with_its_fills() -> None:
    assert has(fact("rest.order.ioc_partial"), status="EXPIRED", cum_qty="0.007", reason="ioc")


def test_self_trade_prevention_is_a_cancel_that_keeps_its_fills() -> None:
    assert has(fact("rest.order.stp_result_mode"), status="CANCELED", cum_qty="0.5", symbol="ETHBTC")


def test_a_price_order_has_an_id_that_is_no_orders() -> None:
    assert has(
        fact("rest.price_order.open"), exchange_order_id="po-1500000001", order_type="STOP_LOSS_LIMIT", status="NEW",
        trigger_px="58000", price="57400", qty="0.00499",
    )  # fmt: skip
    assert has(fact("rest.price_orders.list", 1), order_type="TAKE_PROFIT_LIMIT")
    assert has(fact("rest.price_order.market_type"), order_type="STOP_LOSS", price=None)


def test_a_price_order_that_placed_nothing_is_expired_and_says_why() -> None:
    assert has(fact("rest.price_order.failed"), reason="BALANCE_NOT_ENOUGH", cum_qty="0")
    assert has(fact("rest.price_order.expired"), reason="expired")


def test_an_order_is_read_as_the_answer_to_what_was_asked() -> None:
    told = translated("rest.order.cancelled_partial", operation="cancel")["facts"]
    assert [each["type"] for each in told] == [CANCELED]
    assert [each["type"] for each in translated("rest.order.open", operation="query")["facts"]] == [SNAPSHOT]


def test_a_batch_tells_which_of_it_failed() -> None:
    line = translated("rest.batch_orders")
    assert line["outcome"]["kind"] == "partial"
    assert line["failed"][0]["label"] == "BALANCE_NOT_ENOUGH"


def test_candles_are_not_in_the_usual_order() -> None:
    assert has(
        fact("rest.candlesticks", 0), open_px="59950.4", high_px="60120", low_px="59900.1", close_px="60010.2",
        volume="10.2101", quote_volume="612345.118", closed=True, open_ms=1763798400000,
    )  # fmt: skip
    assert has(fact("ws.candlesticks"), interval="1m", volume="0.7551", quote_volume="45310.4002", closed=True)


def test_market_data_has_its_shape() -> None:
    assert has(fact("ws.book_ticker"), bid_px="19177.79", ask_qty="0.09", symbol="BTCUSDT")
    assert has(fact("ws.trades"), taker_side="SELL", ts_event_ms=1763800000101)
    assert has(fact("ws.order_book_update.delta"), first_id=90776307, last_id=90776312)
    assert fact("ws.order_book_update.full")["first_id"] is None
    assert has(fact("rest.tickers"), last_px="60010.2", bid_qty="0.32", change_pct="1.02")


def test_instruments_carry_the_rules_we_follow() -> None:
    assert has(
        fact("rest.currency_pairs", 0), symbol="BTCUSDT", exchange_symbol="BTC_USDT", tick_size="0.1",
        lot_size="0.000001", min_qty="0.000001", min_notional="3", max_notional="5000000", taker_fee_rate="0.002",
        tradable=True,
    )  # fmt: skip


def test_locked_balances_are_told_beside_free_ones() -> None:
    assert fact("ws.balances.order_create")["balances"] == [{"asset": "USDT", "free": "222244.3827", "locked": "5"}]
    assert fact("ws.balances.order_match")["balances"] == [{"asset": "BTC", "free": "0.00998", "locked": "0"}]
