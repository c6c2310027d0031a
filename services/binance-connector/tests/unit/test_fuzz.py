"""Nothing an exchange or an operator can write makes the rooms raise."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from binance_connector import replies
from binance_connector.dialect import BinanceDialect
from binance_connector.tools import tools
from common.accounts import Credentials
from common.connector.amounts import finite
from common.connector.ports import Accepted, Call, FactsReceived, Rejected, Reply, Send, Subscribed, Unknown, Unreadable
from common.exchanges import Exchange
from common.orders import OrderFilled
from common.testing.rubbish import FAST, anything, check_line, mutated, scalars

FRAMES = {path.stem: json.loads(path.read_bytes()) for path in (Path(__file__).parent.parent / "frames").glob("*.json")}
NOW = 1795341700000
DIALECT = BinanceDialect(ws_api_url="ws://x", stream_url="ws://x")
CREDENTIALS = Credentials(
    account_id="acc-1", exchange=Exchange.BINANCE, api_key="k", secret="s", passphrase=None, key_version=1,
    expires_at_ms=NOW,
)  # fmt: skip


@FAST
@given(mutated(FRAMES), st.none() | st.sampled_from([200, 400, 401, 409, 418, 429, 500, 503]))
def test_a_mutated_sample_is_a_line_of_facts_or_of_an_error(sample: tuple[str, Any], status: int | None) -> None:
    name, value = sample
    text = json.dumps(value)
    check_line(tools.translate({"kind": name, "raw": text, "http_status": status, "account_id": "acc-1"}))
    check_line(tools.translate({"kind": name, "raw": value, "context": {"symbol": "BTCUSDT", "interval": "1m"}}))


@FAST
@given(st.binary(max_size=200))
def test_bytes_are_a_line_of_an_error_and_never_an_exception(data: bytes) -> None:
    check_line(tools.translate({"kind": "ws.any", "raw_base64": base64.b64encode(data).decode()}))


@FAST
@given(anything)
def test_any_json_is_a_line(value: Any) -> None:
    check_line(tools.translate({"kind": "rest.any", "raw": value}))
    if isinstance(value, dict):
        check_line(tools.translate(value))
        tools.preview(value)


@FAST
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from(
                [
                    "create_order",
                    "create_oco",
                    "cancel_order",
                    "fetch_order",
                    "fetch_depth",
                    "BUY",
                    "LIMIT",
                    "1",
                    "BTCUSDT",
                ]
            )
            | scalars
            for name in (
                "action",
                "type",
                "symbol",
                "side",
                "order_type",
                "qty",
                "price",
                "trigger_px",
                "client_order_id",
            )
        },
    )
)
def test_any_wish_is_a_request_or_a_named_problem(wish: dict[str, Any]) -> None:
    shown = tools.preview(wish)
    assert ("method" in shown) != ("error" in shown)


def test_deep_nesting_is_an_error() -> None:
    nested: Any = {}
    for _ in range(900):
        nested = {"http_status": None, "body": nested}
    assert "error" in tools.translate({"raw": json.dumps(nested)})
    assert "error" in tools.translate({"raw": "[" * 100_000})


def a_stream() -> Any:
    stream = DIALECT.private_stream()
    stream.add(CREDENTIALS, NOW)
    (sent,) = stream.on_open(NOW)
    assert isinstance(sent, Send)
    answer = {"id": json.loads(sent.frame)["id"], "status": 200, "result": {"subscriptionId": 0}}
    assert stream.on_frame(json.dumps(answer), NOW) == [Subscribed("acc-1")]
    return stream


@FAST
@given(mutated(FRAMES) | st.tuples(st.just(""), anything))
def test_no_socket_raises_on_any_frame(sample: tuple[str, Any]) -> None:
    text = json.dumps(sample[1])
    for script in (a_stream(), DIALECT.market_stream(), DIALECT.order_socket()):
        script.on_open(NOW)
        for event in script.on_frame(text, NOW):
            if isinstance(event, FactsReceived):
                for fact in event.orders:
                    for value in (fact.qty, fact.cum_qty, fact.avg_px, fact.price, fact.last_px, fact.fee):
                        assert value is None or finite(value, "x") == value


@FAST
@given(st.text(max_size=100) | st.binary(max_size=100))
def test_no_socket_raises_on_rubbish(data: str | bytes) -> None:
    for script in (a_stream(), DIALECT.market_stream(), DIALECT.order_socket()):
        for event in script.on_frame(data, NOW):
            assert isinstance(event, Unreadable)


CALLS: list[Call[Any]] = [
    DIALECT.fetch_open_orders("acc-1", None),
    DIALECT.fetch_my_trades("acc-1", "BTCUSDT"),
    DIALECT.fetch_balances("acc-1"),
    DIALECT.check_key(),
    DIALECT.fetch_time(),
    DIALECT.fetch_instruments(),
    DIALECT.fetch_tickers(()),
    DIALECT.fetch_candles("BTCUSDT", "1m", 5),
    DIALECT.fetch_depth("BTCUSDT", 5),
    DIALECT.fetch_public_trades("BTCUSDT", 5),
    DIALECT.fetch_order_list("acc-1", "l"),
]


@FAST
@given(mutated(FRAMES), st.sampled_from([200, 200, 200, 400, 429, 503]))
def test_no_reading_of_a_reply_raises(sample: tuple[str, Any], status: int) -> None:
    reply = Reply(status=status, body=json.dumps(sample[1]).encode())
    DIALECT.usage(reply)
    for call in CALLS:
        answer = call.read(reply, NOW)
        if status == 503 and not isinstance(answer, Call):
            assert isinstance(answer, Unknown)


money = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(9_000_000), places=8)


@FAST
@given(trade_id=st.integers(0, 2**53), last=money, px=money, before=money, fee=money)
def test_a_trade_report_is_exactly_one_fill_of_the_same_trade(
    trade_id: int, last: Decimal, px: Decimal, before: Decimal, fee: Decimal
) -> None:
    frame = json.loads(json.dumps(FRAMES["uds_executionReport_trade_partial_maker"]))
    frame["event"].update(
        t=trade_id, l=f"{last:f}", L=f"{px:f}", z=f"{last + before:f}", n=f"{fee:f}", q=f"{last + before:f}"
    )
    (event,) = a_stream().on_frame(json.dumps(frame), NOW)
    assert isinstance(event, FactsReceived)
    (fact,) = event.orders
    assert isinstance(fact, OrderFilled)
    assert (fact.trade_id, fact.last_qty, fact.last_px, fact.cum_qty, fact.fee) == (
        str(trade_id), last, px, last + before, fee
    )  # fmt: skip


@FAST
@given(st.lists(st.tuples(money, money), min_size=1, max_size=5))
def test_the_fills_of_a_full_reply_sum_to_what_was_executed(fills: list[tuple[Decimal, Decimal]]) -> None:
    body = json.loads(json.dumps(FRAMES["rest_order_post_full_market_filled"]))
    total = sum((qty for qty, _ in fills), Decimal(0))
    quote = sum((qty * px for qty, px in fills), Decimal(0))
    body |= {"executedQty": f"{total:f}", "origQty": f"{total:f}", "cummulativeQuoteQty": f"{quote:f}"}
    body["fills"] = [
        {"price": f"{px:f}", "qty": f"{qty:f}", "commission": "0", "commissionAsset": "BTC", "tradeId": number}
        for number, (qty, px) in enumerate(fills)
    ]
    line = tools.translate({"raw": body})
    told = [fact for fact in line["facts"] if fact["type"] == "order.filled"]
    assert sum(Decimal(fact["last_qty"]) for fact in told) == total == Decimal(told[-1]["cum_qty"])
    assert [fact["status"] for fact in told] == ["PARTIALLY_FILLED"] * (len(fills) - 1) + ["FILLED"]
    assert len(line["facts"]) == len(fills) + 1


@FAST
@given(st.integers(-9999, 0), st.text(max_size=30), st.integers(300, 499))
def test_an_error_is_never_taken_for_a_success(code: int, text: str, status: int) -> None:
    body = json.dumps({"code": code, "msg": text}).encode()
    outcome = replies.placed("acc-1", Reply(status=status, body=body), NOW)
    assert isinstance(outcome, Rejected | Unknown)
    assert not isinstance(outcome, Accepted)
