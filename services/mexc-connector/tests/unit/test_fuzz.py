"""Nothing an exchange or an operator can write makes the rooms raise."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from common.accounts import Credentials
from common.connector.ports import Call, FactsReceived, Reply, Unknown, Unreadable
from common.exchanges import Exchange
from common.mexc_proto import Push
from common.orders import OrderFilled
from common.testing.rubbish import FAST, anything, check_line, mutated
from mexc_connector.dialect import MexcDialect
from mexc_connector.stream import CHANNELS
from mexc_connector.tools import tools

FRAMES = {path.stem: json.loads(path.read_bytes()) for path in (Path(__file__).parent.parent / "frames").glob("*.json")}
# A push as its decoded form.
JSON = {name: each.get("json", each) if isinstance(each, dict) else each for name, each in FRAMES.items()}
BINARY = [base64.b64decode(each["protobuf_base64"]) for each in FRAMES.values() if "protobuf_base64" in each]
NOW = 1795341700000
DIALECT = MexcDialect(ws_url="ws://x/ws")
CREDENTIALS = Credentials(
    account_id="acc-1", exchange=Exchange.MEXC, api_key="k", secret="s", passphrase=None, key_version=1,
    expires_at_ms=NOW,
)  # fmt: skip


@st.composite
def broken_push(draw: st.DrawFn) -> bytes:
    """A push with some bytes changed, or cut off."""
    raw = bytearray(draw(st.sampled_from(BINARY)))
    for _ in range(draw(st.integers(0, 4))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(1, len(raw)))])


@FAST
@given(mutated(JSON), st.none() | st.sampled_from([200, 400, 401, 403, 418, 429, 500, 503]))
def test_a_mutated_sample_is_a_line_of_facts_or_of_an_error(sample: tuple[str, Any], status: int | None) -> None:
    name, value = sample
    text = json.dumps(value)
    check_line(tools.translate({"kind": name, "raw": text, "http_status": status, "account_id": "acc-1"}))
    check_line(tools.translate({"kind": name, "raw": value, "context": {"symbol": "MXUSDT", "interval": "1m"}}))


@FAST
@given(st.binary(max_size=200) | broken_push())
def test_bytes_are_a_line_and_never_an_exception(data: bytes) -> None:
    check_line(tools.translate({"kind": "ws.any", "raw_base64": base64.b64encode(data).decode()}))


@FAST
@given(anything)
def test_any_json_is_a_line(value: Any) -> None:
    check_line(tools.translate({"kind": "rest.any", "raw": value}))
    if isinstance(value, dict):
        check_line(tools.translate(value))
        tools.preview(value)


WISHES = ["create_order", "create_orders", "cancel_order", "fetch_order", "fetch_depth", "BUY", "LIMIT", "1", "MXUSDT"]
WISHED = ["action", "type", "symbol", "side", "order_type", "qty", "price", "trigger_px", "client_order_id", "orders"]


@FAST
@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(WISHES) | anything for name in WISHED}))
def test_any_wish_is_a_request_or_a_named_problem(wish: dict[str, Any]) -> None:
    shown = tools.preview(wish)
    assert ("method" in shown) != ("error" in shown)


def test_deep_nesting_is_an_error() -> None:
    nested: Any = {}
    for _ in range(900):
        nested = {"http_status": 200, "body": nested}
    assert "error" in tools.translate({"raw": json.dumps(nested)})
    assert "error" in tools.translate({"raw": "[" * 100_000})


def scripts() -> tuple[Any, ...]:
    private, market = DIALECT.private_stream(), DIALECT.market_stream()
    private.add(CREDENTIALS, NOW)
    for script in (private, market):
        script.on_open(NOW)
    return private, market


@FAST
@given(broken_push() | st.binary(max_size=100) | st.text(max_size=100) | anything.map(json.dumps))
def test_no_socket_raises_on_any_frame(frame: Any) -> None:
    for script in scripts():
        for event in script.on_frame(frame, NOW):
            if isinstance(event, FactsReceived):
                for fact in event.orders:
                    for value in (fact.qty, fact.cum_qty, fact.avg_px, fact.price, fact.last_px, fact.fee):
                        assert value is None or value.is_finite()
            elif isinstance(event, Unreadable):
                assert event.reason is not None


CALLS: list[Call[Any]] = [
    DIALECT.fetch_open_orders("acc-1", None),
    DIALECT.fetch_my_trades("acc-1", "MXUSDT"),
    DIALECT.fetch_balances("acc-1"),
    DIALECT.check_key(),
    DIALECT.fetch_time(),
    DIALECT.fetch_instruments(),
    DIALECT.fetch_tickers(()),
    DIALECT.fetch_candles("MXUSDT", "1m", 5),
    DIALECT.fetch_depth("MXUSDT", 5),
    DIALECT.fetch_public_trades("MXUSDT", 5),
]


@FAST
@given(mutated(JSON), st.sampled_from([200, 200, 200, 400, 429, 503]))
def test_no_reading_of_a_reply_raises(sample: tuple[str, Any], status: int) -> None:
    reply = Reply(status=status, body=json.dumps(sample[1]).encode())
    DIALECT.usage(reply)
    for call in CALLS:
        answer = call.read(reply, NOW)
        if status == 503 and not isinstance(answer, Call):
            assert isinstance(answer, Unknown)


@FAST
@given(mutated(JSON), st.sampled_from(["new-key", "reuse-key", "keep-key"]), st.sampled_from([200, 400, 429, 503]))
def test_no_answer_about_a_listen_key_raises(sample: tuple[str, Any], request_id: str, status: int) -> None:
    private, _ = scripts()
    private.on_reply(request_id, Reply(status=status, body=json.dumps(sample[1]).encode()), NOW)


money = st.decimals(min_value=Decimal("0.00000001"), max_value=Decimal(9_000_000), places=8)


@FAST
@given(trade_id=st.text(min_size=1, max_size=30), qty=money, px=money, fee=money)
def test_a_deal_push_is_exactly_one_fill_of_the_same_trade(
    trade_id: str, qty: Decimal, px: Decimal, fee: Decimal
) -> None:
    push = Push(channel=CHANNELS[1], symbol="MXUSDT", sendTime=NOW)
    push.privateDeals.orderId, push.privateDeals.tradeId, push.privateDeals.tradeType = "C02__1", trade_id, 2
    push.privateDeals.quantity, push.privateDeals.price = f"{qty:f}", f"{px:f}"
    push.privateDeals.feeAmount, push.privateDeals.feeCurrency = f"{fee:f}", "USDT"
    (event,) = scripts()[0].on_frame(push.SerializeToString(), NOW)
    assert isinstance(event, FactsReceived)
    (fact,) = event.orders
    assert isinstance(fact, OrderFilled)
    assert (fact.trade_id, fact.last_qty, fact.last_px, fact.fee) == (trade_id, qty, px, fee)
