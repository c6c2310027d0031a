"""Nothing an exchange or an operator can write makes the rooms raise."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.accounts import Credentials
from common.commands import CancelAllOrders, CancelOrder, SubmitOrder
from common.connector.ports import (
    Accepted,
    Call,
    ExchangeInfo,
    FactsReceived,
    OrderRef,
    Rejected,
    Reply,
    Subscribed,
    Unknown,
    Unreadable,
)
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderType, Side
from common.testing.rubbish import FAST, anything, check_line, mutated
from gateio_connector.dialect import GateioDialect
from gateio_connector.stream import CHANNELS
from gateio_connector.tools import tools

FRAMES = {path.stem: json.loads(path.read_bytes()) for path in (Path(__file__).parent.parent / "frames").glob("*.json")}
NOW = 1_795_341_700_000
DIALECT = GateioDialect(ws_url="ws://x")
LISTED = DIALECT.fetch_instruments().read(
    Reply(status=200, body=json.dumps(FRAMES["rest.currency_pairs"]).encode()), NOW
)
CREDENTIALS = Credentials(
    account_id="acc-1", exchange=Exchange.GATEIO, api_key="k", secret="s", passphrase=None, key_version=1,
    expires_at_ms=NOW,
)  # fmt: skip


@FAST
@given(mutated(FRAMES), st.none() | st.sampled_from([200, 201, 400, 401, 403, 404, 429, 500, 502]))
def test_a_mutated_sample_is_a_line_of_facts_or_of_an_error(sample: tuple[str, Any], status: int | None) -> None:
    name, value = sample
    check_line(tools.translate({"kind": name, "raw": json.dumps(value), "http_status": status, "account_id": "acc-1"}))
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


def a_stream() -> Any:
    stream = GateioDialect(ws_url="ws://x").private_stream()
    stream.add(CREDENTIALS, NOW)
    stream.on_open(NOW)
    events = []
    for channel in CHANNELS:
        frame = {"time": 1, "channel": channel, "event": "subscribe", "error": None, "result": {"status": "success"}}
        events += stream.on_frame(json.dumps(frame), NOW)
    assert events == [Subscribed("acc-1")]
    return stream


@FAST
@given(mutated(FRAMES) | st.tuples(st.just(""), anything))
def test_no_socket_raises_on_any_frame(sample: tuple[str, Any]) -> None:
    text = json.dumps(sample[1])
    market = DIALECT.market_stream()
    market.on_open(NOW)
    for script in (a_stream(), market):
        events = script.on_frame(text, NOW) + script.on_time(NOW + 2_000)
        for event in events:
            if isinstance(event, FactsReceived):
                for fact in event.orders:
                    for value in (fact.qty, fact.cum_qty, fact.avg_px, fact.price, fact.last_px, fact.fee):
                        assert value is None or value.is_finite()


@FAST
@given(mutated(FRAMES) | st.tuples(st.just(""), anything), st.sampled_from(["one/1", "fired/BTC_USDT"]))
def test_no_answer_to_a_stream_makes_it_raise(sample: tuple[str, Any], request_id: str) -> None:
    stream = a_stream()
    stream.on_reply(request_id, Reply(status=200, body=json.dumps(sample[1]).encode()), NOW)
    stream.on_reply(request_id, Unknown("timeout", ""), NOW)


@FAST
@given(st.text(max_size=100) | st.binary(max_size=100))
def test_no_socket_raises_on_rubbish(data: str | bytes) -> None:
    for script in (a_stream(), DIALECT.market_stream()):
        for event in script.on_frame(data, NOW):
            assert isinstance(event, Unreadable)


ABOUT: dict[str, Any] = {
    "command_id": "c", "bracket_id": "b", "account_id": "acc-1", "exchange": Exchange.GATEIO, "symbol": "BTCUSDT",
    "ts_init_ms": NOW, "valid_until_ms": NOW,
}  # fmt: skip
assert isinstance(LISTED, ExchangeInfo)
BITCOIN: Instrument = LISTED.instruments[0]
STOP = SubmitOrder(
    **ABOUT, client_order_id="s1", side=Side.SELL, order_type=OrderType.STOP_LOSS, qty=Decimal("0.00499"),
    trigger_px=Decimal(58_000),
)  # fmt: skip
BUY = SubmitOrder(**ABOUT, client_order_id="e1", side=Side.BUY, order_type=OrderType.MARKET, qty=Decimal("0.01"))
REF = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="s1")
CALLS: list[Call[Any]] = [
    DIALECT.submit_order(STOP, BITCOIN),
    DIALECT.submit_order(BUY, BITCOIN),
    DIALECT.cancel_order(CancelOrder(**ABOUT, client_order_id="s1", exchange_order_id="po-1")),
    DIALECT.cancel_order(CancelOrder(**ABOUT, client_order_id="e1")),
    DIALECT.cancel_all_orders(CancelAllOrders(**ABOUT)),
    DIALECT.fetch_order(REF),
    DIALECT.fetch_order(OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="s1", terms=STOP)),
    DIALECT.fetch_order(OrderRef(account_id="acc-1", symbol="BTCUSDT", exchange_order_id="po-1")),
    DIALECT.fetch_order(OrderRef(account_id="acc-1", symbol="BTCUSDT", exchange_order_id="900000000777")),
    DIALECT.fetch_open_orders("acc-1", None),
    DIALECT.fetch_my_trades("acc-1", "BTCUSDT", exchange_order_id="po-1"),
    DIALECT.fetch_balances("acc-1"),
    DIALECT.check_key(),
    DIALECT.fetch_time(),
    DIALECT.fetch_tickers(()),
    DIALECT.fetch_candles("BTCUSDT", "1m", 5),
    DIALECT.fetch_depth("BTCUSDT", 5),
    DIALECT.fetch_public_trades("BTCUSDT", 5),
]


@FAST
@given(st.lists(mutated(FRAMES), min_size=4, max_size=4), st.sampled_from([200, 200, 201, 400, 404, 429, 503]))
def test_no_reading_of_a_reply_raises(samples: list[tuple[str, Any]], status: int) -> None:
    for call in CALLS:
        answer: Any = call
        for _, value in samples:
            if not isinstance(answer, Call):
                break
            answer = answer.read(Reply(status=status, body=json.dumps(value).encode()), NOW)


@FAST
@given(st.text(max_size=30), st.integers(300, 599))
def test_an_error_is_never_taken_for_a_success(label: str, status: int) -> None:
    body = json.dumps({"label": label, "message": "no"}).encode()
    for call in CALLS[:2]:
        answer = call.read(Reply(status=status, body=body), NOW)
        assert isinstance(answer, Rejected | Unknown)
        assert not isinstance(answer, Accepted)
