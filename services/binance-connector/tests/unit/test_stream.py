import json
from typing import Any

import pytest

from binance_connector.order_socket import OrderEntry
from binance_connector.stream import ANSWER_WITHIN_MS, RETRY_AFTER_MS, UserDataStream
from common.accounts import BalanceChanged
from common.connector.ports import (
    CloseAndReconnect,
    FactsReceived,
    HttpRequest,
    MarketChannel,
    MarketReceived,
    ReplyReceived,
    Send,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unreadable,
)
from common.orders import OrderAccepted, OrderCanceled, OrderFilled, OrderTriggered

NOW = 1795341700000
PEM = "-----BEGIN PRIVATE KEY-----\n????\n-----END PRIVATE KEY-----"


def request_of(event: Any) -> dict[str, Any]:
    assert isinstance(event, Send)
    request: dict[str, Any] = json.loads(event.frame)
    return request


def an_answer(request: dict[str, Any], subscription_id: int) -> str:
    return json.dumps({"id": request["id"], "status": 200, "result": {"subscriptionId": subscription_id}})


def an_error(request: dict[str, Any], status: int, **error: Any) -> str:
    return json.dumps({"id": request["id"], "status": status, "error": error})


def an_event(frame: dict[str, Any], subscription_id: int) -> str:
    return json.dumps({**frame, "subscriptionId": subscription_id})


def opened(dialect: Any, *accounts: Any) -> tuple[UserDataStream, list[dict[str, Any]]]:
    stream = dialect.private_stream()
    for account in accounts:
        assert stream.add(account, NOW) == []
    return stream, [request_of(event) for event in stream.on_open(NOW)]


def subscribed(dialect: Any, *accounts: Any) -> UserDataStream:
    stream, requests = opened(dialect, *accounts)
    for number, request in enumerate(requests):
        stream.on_frame(an_answer(request, number), NOW)
    return stream


def test_every_account_is_subscribed_with_its_own_signature(dialect: Any, credentials: Any) -> None:
    stream, requests = opened(dialect, credentials("acc-1"), credentials("acc-2", api_key="other"))
    assert stream.url() == "ws://127.0.0.1:1/ws-api/v3"
    assert [request["method"] for request in requests] == ["userDataStream.subscribe.signature"] * 2
    assert [request["params"]["apiKey"][:5] for request in requests] == ["vmPUZ", "other"]
    assert requests[0]["id"] != requests[1]["id"]
    assert stream.on_frame(an_answer(requests[1], 0), NOW) == [Subscribed("acc-2")]
    assert stream.on_frame(an_answer(requests[0], 1), NOW) == [Subscribed("acc-1")]


def test_facts_belong_to_the_account_of_their_subscription(dialect: Any, credentials: Any, frame: Any) -> None:
    stream = subscribed(dialect, credentials("acc-1"), credentials("acc-2"))
    (event,) = stream.on_frame(an_event(frame("uds_executionReport_new"), 1), NOW)
    assert isinstance(event, FactsReceived)
    assert (event.account_id, event.orders[0].account_id, event.orders[0].ts_init_ms) == ("acc-2", "acc-2", NOW)
    (event,) = stream.on_frame(an_event(frame("uds_outboundAccountPosition"), 0).encode(), NOW)
    assert isinstance(event, FactsReceived)
    (told,) = event.balances
    assert isinstance(told, BalanceChanged)
    assert (event.account_id, len(told.balances)) == ("acc-1", 3)


def test_events_that_overtake_the_answer_wait_for_it(dialect: Any, credentials: Any, frame: Any) -> None:
    stream, (request,) = opened(dialect, credentials("acc-1"))
    assert stream.on_frame(an_event(frame("uds_executionReport_new"), 4), NOW) == []
    assert stream.on_frame(an_event(frame("uds_executionReport_trade_partial_maker"), 4), NOW) == []
    first, second, third = stream.on_frame(an_answer(request, 4), NOW)
    assert first == Subscribed("acc-1")
    assert isinstance(second, FactsReceived)
    assert isinstance(second.orders[0], OrderAccepted)
    assert isinstance(third, FactsReceived)
    assert isinstance(third.orders[0], OrderFilled)


def test_an_account_added_while_open_is_subscribed_at_once_and_only_once(dialect: Any, credentials: Any) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    (sent,) = stream.add(credentials("acc-2"), NOW)
    assert stream.add(credentials("acc-2"), NOW) == []
    stream.on_frame(an_answer(request_of(sent), 9), NOW)
    assert stream.add(credentials("acc-2", api_key="renewed"), NOW) == []


def test_a_removed_account_is_unsubscribed_and_its_late_events_are_dropped(
    dialect: Any, credentials: Any, frame: Any
) -> None:
    stream = subscribed(dialect, credentials("acc-1"), credentials("acc-2"))
    (sent,) = stream.remove("acc-1", NOW)
    request = request_of(sent)
    assert (request["method"], request["params"]) == ("userDataStream.unsubscribe", {"subscriptionId": 0})
    assert stream.on_frame(json.dumps({"id": request["id"], "status": 200, "result": {}}), NOW) == []
    assert stream.on_frame(an_event(frame("uds_eventStreamTerminated"), 0), NOW) == []
    assert stream.on_frame(an_event(frame("uds_executionReport_new"), 0), NOW) == []
    assert stream.remove("acc-1", NOW) == []


def test_an_account_removed_before_its_answer_is_unsubscribed_when_it_comes(dialect: Any, credentials: Any) -> None:
    stream, (request,) = opened(dialect, credentials("acc-1"))
    assert stream.remove("acc-1", NOW) == []
    (sent,) = stream.on_frame(an_answer(request, 3), NOW)
    assert request_of(sent)["params"] == {"subscriptionId": 3}


def test_a_terminated_subscription_is_asked_for_again(dialect: Any, credentials: Any, frame: Any) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    (lost,) = stream.on_frame(an_event(frame("uds_eventStreamTerminated"), 0), NOW)
    assert isinstance(lost, SubscriptionLost)
    assert lost.retryable
    (sent,) = stream.on_time(NOW)
    assert stream.on_frame(an_answer(request_of(sent), 1), NOW) == [Subscribed("acc-1")]
    (event,) = stream.on_frame(an_event(frame("uds_executionReport_new"), 1), NOW)
    assert isinstance(event, FactsReceived)


@pytest.mark.parametrize(("status", "code"), [(401, -2015), (400, -2014), (400, -1022), (400, -2035)])
def test_a_refused_key_parks_its_account_alone(dialect: Any, credentials: Any, status: Any, code: Any) -> None:
    stream, (first, second) = opened(dialect, credentials("acc-1"), credentials("acc-2"))
    (lost,) = stream.on_frame(an_error(first, status, code=code, msg="no"), NOW)
    assert isinstance(lost, SubscriptionLost)
    assert (lost.account_id, lost.retryable) == ("acc-1", False)
    assert stream.on_frame(an_answer(second, 0), NOW) == [Subscribed("acc-2")]
    assert stream.on_time(NOW + 10 * RETRY_AFTER_MS) == []


def test_a_limit_is_waited_out_and_then_asked_again(dialect: Any, credentials: Any) -> None:
    stream, (request,) = opened(dialect, credentials("acc-1"))
    data = {"serverTime": NOW, "retryAfter": NOW + 30_000}
    (lost,) = stream.on_frame(an_error(request, 429, code=-1003, msg="wait", data=data), NOW)
    assert isinstance(lost, SubscriptionLost)
    assert lost.retryable
    assert stream.on_time(NOW + 29_999) == []
    assert len(stream.on_time(NOW + 30_000)) == 1


def test_a_clock_error_is_retried_with_a_fresh_time(dialect: Any, credentials: Any) -> None:
    stream, (request,) = opened(dialect, credentials("acc-1"))
    stream.on_frame(an_error(request, 400, code=-1021, msg="late"), NOW)
    (sent,) = stream.on_time(NOW + RETRY_AFTER_MS)
    assert request_of(sent)["params"]["timestamp"] == NOW + RETRY_AFTER_MS


def test_exhausted_subscription_ids_need_a_new_connection(dialect: Any, credentials: Any) -> None:
    stream, (request,) = opened(dialect, credentials("acc-1"))
    (event,) = stream.on_frame(an_error(request, 400, code=-2042, msg="exhausted"), NOW)
    assert isinstance(event, CloseAndReconnect)
    assert event.planned


def test_a_subscription_that_is_never_answered_ends_the_connection(dialect: Any, credentials: Any) -> None:
    stream, _ = opened(dialect, credentials("acc-1"))
    assert stream.on_time(NOW + ANSWER_WITHIN_MS) == []
    (event,) = stream.on_time(NOW + ANSWER_WITHIN_MS + 1)
    assert isinstance(event, CloseAndReconnect)
    assert not event.planned


def test_a_secret_that_is_no_key_parks_its_account(dialect: Any, credentials: Any) -> None:
    stream = dialect.private_stream()
    stream.add(credentials("acc-1", secret=PEM), NOW)
    (lost,) = stream.on_open(NOW)
    assert isinstance(lost, SubscriptionLost)
    assert not lost.retryable
    assert "????" not in lost.reason


def test_a_restart_is_announced_and_the_connection_replaced(dialect: Any, credentials: Any, raw: Any) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    (event,) = stream.on_frame(raw("wsapi_event_serverShutdown").decode(), NOW)
    assert isinstance(event, CloseAndReconnect)
    assert event.planned


def test_unknown_event_types_are_ignored_and_broken_known_ones_are_not(
    dialect: Any, credentials: Any, frame: Any
) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    assert stream.on_frame(an_event({"event": {"e": "somethingNew", "E": 1}}, 0), NOW) == []
    broken = frame("uds_executionReport_new")
    del broken["event"]["i"]
    (event,) = stream.on_frame(an_event(broken, 0), NOW)
    assert isinstance(event, Unreadable)
    assert event.account_id == "acc-1"
    unmodelled = frame("uds_executionReport_new")
    unmodelled["event"]["x"] = "TELEPORTED"
    (event,) = stream.on_frame(an_event(unmodelled, 0), NOW)
    assert isinstance(event, Unreadable)
    assert event.account_id == "acc-1"


@pytest.mark.parametrize(
    "raw_frame", ["", "[]", "{}", "null", '{"id":null,"status":401,"error":{"code":-2015}}', b"\xff"]
)
def test_a_frame_nobody_understands_is_handed_on_as_unreadable(dialect: Any, credentials: Any, raw_frame: Any) -> None:
    (event,) = subscribed(dialect, credentials("acc-1")).on_frame(raw_frame, NOW)
    assert isinstance(event, Unreadable)
    assert event.account_id is None


def a_report(frame: Any, name: str, **fields: Any) -> str:
    report = frame(name)
    report["event"].update(fields)
    return an_event(report, 0)


def facts_of(events: StreamEvents) -> Any:
    (event,) = events
    assert isinstance(event, FactsReceived)
    return event.orders[0]


def test_a_stop_that_starts_to_work_is_triggered(dialect: Any, credentials: Any, frame: Any) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    name = "uds_executionReport_stop_new_not_working"
    assert isinstance(facts_of(stream.on_frame(a_report(frame, name), NOW)), OrderAccepted)
    fact = facts_of(stream.on_frame(a_report(frame, name, w=True, W=1795341700000), NOW))
    assert isinstance(fact, OrderTriggered)


def test_a_cancel_without_the_original_id_is_told_under_the_order_our_cancel_names(
    dialect: Any, credentials: Any, frame: Any
) -> None:
    stream = subscribed(dialect, credentials("acc-1"))
    for original in ("", None):
        report = a_report(frame, "uds_executionReport_canceled", C=original, c="b2345672345672345-e0-c")
        fact = facts_of(stream.on_frame(report, NOW))
        assert isinstance(fact, OrderCanceled)
        assert fact.client_order_id == "b2345672345672345-e0"


def test_an_order_over_the_socket_is_the_rest_request_under_its_method_name(dialect: Any, credentials: Any) -> None:
    socket = dialect.order_socket()
    assert isinstance(socket, OrderEntry)
    assert socket.on_open(NOW) == []
    request = HttpRequest(
        method="DELETE", path="/api/v3/order", params=(("symbol", "BTCUSDT"), ("orderId", "52000000001")),
        signed=True, channel="order.cancel",
    )  # fmt: skip
    sent = json.loads(socket.request("r-1", request, credentials(), NOW))
    assert (sent["id"], sent["method"]) == ("r-1", "order.cancel")
    assert {k: v for k, v in sent["params"].items() if k not in {"apiKey", "signature"}} == {
        "symbol": "BTCUSDT", "orderId": 52000000001, "recvWindow": 5000, "timestamp": NOW
    }  # fmt: skip


def test_an_answer_over_the_socket_is_the_reply_rest_would_have_given(dialect: Any, raw: Any, frame: Any) -> None:
    socket = dialect.order_socket()
    (event,) = socket.on_frame(raw("wsapi_order_place_response_full").decode(), NOW)
    assert isinstance(event, ReplyReceived)
    assert (event.request_id, event.reply.status) == ("5f0c0a10-0001", 200)
    assert json.loads(event.reply.body) == frame("rest_order_post_full_market_filled")
    assert event.reply.headers == {
        "x-mbx-order-count-10s": "1", "x-mbx-order-count-1d": "41", "x-mbx-used-weight-1m": "2"
    }  # fmt: skip
    (event,) = socket.on_frame(raw("wsapi_error_418_banned").decode(), NOW)
    assert isinstance(event, ReplyReceived)
    assert (event.reply.status, event.reply.headers["retry-after"]) == (418, "3493")
    assert json.loads(event.reply.body)["code"] == -1003


def test_the_order_socket_survives_what_it_did_not_ask_for(dialect: Any, raw: Any) -> None:
    socket = dialect.order_socket()
    (event,) = socket.on_frame(raw("wsapi_event_serverShutdown"), NOW)
    assert isinstance(event, CloseAndReconnect)
    (event,) = socket.on_frame(raw("wsapi_error_401_session_revoked"), NOW)
    assert isinstance(event, Unreadable)
    assert socket.on_frame('{"event":{"e":"somethingNew"}}', NOW) == []


def test_market_streams_are_subscribed_in_bundles(dialect: Any) -> None:
    stream = dialect.market_stream()
    assert stream.url() == "ws://127.0.0.1:1/stream"
    symbols = [f"S{number}USDT" for number in range(250)]
    assert stream.watch(symbols, [MarketChannel.TICKER], NOW) == []
    first, second = (request_of(event) for event in stream.on_open(NOW))
    assert (first["method"], len(first["params"]), len(second["params"])) == ("SUBSCRIBE", 200, 50)
    assert isinstance(first["id"], int)
    assert stream.watch(symbols[:3], [MarketChannel.TICKER], NOW) == []
    (sent,) = stream.watch(["BTCUSDT"], [MarketChannel.CANDLES, MarketChannel.TRADES], NOW)
    assert request_of(sent)["params"] == ["btcusdt@kline_1m", "btcusdt@trade"]
    (sent,) = stream.unwatch(["BTCUSDT"], [MarketChannel.TRADES, MarketChannel.DEPTH], NOW)
    assert (request_of(sent)["method"], request_of(sent)["params"]) == ("UNSUBSCRIBE", ["btcusdt@trade"])


def test_a_partial_book_is_known_by_the_name_of_its_stream(dialect: Any, frame: Any) -> None:
    stream = dialect.market_stream()
    stream.watch(["这是测试币456"], [MarketChannel.DEPTH], NOW)
    wrapped = {"stream": "这是测试币456@depth20", "data": frame("stream_depth_partial5")}
    (event,) = stream.on_frame(json.dumps(wrapped), NOW)
    assert isinstance(event, MarketReceived)
    assert event.facts[0].symbol == "这是测试币456"


def test_market_frames_that_say_nothing_are_skipped(dialect: Any, raw: Any) -> None:
    stream = dialect.market_stream()
    assert stream.on_frame(raw("stream_subscribe_response"), NOW) == []
    assert stream.on_frame(raw("stream_avgPrice"), NOW) == []
    assert isinstance(stream.on_frame(raw("stream_error"), NOW)[0], Unreadable)
    assert isinstance(stream.on_frame(raw("stream_serverShutdown_combined"), NOW)[0], CloseAndReconnect)
    assert isinstance(stream.on_frame("rubbish", NOW)[0], Unreadable)
