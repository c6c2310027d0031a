"""The private and the market stream: listen keys, subscriptions, heartbeats, and what is told."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    MarketChannel,
    MarketReceived,
    Reply,
    Send,
    Subscribed,
    SubscriptionLost,
    Unknown,
    Unreadable,
)
from common.market import PublicTrade, Ticker
from common.mexc_proto import Push
from common.orders import OrderFilled
from mexc_connector import stream
from mexc_connector.market_stream import NAMES_PER_SYMBOL, SYMBOLS_PER_CONNECTION, PublicStream
from mexc_connector.told import ToldTrades

KEY = b'{"listenKey":"key-1"}'
ACK = json.dumps({"id": 1, "code": 0, "msg": ",".join(stream.CHANNELS)})
MINUTE_MS = 60_000


def ok(body: bytes = KEY) -> Reply:
    return Reply(status=200, body=body)


def refused(code: int = 730002, status: int = 400) -> Reply:
    return Reply(status=status, body=json.dumps({"code": code, "msg": "…"}).encode())


@pytest.fixture
def keys() -> dict[str, str]:
    return {}


@pytest.fixture
def script(credentials: Any, keys: dict[str, str]) -> stream.UserDataStream:
    """A stream that has its account and waits for a key."""
    script = stream.UserDataStream("ws://x/ws", keys, ToldTrades())
    script.add(credentials, 0)
    return script


@pytest.fixture
def opened(script: stream.UserDataStream) -> stream.UserDataStream:
    """A stream that is subscribed at time 0."""
    (ask,) = script.prepare(0)
    assert isinstance(ask, Ask)
    script.on_reply(ask.request_id, ok(), 0)
    script.on_open(0)
    script.on_frame(ACK, 0)
    return script


def only(events: Any, kind: type) -> Any:
    (event,) = events
    assert isinstance(event, kind), event
    return event


def test_a_key_is_asked_for_before_there_is_an_address(script: Any) -> None:
    assert script.url() is None
    ask = only(script.prepare(0), Ask)
    assert (ask.account_id, ask.request.method, ask.request.path) == ("acc-1", "POST", "/api/v3/userDataStream")
    assert script.on_reply(ask.request_id, ok(), 0) == []
    assert script.url() == "ws://x/ws?listenKey=key-1"


def test_an_account_that_comes_late_is_asked_for_when_it_comes(credentials: Any, keys: Any) -> None:
    script = stream.UserDataStream("ws://x/ws", keys, ToldTrades())
    assert script.prepare(0) == []
    assert isinstance(only(script.add(credentials, 0), Ask), Ask)
    assert script.add(credentials, 0) == []


def test_the_next_connection_proves_the_last_key_and_uses_it_again(script: Any, keys: Any) -> None:
    keys["acc-1"] = "old"
    ask = only(script.prepare(0), Ask)
    assert (ask.request.method, dict(ask.request.params)) == ("PUT", {"listenKey": "old"})
    script.on_reply(ask.request_id, ok(), 0)
    assert script.url() == "ws://x/ws?listenKey=old"


def test_a_key_that_is_gone_is_replaced_before_connecting(script: Any, keys: Any) -> None:
    keys["acc-1"] = "old"
    ask = only(script.prepare(0), Ask)
    again = only(script.on_reply(ask.request_id, refused(), 0), Ask)
    assert again.request.method == "POST"
    script.on_reply(again.request_id, ok(), 0)
    assert script.url() == "ws://x/ws?listenKey=key-1"


@pytest.mark.parametrize("reply", [Unknown("timeout", ""), refused(status=503), ok(b"{}"), ok(b"<html>")])
def test_without_a_key_the_connection_is_tried_again_later(script: Any, reply: Any) -> None:
    ask = only(script.prepare(0), Ask)
    assert isinstance(script.on_reply(ask.request_id, reply, 0)[-1], CloseAndReconnect)
    assert script.url() is None


def test_a_refused_api_key_parks_its_account_and_a_wrong_clock_does_not(script: Any) -> None:
    ask = only(script.prepare(0), Ask)
    lost = script.on_reply(ask.request_id, refused(10072), 0)[0]
    assert lost == SubscriptionLost("acc-1", "listen key: 10072 …", retryable=False)
    assert script.on_reply(ask.request_id, refused(700003), 0)[0].retryable


def test_the_key_alone_delivers_nothing_so_three_channels_are_subscribed(script: Any) -> None:
    frame = json.loads(only(script.on_open(0), Send).frame)
    assert (frame["method"], frame["params"]) == ("SUBSCRIPTION", list(stream.CHANNELS))
    assert script.on_frame(ACK, 1) == [Subscribed("acc-1")]


@pytest.mark.parametrize(
    "msg",
    [
        "spot@private.orders.v3.api.pb",
        "",
        "Not Subscribed successfully! [spot@private.deals.v3.api.pb].  Reason： Blocked!",
    ],
)
def test_a_success_that_does_not_name_every_channel_is_none(script: Any, msg: str) -> None:
    script.on_open(0)
    assert isinstance(only(script.on_frame(json.dumps({"id": 1, "code": 0, "msg": msg}), 0), CloseAndReconnect), object)


def test_an_invalid_key_is_forgotten_and_the_next_connection_asks_for_another(opened: Any, keys: Any) -> None:
    assert keys == {"acc-1": "key-1"}
    only(opened.on_frame("Invalid listen key", 1), CloseAndReconnect)
    assert keys == {}


def test_a_key_is_kept_alive_every_half_hour_while_the_stream_speaks(opened: Any, push: Any) -> None:
    asks: list[int] = []
    for minute in range(1, 62):
        opened.on_frame(push("ws_private_account_docs"), minute * MINUTE_MS)
        opened.on_frame('{"id":0,"code":0,"msg":"PONG"}', minute * MINUTE_MS)
        for event in opened.on_time(minute * MINUTE_MS):
            if isinstance(event, Ask):
                asks.append(minute)
                opened.on_reply(event.request_id, ok(), minute * MINUTE_MS)
    assert asks == [30, 60]


def asked_on_time(script: Any, now_ms: int) -> list[Ask]:
    script.on_frame('{"id":0,"code":0,"msg":"PONG"}', now_ms)
    return [event for event in script.on_time(now_ms) if isinstance(event, Ask)]


def test_a_silent_stream_has_its_key_proven_and_a_lost_one_replaced(opened: Any, keys: Any) -> None:
    assert asked_on_time(opened, MINUTE_MS - 1) == []
    (ask,) = asked_on_time(opened, MINUTE_MS)
    assert asked_on_time(opened, MINUTE_MS + 1_000) == []
    only(opened.on_reply(ask.request_id, refused(), MINUTE_MS + 1_000), CloseAndReconnect)
    assert keys == {}


def test_a_keep_alive_without_an_answer_is_repeated_and_ends_nothing(opened: Any, keys: Any) -> None:
    (ask,) = asked_on_time(opened, MINUTE_MS)
    assert opened.on_reply(ask.request_id, Unknown("timeout", ""), MINUTE_MS) == []
    assert asked_on_time(opened, MINUTE_MS + 5_000) == []
    assert len(asked_on_time(opened, MINUTE_MS + 11_000)) == 1
    assert keys == {"acc-1": "key-1"}


def test_a_subscription_or_a_ping_that_is_never_answered_ends_the_connection(script: Any) -> None:
    script.on_open(0)
    only(script.on_time(10_001), CloseAndReconnect)
    script.on_frame(ACK, 10_001)
    assert Send('{"method":"PING"}') in script.on_time(15_000)
    only(script.on_time(25_001), CloseAndReconnect)


def test_a_deal_without_its_orders_client_id_is_told_under_the_one_its_order_push_had(opened: Any, push: Any) -> None:
    raw = Push()
    raw.ParseFromString(push("ws_private_deals_maker_sell"))
    raw.privateDeals.clientOrderId = ""
    nameless = raw.SerializeToString()
    unknown = only(opened.on_frame(nameless, 1), FactsReceived).orders[0]
    assert unknown.client_order_id is None
    opened.on_frame(push("ws_private_orders_new"), 2)
    told = only(opened.on_frame(nameless, 3), FactsReceived).orders[0]
    assert isinstance(told, OrderFilled)
    assert told.client_order_id == "p1-tp1-1"


def test_orders_of_the_web_interface_are_none_of_ours(opened: Any, push: Any) -> None:
    raw = Push()
    raw.ParseFromString(push("ws_private_orders_new"))
    raw.privateOrders.orderType = 100
    assert opened.on_frame(raw.SerializeToString(), 1) == []


@pytest.mark.parametrize("raw", [b"\x0a\xff", "{", "<html>", b"\x00"])
def test_a_frame_nobody_can_read_is_kept_and_its_account_named(opened: Any, raw: Any) -> None:
    assert only(opened.on_frame(raw, 1), Unreadable).account_id == "acc-1"


def test_an_order_in_a_state_nobody_documented_is_not_guessed(opened: Any, push: Any) -> None:
    raw = Push()
    raw.ParseFromString(push("ws_private_orders_new"))
    raw.privateOrders.status = 9
    only(opened.on_frame(raw.SerializeToString(), 1), Unreadable)


def test_the_account_that_left_is_told_no_more(opened: Any, push: Any) -> None:
    assert opened.remove("acc-1", 1) == []
    assert opened.on_frame(push("ws_private_orders_new"), 1) == []
    assert opened.url() is None


# --- market ---------------------------------------------------------------------------------------------------------


def names(events: Any, method: str = "SUBSCRIPTION") -> list[str]:
    frames = [json.loads(event.frame) for event in events]
    assert all(frame["method"] == method for frame in frames)
    return [name for frame in frames for name in frame["params"]]


def test_all_channels_of_a_full_socket_fit_into_thirty_subscriptions() -> None:
    market = PublicStream("ws://x/ws")
    market.watch([f"S{n}USDT" for n in range(SYMBOLS_PER_CONNECTION)], tuple(MarketChannel), 0)
    events = market.on_open(0)
    assert len(names(events)) == SYMBOLS_PER_CONNECTION * NAMES_PER_SYMBOL <= 30
    assert all(isinstance(event, Send) and len(event.frame) < 1024 for event in events)


def test_best_prices_come_from_the_fastest_channel() -> None:
    market = PublicStream("ws://x/ws")
    market.on_open(0)
    assert names(market.watch(["MXUSDT"], [MarketChannel.BOOK_TICKER], 0)) == [
        "spot@public.aggre.bookTicker.v3.api.pb@10ms@MXUSDT"
    ]


def test_trades_and_the_last_price_share_one_subscription(push: Any) -> None:
    market = PublicStream("ws://x/ws")
    market.on_open(0)
    deals = "spot@public.aggre.deals.v3.api.pb@100ms@BTCUSDT"
    assert names(market.watch(["BTCUSDT"], [MarketChannel.TICKER], 0)) == [deals]
    assert market.watch(["BTCUSDT"], [MarketChannel.TRADES], 0) == []
    facts = only(market.on_frame(push("ws_public_aggre_deals"), 1), MarketReceived).facts
    assert [type(fact) for fact in facts] == [PublicTrade, Ticker]
    assert str(facts[1].last_px) == "93220.00"
    assert market.unwatch(["BTCUSDT"], [MarketChannel.TRADES], 0) == []
    facts = only(market.on_frame(push("ws_public_aggre_deals"), 1), MarketReceived).facts
    assert [type(fact) for fact in facts] == [Ticker]
    assert names(market.unwatch(["BTCUSDT"], [MarketChannel.TICKER], 0), "UNSUBSCRIPTION") == [deals]


def test_of_several_trades_in_one_millisecond_the_last_one_tells_the_price(push: Any) -> None:
    market = PublicStream("ws://x/ws")
    market.on_open(0)
    market.watch(["BTCUSDT"], [MarketChannel.TICKER], 0)
    told = Push.FromString(push("ws_public_aggre_deals"))
    (first,) = told.publicAggreDeals.deals
    told.publicAggreDeals.deals.add(price="93221.00", quantity="1", tradeType=1, time=first.time)
    told.publicAggreDeals.deals.add(price="93222.00", quantity="1", tradeType=1, time=first.time - 1)
    facts = only(market.on_frame(told.SerializeToString(), 1), MarketReceived).facts
    assert [str(fact.last_px) for fact in facts] == ["93221.00"]


def test_a_refused_channel_is_reported_and_an_answer_is_not(frame: Callable[[str], Any]) -> None:
    market = PublicStream("ws://x/ws")
    market.on_open(0)
    assert "Blocked" in only(market.on_frame(json.dumps(frame("ws_ctl_subscribe_rejected")), 1), Unreadable).reason
    assert market.on_frame(json.dumps(frame("ws_ctl_subscribe_ack_no_id")), 1) == []


def test_a_market_stream_pings_and_gives_up_without_an_answer() -> None:
    market = PublicStream("ws://x/ws")
    market.on_open(0)
    assert market.on_time(15_000) == [Send('{"method":"PING"}')]
    market.on_frame('{"id":0,"code":0,"msg":"PONG"}', 15_100)
    assert market.on_time(26_000) == []
    market.on_time(30_000)
    only(market.on_time(40_001), CloseAndReconnect)


def test_every_public_sample_is_read_by_the_stream() -> None:
    market, folder = PublicStream("ws://x/ws"), Path(__file__).parent.parent / "frames"
    market.watch(["BTCUSDT", "METALUSDT"], tuple(MarketChannel), 0)
    for path in folder.glob("ws_public_*.json"):
        raw = base64.b64decode(json.loads(path.read_bytes())["protobuf_base64"])
        assert only(market.on_frame(raw, 1), MarketReceived).facts, path.name
