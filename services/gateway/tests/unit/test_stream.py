"""A user's stream: replay, live, holes, and what a slow client costs. On a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from common.errors import Refused
from gateway.stream.events import LiveEvent
from gateway.stream.hub import NEWEST, PAGE, Hub
from gateway.stream.ports import StreamEvent, draft
from gateway.stream.session import Ending, Gone, Limits, Session, since_of
from gateway.testing.events import MemoryEvents

LIMITS = Limits(most_behind=500, slow_after_s=0.2, connections_per_user=2, recheck_s=60)


class Client:
    """A frontend that takes what it is sent, unless it is `stuck`."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.room = asyncio.Event()
        self.room.set()
        self.gone = False

    async def send(self, events: Sequence[StreamEvent]) -> None:
        await self._ready()
        for event in events:
            self.heard.put_nowait((event.name, event.seq))

    async def say(self, name: str, message: dict[str, Any]) -> None:
        await self._ready()
        self.heard.put_nowait((name, message))

    async def end(self, ending: Ending) -> None:
        if not self.ended.done():
            self.ended.set_result(ending)

    async def next(self) -> tuple[str, Any]:
        return await asyncio.wait_for(self.heard.get(), 5)

    async def numbers(self, count: int) -> list[int]:
        return [(await self.next())[1] for _ in range(count)]

    async def _ready(self) -> None:
        if self.gone:
            raise Gone
        await self.room.wait()


class House:
    def __init__(self) -> None:
        self.store = MemoryEvents()
        self.hub = Hub(self.store)
        self.sources = 0
        self.sessions: list[Session] = []

    async def happens(self, count: int, user_id: str = "u", *, here: bool = True) -> None:
        """Events of the user; not `here` means that another instance wrote them, and only the database knows."""
        for _ in range(count):
            self.sources += 1
            event = LiveEvent("order_update", {"symbol": "BTCUSDT"})
            stored = await self.store.append([draft(user_id, event, str(self.sources))])
            if here:
                self.hub.tell(stored)

    def connects(self, since: int | None, user_id: str = "u", client: Client | None = None) -> Client:
        client = client or Client()
        session = Session(user_id, "token", self.hub, client, LIMITS)
        session.start(since)
        self.sessions.append(session)
        return client


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    await house.store.listen("u")
    reading = asyncio.create_task(house.hub.run())
    yield house
    for session in house.sessions:
        session.closed()
    reading.cancel()


async def test_a_client_without_since_hears_what_comes_from_now_on(house: House) -> None:
    await house.happens(3)
    client = house.connects(None)
    assert await client.next() == ("stream_ready", {"since": 3, "seq": 3})
    await house.happens(2)
    assert await client.numbers(2) == [4, 5]


async def test_a_client_hears_exactly_what_it_missed_and_then_what_is_live(house: House) -> None:
    await house.happens(NEWEST * 2 + 7)
    client = house.connects(5)
    assert await client.next() == ("stream_ready", {"since": 5, "seq": NEWEST * 2 + 7})
    await house.happens(3)
    assert await client.numbers(NEWEST * 2 + 5) == list(range(6, NEWEST * 2 + 11))


@pytest.mark.parametrize("here", [True, False])
async def test_every_connection_of_a_user_hears_the_same_numbers(house: House, here: bool) -> None:
    clients = [house.connects(0), house.connects(0)]
    for client in clients:
        await client.next()
    await house.happens(PAGE + 3, here=here)
    if not here:
        house.hub.heard("u", PAGE + 3)
    for client in clients:
        assert await client.numbers(PAGE + 3) == list(range(1, PAGE + 4))


async def test_a_notice_that_was_lost_is_made_good_by_the_next(house: House) -> None:
    client = house.connects(0)
    await client.next()
    await house.happens(2, here=False)
    await house.happens(1)
    assert await client.numbers(3) == [1, 2, 3]


async def test_what_comes_while_a_listener_is_let_in_is_not_missed(house: House) -> None:
    client = Client()
    client.room.clear()
    house.connects(None, client=client)
    await asyncio.sleep(0)
    await house.happens(2, here=False)
    client.room.set()
    name, ready = await client.next()
    assert name == "stream_ready"
    assert await client.numbers(2 - ready["since"]) == list(range(ready["since"] + 1, 3))


@pytest.mark.parametrize(
    ("since", "reason"), [(2, "TOO_OLD"), (900, "AHEAD"), (10, "TOO_MANY")], ids=["old", "ahead", "many"]
)
async def test_a_past_that_cannot_be_told_asks_for_a_resync_and_goes_on_live(
    house: House, since: int, reason: str
) -> None:
    await house.happens(600)
    house.store.forget("u", 5)
    client = house.connects(since)
    name, message = await client.next()
    assert (name, message["reason"], message["oldestSeq"], message["seq"]) == ("resync_required", reason, 6, 600)
    assert "/exchanges/open-orders" in message["snapshot"]
    await house.happens(1)
    assert await client.next() == ("order_update", 601)


async def test_events_pruned_under_a_replay_are_a_hole_that_is_said(house: House) -> None:
    await house.happens(NEWEST * 3)
    client = Client()
    client.room.clear()
    house.connects(0, client=client)
    await asyncio.sleep(0.05)
    house.store.forget("u", 200)
    client.room.set()
    assert (await client.next())[0] == "stream_ready"
    assert (await client.next())[0] == "resync_required"


async def test_a_client_that_takes_nothing_is_ended_and_delays_nobody(house: House) -> None:
    slow, quick = house.connects(0), house.connects(0)
    for client in (slow, quick):
        await client.next()
    slow.room.clear()
    await house.happens(100)
    assert await quick.numbers(100) == list(range(1, 101))
    assert await asyncio.wait_for(slow.ended, 5) is Ending.SLOW_CLIENT


async def test_a_client_that_is_gone_is_not_sent_to(house: House) -> None:
    client = house.connects(0)
    await client.next()
    client.gone = True
    await house.happens(1)
    async with asyncio.timeout(5):
        while house.hub.listening:
            await asyncio.sleep(0.001)


async def test_a_resync_begins_again_where_the_client_says_but_not_without_end(house: House) -> None:
    client = house.connects(0)
    await client.next()
    await house.happens(3)
    assert await client.numbers(3) == [1, 2, 3]
    house.sessions[0].resync(1)
    assert await client.next() == ("stream_ready", {"since": 1, "seq": 3})
    assert await client.numbers(2) == [2, 3]
    with pytest.raises(Refused, match="once a second"):
        house.sessions[0].resync(1)


async def test_a_database_that_is_away_for_a_moment_costs_no_event(house: House) -> None:
    await house.happens(NEWEST + 50)
    client = Client()
    house.store.away = True
    house.connects(0, client=client)
    await asyncio.sleep(0.05)
    house.store.away = False
    assert (await client.next())[0] == "stream_ready"
    assert await client.numbers(NEWEST + 50) == list(range(1, NEWEST + 51))


async def test_recent_events_are_read_from_the_database_once_for_all_connections(house: House) -> None:
    keeper = house.connects(0)
    await keeper.next()
    await house.happens(PAGE)
    await keeper.numbers(PAGE)
    reads = house.store.reads
    clients = [house.connects(0) for _ in range(5)]
    for client in clients:
        await client.next()
        await client.numbers(PAGE)
    assert house.store.reads == reads


@pytest.mark.parametrize("value", [-1, "x", "1e3", 1.5, True, {}, "9" * 30])
def test_a_since_that_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(Refused) as refused:
        since_of(value)
    assert refused.value.field == "since"


def test_since_may_come_as_text_or_not_at_all() -> None:
    assert (since_of("7"), since_of(7), since_of(None), since_of("")) == (7, 7, None, None)
