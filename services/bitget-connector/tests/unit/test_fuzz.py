"""Nothing an exchange or an operator can write makes the rooms raise."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bitget_connector.dialect import BitgetDialect
from bitget_connector.memory import Memory
from bitget_connector.stream import AccountStream
from bitget_connector.tools import tools
from common.accounts import Credentials
from common.connector.ports import Call, OrderRef, Reply
from common.exchanges import Exchange
from common.testing.rubbish import FAST, anything, check_line, mutated, scalars

FRAMES = {path.stem: json.loads(path.read_bytes()) for path in (Path(__file__).parent.parent / "frames").glob("*.json")}
NOW = 1795341700000
CREDENTIALS = Credentials(
    account_id="acc-1", exchange=Exchange.BITGET, api_key="k", secret="s", passphrase="p", key_version=1,
    expires_at_ms=NOW,
)  # fmt: skip
CONTEXT = {"symbol": "BTCUSDT", "interval": "1m", "client_order_id": "x"}


@FAST
@given(mutated(FRAMES))
def test_a_broken_sample_is_translated_ignored_or_called_an_error(sample: tuple[str, Any]) -> None:
    name, value = sample
    line = tools.translate({"kind": name, "raw": value, "context": CONTEXT})
    check_line(line)
    json.dumps(line)


@FAST
@given(st.text(max_size=12), anything)
def test_anything_at_all_gets_a_line_for_an_answer(kind: str, raw: Any) -> None:
    line = tools.translate({"kind": kind, "raw": raw, "context": CONTEXT})
    check_line(line)


@FAST
@given(st.dictionaries(st.sampled_from(["action", "type", "symbol", "side", "qty", "order_type", "price"]), scalars))
def test_any_wish_is_a_request_or_an_error(wish: dict[str, Any]) -> None:
    line = tools.preview(wish)
    assert ("error" in line) != ("method" in line)


@FAST
@given(mutated(FRAMES) | st.tuples(st.just(""), anything), st.booleans())
def test_a_stream_never_raises(sample: tuple[str, Any], unified: bool) -> None:
    memory = Memory()
    memory.remember_family("acc-1", unified=unified)
    stream = AccountStream("ws://x/v2/ws/private", "ws://x/v3/ws/private", memory)
    stream.add(CREDENTIALS, NOW)
    stream.url()
    stream.on_open(NOW)
    stream.on_frame('{"event":"login","code":0}', NOW)
    stream.on_frame(json.dumps(sample[1]), NOW)
    stream.on_time(NOW + 5_000)


@FAST
@given(mutated(FRAMES), st.sampled_from([200, 400, 500]), st.booleans())
def test_no_reply_makes_a_question_raise(sample: tuple[str, Any], status: int, unified: bool) -> None:
    dialect = BitgetDialect(public_url="ws://x", private_url="ws://x/v2/ws/private")
    dialect._memory.remember_family("acc-1", unified=unified)
    reply = Reply(status=status, body=json.dumps(sample[1]).encode())
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="baaaaaaaaaaaaaaaa-s1", exchange_order_id="7")
    calls: list[Call[Any]] = [
        dialect.fetch_order(ref),
        dialect.fetch_open_orders("acc-1", None),
        dialect.fetch_my_trades("acc-1", "BTCUSDT", since_ms=1),
        dialect.fetch_balances("acc-1"),
        dialect.check_key(),
        dialect.fetch_time(),
        dialect.fetch_instruments(),
        dialect.fetch_tickers(()),
        dialect.fetch_candles("BTCUSDT", "1m", 10),
        dialect.fetch_depth("BTCUSDT", 10),
        dialect.fetch_public_trades("BTCUSDT", 10),
    ]
    for call in calls:
        answer: Any = call
        for _ in range(200):
            if not isinstance(answer, Call):
                break
            answer = answer.read(reply, NOW)
        assert not isinstance(answer, Call)
