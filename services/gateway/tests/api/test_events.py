"""GET /events: the stream for clients without a socket; and its documents."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.stream.events import LiveEvent
from gateway.testing.frontends import PlainFrontend


async def happen(house: Any, user_id: str, count: int) -> None:
    for number in range(count):
        await house.parts.stream.tell(user_id, LiveEvent("order_update", {"orderStatus": "NEW"}), f"{user_id}{number}")


async def test_events_are_read_page_by_page_as_the_sockets_tell_them(house: Any, stranger: Any) -> None:
    user_id = await stranger.sign_in("user@example.com")
    first = (await stranger.ask("GET", "/events?since=0")).body["data"]
    assert first == {"events": [], "seq": 0, "oldestSeq": 1, "more": False}
    await happen(house, user_id, 5)
    page = (await stranger.ask("GET", "/events?since=1&limit=3")).body["data"]
    assert [each["data"]["seq"] for each in page["events"]] == [2, 3, 4]
    assert page["events"][0] == {"event": "order_update", "data": {"seq": 2, "orderStatus": "NEW"}}
    assert (page["seq"], page["oldestSeq"], page["more"]) == (5, 1, True)
    rest = (await stranger.ask("GET", "/events?since=4&limit=3")).body["data"]
    assert ([each["data"]["seq"] for each in rest["events"]], rest["more"]) == ([5], False)


async def test_what_can_no_longer_be_told_is_gone_and_says_what_to_read_instead(house: Any, stranger: Any) -> None:
    user_id = await stranger.sign_in("user@example.com")
    await stranger.ask("GET", "/events?since=0")
    await happen(house, user_id, 5)
    house.parts.stream.store.forget(user_id, 3)
    for since in (1, 99):
        reply = await stranger.ask("GET", f"/events?since={since}")
        assert (reply.status, reply.body["code"], reply.body["field"]) == (410, "RESYNC_REQUIRED", "since")
        assert "/exchanges/open-orders" in reply.body["fix"]
        assert "since=5" in reply.body["fix"]
    assert (await stranger.ask("GET", "/events?since=3")).status == 200


async def test_a_number_that_is_none_is_refused(user: Any) -> None:
    for query in ("", "?since=-1", "?since=x", "?since=1&limit=0", "?since=1&limit=501"):
        assert (await user.ask("GET", f"/events{query}")).status == 400


async def test_events_are_their_users_own(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/events?since=0")).status == 401


async def test_the_stream_is_documented_for_machines_and_for_people(stranger: Any) -> None:
    document = await stranger.ask("GET", "/asyncapi.json")
    assert document.body["asyncapi"] == "3.0.0"
    assert {"socketio", "websocket", "cgt.order-events.v1"} <= set(document.body["channels"])
    people = await stranger.ask("GET", "/async-docs")
    assert (people.status, people.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "order_update" in people.text


@pytest.fixture
async def frontend() -> AsyncIterator[PlainFrontend]:
    frontend = PlainFrontend()
    yield frontend
    await frontend.close()


def closed(frontend: PlainFrontend) -> bool:
    return any(name == "stream_closed" for name, _ in frontend.heard)


async def test_a_log_out_ends_the_connections_of_its_session(house: Any, stranger: Any, frontend: Any) -> None:
    await stranger.sign_in("user@example.com")
    await frontend.connect(stranger.base, stranger.token)
    (session,) = [each for each in (await stranger.ask("GET", "/auth/sessions")).body["data"] if each["current"]]
    assert (await stranger.ask("DELETE", f"/auth/sessions/{session['id']}")).status == 200
    await house.parts.door.recheck()
    await frontend.until(lambda: closed(frontend))
    assert frontend.heard[-1][1]["code"] == "UNAUTHENTICATED"


async def test_a_token_that_expires_ends_its_connection(house: Any, user: Any, frontend: Any) -> None:
    await frontend.connect(user.base, user.token)
    house.clock.advance(3_599_000)
    await house.parts.door.recheck()
    house.clock.advance(1_000)
    await house.parts.door.recheck()
    await frontend.until(lambda: closed(frontend))


async def test_a_programs_token_listens_if_it_may_read(user: Any, frontend: Any) -> None:
    made = [await user.ask("POST", "/auth/tokens", {"name": scope, "scopes": [scope]}) for scope in ("read", "trade")]
    reads, trades = (each.body["data"]["token"] for each in made)
    await frontend.connect(user.base, reads)
    other = PlainFrontend()
    await other.open(user.base, trades)
    await other.until(lambda: bool(other.heard))
    assert other.heard[0][1]["code"] == "SCOPE_MISSING"
    await other.close()
