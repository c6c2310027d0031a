"""What is said on a private socket, and what is made of what arrives."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from bitget_connector.memory import Memory
from bitget_connector.stream import AccountStream
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    ReadAgain,
    Reply,
    Send,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
)  # fmt: skip
from common.orders import OrderFilled, OrderSnapshot, OrderTriggered

CLASSIC_URL, UNIFIED_URL = "ws://x/v2/ws/private", "ws://x/v3/ws/private"
NOW = 1763800000000


@pytest.fixture
def memory() -> Memory:
    memory = Memory()
    memory.remember_family("acc-1", unified=False)
    return memory


@pytest.fixture
def stream(memory: Memory, credentials: Any) -> AccountStream:
    """A stream that is subscribed."""
    stream = AccountStream(CLASSIC_URL, UNIFIED_URL, memory)
    stream.add(credentials, NOW)
    assert stream.url() == CLASSIC_URL
    stream.on_open(NOW)
    stream.on_frame('{"event":"login","code":0}', NOW)
    events: StreamEvents = []
    for channel in ("orders", "orders-algo", "fill", "account"):
        events = stream.on_frame(json.dumps({"event": "subscribe", "arg": {"channel": channel}}), NOW)
    assert events == [Subscribed("acc-1")]
    return stream


def told(events: list[Any]) -> list[Any]:
    return [fact for event in events if isinstance(event, FactsReceived) for fact in event.orders]


def test_the_family_is_asked_for_before_the_socket_is_chosen(credentials: Any) -> None:
    stream = AccountStream(CLASSIC_URL, UNIFIED_URL, Memory())
    stream.add(credentials, NOW)
    (ask,) = stream.prepare(NOW)
    assert isinstance(ask, Ask)
    assert stream.url() is None
    stream.on_reply(ask.request_id, Reply(status=400, body=b'{"code":"40085","data":null}'), NOW)
    assert stream.url() == UNIFIED_URL


def test_a_login_is_answered_by_the_subscriptions_of_four_channels(memory: Any, credentials: Any) -> None:
    stream = AccountStream(CLASSIC_URL, UNIFIED_URL, memory)
    stream.add(credentials, NOW)
    stream.url()
    (login,) = stream.on_open(NOW)
    assert isinstance(login, Send)
    assert json.loads(login.frame)["op"] == "login"
    (subscribe,) = stream.on_frame('{"event":"login","code":"0","msg":""}', NOW)
    assert isinstance(subscribe, Send)
    channels = [arg["channel"] for arg in json.loads(subscribe.frame)["args"]]
    assert channels == ["orders", "orders-algo", "fill", "account"]


def test_a_refused_key_is_lost_for_good_and_nothing_secret_shows(memory: Any, credentials: Any) -> None:
    stream = AccountStream(CLASSIC_URL, UNIFIED_URL, memory)
    stream.add(credentials, NOW)
    stream.url()
    assert "demo" not in repr(stream.on_open(NOW))
    (lost,) = stream.on_frame('{"event":"error","code":"30005","msg":"error"}', NOW)
    assert isinstance(lost, SubscriptionLost)
    assert not lost.retryable


def test_a_text_ping_is_said_every_half_minute_and_silence_ends_the_socket(stream: Any) -> None:
    assert Send("ping") in stream.on_time(NOW + 30_000)
    assert stream.on_frame("pong", NOW + 30_100) == []
    assert any(isinstance(event, CloseAndReconnect) for event in stream.on_time(NOW + 200_000))


def test_a_trade_is_told_once_whichever_channel_tells_it(stream: Any, raw: Callable[[str], bytes], frame: Any) -> None:
    (first,) = told(stream.on_frame(raw("ws.orders.partially_filled.limit_buy"), NOW))
    assert isinstance(first, OrderFilled)
    push = frame("ws.fill")
    row = push["data"][0] | {"orderId": "1300000000000000001", "tradeId": "1300000000000000301"}
    assert told(stream.on_frame(json.dumps(push | {"data": [row]}), NOW)) == []
    assert told(stream.on_time(NOW + 5_000)) == []


def test_a_trade_that_only_the_fill_channel_knows_is_told_a_moment_later(stream: Any, raw: Any, frame: Any) -> None:
    stream.on_frame(raw("ws.orders.live"), NOW)
    push = frame("ws.fill")
    row = push["data"][0] | {"orderId": "1300000000000000001"}
    assert told(stream.on_frame(json.dumps(push | {"data": [row]}), NOW)) == []
    (fill,) = told(stream.on_time(NOW + 1_000))
    assert fill.client_order_id == "entry-1"


def test_a_total_that_no_trade_explains_is_asked_for_once(stream: Any, raw: Any, frame: Any) -> None:
    stream.on_frame(raw("ws.orders.live"), NOW)
    (snapshot,) = told(stream.on_frame(raw("ws.orders.filled.no_fill_keys"), NOW))
    assert isinstance(snapshot, OrderSnapshot)
    (ask,) = [event for event in stream.on_time(NOW + 1_000) if isinstance(event, Ask)]
    assert dict(ask.request.params)["orderId"] == "1300000000000000001"
    body = frame("rest.fills")
    body["data"][0] |= {"orderId": "1300000000000000001", "size": "0.005"}
    (fill,) = told(stream.on_reply(ask.request_id, Reply(status=200, body=json.dumps(body).encode()), NOW + 1_100))
    assert str(fill.last_qty) == "0.005"
    assert [event for event in stream.on_time(NOW + 9_000) if isinstance(event, Ask)] == []


def test_a_child_is_told_under_the_name_of_its_plan(stream: Any, raw: Any) -> None:
    (triggered,) = told(stream.on_frame(raw("ws.orders_algo.executing"), NOW))
    (fill,) = told(stream.on_frame(raw("ws.orders.spawned_by_plan"), NOW))
    assert isinstance(triggered, OrderTriggered)
    assert triggered.client_order_id == fill.client_order_id == "p1-SL"


def test_a_child_whose_plan_nobody_knows_is_read_about_and_not_told(stream: Any, raw: Any) -> None:
    (event,) = stream.on_frame(raw("ws.orders.spawned_by_plan"), NOW)
    assert isinstance(event, ReadAgain)


def test_an_account_that_changes_its_family_changes_its_socket(stream: Any, memory: Any) -> None:
    memory.remember_family("acc-1", unified=True)
    assert any(isinstance(event, CloseAndReconnect) for event in stream.on_time(NOW + 1_000))


def test_a_renewed_lease_says_nothing_again(stream: Any, credentials: Any) -> None:
    assert stream.add(msgspec.structs.replace(credentials, key_version=2), NOW) == []
