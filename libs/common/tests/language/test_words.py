"""Ids, codec and facts: the words every service must read alike."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import ids
from common.codec import decode_union, encode, plain
from common.errors import UnreadableMessage
from common.exchanges import CAPABILITIES, CLIENT_ORDER_ID_PATTERN, Exchange
from common.orders import ORDER_FACTS, OrderFact, OrderFilled, OrderType

A_FILL = OrderFilled(
    account_id="a",
    exchange=Exchange.BINANCE,
    symbol="BTCUSDT",
    last_qty=Decimal("0.00000001"),
    last_px=Decimal("1E+5"),
    fee=Decimal("0E-8"),
    ts_event_ms=1,
    ts_init_ms=2,
)

texts = st.text(min_size=1, max_size=60)


@given(texts, texts, st.sampled_from(list(ids.Leg)), st.integers(0, 9_999_999))
def test_every_client_order_id_fits_all_exchanges_and_says_what_it_is(
    account: str, intent: str, leg: ids.Leg, generation: int
) -> None:
    bracket = ids.bracket_id(account, intent)
    client_id = ids.client_order_id(bracket, leg, generation)
    assert re.fullmatch(CLIENT_ORDER_ID_PATTERN, client_id)
    assert len(client_id) <= ids.MAX_LENGTH
    assert all(re.fullmatch(c.client_order_id_pattern, client_id) for c in CAPABILITIES.values())
    assert ids.parse(client_id) == (bracket, leg, generation)


@pytest.mark.parametrize(
    "foreign", ["", "my-order", "x-Abc", "b" * 17, "b" * 17 + "-", "b" * 17 + "-z1", "b" * 17 + "-t1x"]
)
def test_an_id_placed_by_hand_is_not_taken_for_ours(foreign: str) -> None:
    assert ids.parse(foreign) is None


def test_the_same_intent_always_opens_the_same_bracket() -> None:
    assert ids.bracket_id("a", "i") == ids.bracket_id("a", "i") != ids.bracket_id("a", "j")


def test_decimals_are_plain_strings_on_the_wire() -> None:
    data = encode(A_FILL)
    assert b'"last_qty":"0.00000001"' in data
    assert b'"last_px":"100000"' in data
    assert b'"fee":"0"' in data
    assert b'"avg_px":null' in data
    assert decode_union(data, OrderFact) == A_FILL


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**15), max_value=10**15))
def test_plain_text_keeps_the_value_and_never_an_exponent(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b'{"type": "order.filled"}', b'{"type": "order.invented"}', b"\xff\xfe", b"[" * 20_000],
)
def test_what_is_no_message_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(UnreadableMessage) as refused:
        decode_union(data, OrderFact)
    assert refused.value.reason


def test_every_fact_carries_the_fields_of_the_contract() -> None:
    contract = {
        *("account_id", "exchange", "symbol", "client_order_id", "exchange_order_id", "side", "order_type", "status"),
        *("qty", "price", "cum_qty", "avg_px", "last_qty", "last_px", "trade_id", "fee", "fee_asset"),
        *("ts_event_ms", "ts_init_ms"),
    }
    for fact in ORDER_FACTS:
        assert contract <= set(fact.__struct_fields__)


def test_stops_and_take_profits_wait_for_a_trigger() -> None:
    assert {t for t in OrderType if t.waits_for_trigger} == {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
    }
