"""The private stream: what waits, what is read again, what is told as a price order, what ends the socket."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.accounts import Credentials
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    ReadAgain,
    Reply,
    Send,
    Subscribed,
    SubscriptionLost,
    Unknown,
)
from common.exchanges import Exchange
from common.orders import OrderFact, OrderStatus, type_of
from gateio_connector.memory import Memory
from gateio_connector.signing import channel_signature
from gateio_connector.stream import CHANNELS, AccountStream

FRAMES = Path(__file__).parent.parent / "frames"
NOW = 1_763_800_000_000
KEY = Credentials(
    account_id="acc-1", exchange=Exchange.GATEIO, api_key="k", secret="s", passphrase=None, key_version=1,
    expires_at_ms=NOW,
)  # fmt: skip
OK = {"status": "success"}


def sample(name: str, **changes: Any) -> str:
    frame = json.loads((FRAMES / f"{name}.json").read_bytes())
    rows = frame["result"] if isinstance(frame["result"], list) else [frame["result"]]
    for row in rows:
        row.update(changes)
    return json.dumps(frame)


def reply(name: str, *, many: bool = False) -> Reply:
    row = json.loads((FRAMES / f"{name}.json").read_bytes())
    return Reply(status=200, body=json.dumps([row] if many else row).encode())


@pytest.fixture
def stream() -> AccountStream:
    stream = AccountStream("ws://x/ws/v4/", Memory())
    stream.add(KEY, NOW)
    sent = [json.loads(event.frame) for event in stream.on_open(NOW) if isinstance(event, Send)]
    assert [frame["channel"] for frame in sent] == list(CHANNELS)
    for frame in sent:
        assert frame["auth"]["SIGN"] == channel_signature("s", frame["channel"], "subscribe", NOW // 1000)
    events = [event for channel in CHANNELS for event in stream.on_frame(answered(channel), NOW)]
    assert events == [Subscribed("acc-1")]
    return stream


def answered(channel: str, error: Any = None) -> str:
    return json.dumps({"time": 1, "channel": channel, "event": "subscribe", "error": error, "result": OK})


def facts(events: Any) -> list[OrderFact]:
    return [fact for event in events if isinstance(event, FactsReceived) for fact in event.orders]


def kinds(events: Any) -> list[str]:
    return [type_of(fact) for fact in facts(events)]


CHILD = {"id": "900000000777"}
CHILD_TRADE = {"order_id": "900000000777", "text": "apiv4", "side": "sell", "amount": "0.00499", "price": "57500"}
CHILD_END = {
    **CHILD, "text": "apiv4", "side": "sell", "amount": "0.00499", "left": "0", "filled_amount": "0.00499",
    "filled_total": "286.925", "event": "finish", "finish_as": "filled",
}  # fmt: skip


def test_an_end_waits_for_the_trades_it_counts(stream: AccountStream) -> None:
    end = sample("ws.orders.finish_filled", filled_amount="0.004", amount="0.004", left="0")
    assert stream.on_frame(end, NOW) == []
    assert kinds(stream.on_frame(sample("ws.usertrades"), NOW)) == ["order.filled", "order.snapshot"]


def test_an_end_whose_trades_were_told_waits_for_nothing(stream: AccountStream) -> None:
    assert kinds(stream.on_frame(sample("ws.usertrades"), NOW)) == ["order.filled"]
    end = sample("ws.orders.finish_filled", filled_amount="0.004", amount="0.004", left="0")
    assert [fact.status for fact in facts(stream.on_frame(end, NOW))] == [OrderStatus.FILLED]


def test_an_end_is_told_without_its_trades_after_a_while(stream: AccountStream) -> None:
    stream.on_frame(sample("ws.orders.finish_filled"), NOW)
    assert kinds(stream.on_time(NOW + 1_000)) == []
    assert kinds(stream.on_time(NOW + 2_000)) == ["order.snapshot"]


def test_an_order_that_a_price_order_placed_is_told_as_the_price_order(stream: AccountStream) -> None:
    (ask,) = stream.on_frame(sample("ws.orders.fired_order_put"), NOW)
    assert isinstance(ask, Ask)
    assert ask.request.path == "/spot/price_orders"
    assert stream.on_frame(sample("ws.usertrades", **CHILD_TRADE), NOW) == []
    told = facts(stream.on_reply(ask.request_id, reply("rest.price_order.finish", many=True), NOW))
    assert [type_of(fact) for fact in told] == ["order.triggered", "order.filled"]
    assert {fact.exchange_order_id for fact in told} == {"po-1500000001"}
    ended = facts(stream.on_frame(sample("ws.orders.fired_order_put", **CHILD_END), NOW))
    assert [(fact.status, fact.exchange_order_id) for fact in ended] == [(OrderStatus.FILLED, "po-1500000001")]


def test_a_price_order_that_says_it_fired_is_read_and_told_once(stream: AccountStream) -> None:
    (ask,) = stream.on_frame(sample("ws.priceorders.fired"), NOW)
    assert isinstance(ask, Ask)
    assert ask.request.path == "/spot/price_orders/1500000001"
    assert kinds(stream.on_reply(ask.request_id, reply("rest.price_order.finish"), NOW)) == ["order.triggered"]
    assert kinds(stream.on_reply(ask.request_id, reply("rest.price_order.finish"), NOW)) == []
    assert kinds(stream.on_frame(sample("ws.usertrades", **CHILD_TRADE), NOW)) == ["order.filled"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("cancelled", "order.canceled"), ("failed", "order.expired"), ("expired", "order.expired")],
)
def test_a_price_order_that_ended_is_read_to_learn_how(stream: AccountStream, name: str, kind: str) -> None:
    (ask,) = stream.on_frame(sample("ws.priceorders.cancelled"), NOW)
    assert isinstance(ask, Ask)
    assert kinds(stream.on_reply(ask.request_id, reply(f"rest.price_order.{name}"), NOW)) == [kind]


def test_a_price_order_that_waits_says_nothing_new(stream: AccountStream) -> None:
    assert stream.on_frame(sample("ws.priceorders.created"), NOW) == []


def test_a_price_order_that_cannot_be_read_has_the_account_read(stream: AccountStream) -> None:
    (ask,) = stream.on_frame(sample("ws.priceorders.fired"), NOW)
    assert isinstance(ask, Ask)
    (again,) = stream.on_reply(ask.request_id, Unknown("timeout", ""), NOW)
    assert isinstance(again, ReadAgain)


def test_an_order_that_nobody_claims_is_told_as_a_strangers(stream: AccountStream) -> None:
    stream.on_frame(sample("ws.orders.fired_order_put"), NOW)
    told = [fact for tick in range(1, 6) for fact in facts(stream.on_time(NOW + tick * 1_000))]
    assert [(type_of(fact), fact.client_order_id) for fact in told] == [("order.accepted", None)]
    assert kinds(stream.on_frame(sample("ws.usertrades", **CHILD_TRADE), NOW)) == ["order.filled"]


def test_a_refused_key_is_told_and_not_tried_again(stream: AccountStream) -> None:
    fresh = AccountStream("ws://x", Memory())
    fresh.add(KEY, NOW)
    fresh.on_open(NOW)
    (lost,) = fresh.on_frame((FRAMES / "ws.auth_error.json").read_text(), NOW)
    assert isinstance(lost, SubscriptionLost)
    assert not lost.retryable


def test_a_signature_of_the_wrong_time_is_made_again() -> None:
    fresh = AccountStream("ws://x", Memory())
    fresh.add(KEY, NOW)
    fresh.on_open(NOW)
    late = {"code": 4, "message": '{"label":"REQUEST_EXPIRED","message":"late"}\n'}
    (lost,) = fresh.on_frame(answered("spot.orders", late), NOW)
    assert isinstance(lost, SubscriptionLost)
    assert lost.retryable
    assert len(fresh.add(KEY, NOW)) == len(CHANNELS)


def test_an_announced_upgrade_opens_the_next_socket_first(stream: AccountStream) -> None:
    (leave,) = stream.on_frame((FRAMES / "ws.system_upgrade.json").read_text(), NOW)
    assert leave == CloseAndReconnect("the exchange announced an upgrade", planned=True)


def test_a_quiet_socket_is_pinged_and_a_dead_one_is_left(stream: AccountStream) -> None:
    (ping,) = stream.on_time(NOW + 16_000)
    assert isinstance(ping, Send)
    assert json.loads(ping.frame)["channel"] == "spot.ping"
    stream.on_frame((FRAMES / "ws.pong.json").read_text(), NOW + 16_100)
    assert not any(isinstance(event, CloseAndReconnect) for event in stream.on_time(NOW + 50_000))
    assert any(isinstance(event, CloseAndReconnect) for event in stream.on_time(NOW + 60_000))
