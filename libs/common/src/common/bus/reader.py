"""One Kafka consumer over partitions chosen by us, positioned by us, that costs next to nothing while nothing happens.

Everything peculiar about reading lives here: the end of a partition as the first fetch tells it (the embedded broker's
`end_offsets` is wrong), positions beyond the end, and pauses between fetches where a fetch does not wake on data.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from common.bus.admin import BROKER_ERRORS, admin_client, cluster_id, ensure_topics, stop_client
from common.bus.brokers import BusSettings, Pace
from common.bus.lifeline import connect_lifeline
from common.bus.messages import Record, record_from
from common.bus.tempo import Tempo
from common.bus.topics import Topic
from common.errors import CgtError, Unavailable
from common.metrics import LAG

Place = tuple[str, int]
"""A topic (its logical name) and a partition."""

_POLL_MS = 100
_LAG_EVERY_S = 5.0
_GATHER_S = 0.016
"""The longest pause between fetches under load."""
_CALM, _BUSY = 500.0, 2_500.0
"""Records a second: up to the first each is fetched at once, from the second on they gather for all of the pause. A
fetch costs client and broker the same whether it brings one record or twenty."""
_MEMORY_S = 0.2
"""The time over which that is measured."""

_log = structlog.get_logger(__name__)


class PositionsLost(CgtError):
    """What comes next at these places is not there: their topic was emptied, or retention was faster than we were."""

    def __init__(self, places: Collection[Place]) -> None:
        super().__init__(f"positions that cannot be read on from: {sorted(places)}")
        self.places = frozenset(places)


class Reader:
    """Reads assigned places in order, on one broker for as long as that lives; `cluster_id` says which broker it is.

    Between fetches it rests, for the sake of the broker, for as long as its tempo allows.
    """

    def __init__(
        self,
        settings: BusSettings,
        topics: Sequence[Topic],
        client_id: str,
        *,
        tempo: Tempo,
    ) -> None:
        self._settings = settings
        self._tempo = tempo
        self._hold_ms = settings.traits.fetch_hold_ms
        self._topics = tuple(topics)
        self._client_id = client_id
        self._positions: dict[Place, int] = {}
        self._fresh_from: dict[Place, int] = {}
        self._stack = AsyncExitStack()
        self._wake = asyncio.Event()
        self._last_record_s = time.monotonic()
        self._polled_s = time.monotonic()
        self._per_s = 0.0
        """Records a second, as of late."""
        self._lag_reported_s = 0.0
        self._lost: list[Place] = []
        self.cluster_id = ""

    async def __aenter__(self) -> "Reader":
        """Connect, with the topics declared. Raises Unavailable."""
        await ensure_topics(self._settings, self._topics)
        try:
            self._lifeline = await connect_lifeline(self._settings, on_lost=self._wake.set)
            self._stack.callback(self._lifeline.close)
            async with admin_client(self._settings) as admin:
                self.cluster_id = await cluster_id(admin)
            self._consumer = await self._connect()
            self._stack.enter_context(self._tempo.nudging(self.nudge))
        except (Unavailable, *BROKER_ERRORS) as error:
            await self._stack.aclose()
            raise Unavailable("the broker") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def positions(self) -> Mapping[Place, int]:
        """The next offset of every assigned place."""
        return self._positions

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these places and no others; a place that was assigned before goes on where it is."""
        self._fresh_from = {place: offset for place, offset in self._fresh_from.items() if place in positions}
        self._positions = {place: self._positions.get(place, offset) for place, offset in positions.items()}
        self._consumer.assign([self._partition(place) for place in self._positions])
        for place, offset in self._positions.items():
            self._consumer.seek(self._partition(place), offset)
        self.nudge()

    @property
    def caught_up(self) -> bool:
        """Whether the end of every assigned place has been seen: what is published from now on is fresh."""
        return len(self._fresh_from) == len(self._positions)

    def pause(self, places: Collection[Place]) -> None:
        """Fetch nothing more from these places for now."""
        self._consumer.pause(*[self._partition(place) for place in places])

    def resume(self, places: Collection[Place]) -> None:
        """Fetch from these places again."""
        self._consumer.resume(*[self._partition(place) for place in places])

    def nudge(self) -> None:
        """Something is about to happen: fetch without pauses for a while."""
        self._last_record_s = time.monotonic()
        self._wake.set()

    async def poll(self) -> list[Record]:
        """What arrived, possibly nothing, within about 100 ms.

        Raises PositionsLost, or Unavailable or an error of `BROKER_ERRORS` when this reader is of no more use.
        """
        if self._lifeline.lost:
            raise Unavailable("the broker")
        if self._lost:
            # Said one poll late, so that what other places delivered in the same fetch is not lost.
            lost, self._lost = self._lost, []
            raise PositionsLost(lost)
        if self._settings.traits.end_offsets_trusted and not self.caught_up:
            await self._ask_for_ends()
        pause_s = self._pause_s() if self.caught_up else 0.0
        if pause_s > 0:
            await self._rest(pause_s)
        try:
            fetched = await self._consumer.getmany(timeout_ms=self._poll_ms(resting=pause_s > 0))
        except OffsetOutOfRangeError as error:
            await self._explain_out_of_range(error)
            return []
        high_waters = self._high_waters()
        for place, high_water in high_waters.items():
            self._fresh_from.setdefault(place, high_water)
        records = [
            record_from(raw, place[0], fresh_from=self._fresh_from.get(place))
            for tp, raws in fetched.items()
            for place in (self._place(tp),)
            for raw in raws
        ]
        for record in records:
            self._positions[record.topic, record.partition] = record.offset + 1
        self._measure(len(records))
        self._lost += [place for place, end in high_waters.items() if end < self._positions[place]]
        self._report_lag(high_waters)
        return records

    async def _connect(self) -> AIOKafkaConsumer:
        traits = self._settings.traits
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            client_id=self._client_id,
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_min_bytes=1,
            fetch_max_wait_ms=self._hold_ms,
            request_timeout_ms=traits.request_timeout_ms,
            retry_backoff_ms=50,
        )
        self._stack.push_async_callback(stop_client, consumer.stop)
        await consumer.start()
        return consumer

    def _pause_s(self) -> float:
        pace = self._tempo.pace
        rest_s = self._settings.traits.fetch_rest_ms[pace] / 1000
        return max(rest_s, self._idle_pause_s(pace), self._busy_pause_s())

    def _idle_pause_s(self, pace: Pace) -> float:
        """How long to rest before the next fetch: nothing at first, then a little more with every idle second."""
        traits = self._settings.traits
        if traits.idle_after_ms is None:
            return 0.0
        idle_ms = (time.monotonic() - self._last_record_s) * 1000 - traits.idle_after_ms
        return min(max(idle_ms / 20, 0.0), traits.idle_pause_max_ms[pace]) / 1000

    def _busy_pause_s(self) -> float:
        """How long to let records gather before the next fetch: nothing while there is little to do."""
        return _GATHER_S * min(max((self._per_s - _CALM) / (_BUSY - _CALM), 0.0), 1.0)

    def _measure(self, records: int) -> None:
        now_s = time.monotonic()
        passed_s = max(now_s - self._polled_s, 1e-6)
        self._per_s += min(passed_s / _MEMORY_S, 1.0) * (records / passed_s - self._per_s)
        self._polled_s = now_s
        if records:
            self._last_record_s = now_s

    async def _rest(self, pause_s: float) -> None:
        # Only what nobody else paused is paused here, and resumed again.
        partitions = self._consumer.assignment() - self._consumer.paused()
        self._wake.clear()
        self._consumer.pause(*partitions)
        try:
            await asyncio.wait_for(self._wake.wait(), pause_s)
        except TimeoutError:
            pass
        finally:
            self._consumer.resume(*(partitions & self._consumer.assignment()))

    def _poll_ms(self, *, resting: bool) -> int:
        if not self.caught_up:
            return 1  # The first high-water marks must be seen before a later fetch moves them.
        return self._hold_ms + 3 if resting else _POLL_MS

    def _high_waters(self) -> dict[Place, int]:
        """The end of every place that has been fetched from, as the fetches told it."""
        ends = ((tp, self._consumer.highwater(tp)) for tp in self._consumer.assignment())
        return {self._place(tp): end for tp, end in ends if end is not None}

    async def _ask_for_ends(self) -> None:
        """Where the broker can be asked, its first fetch need not be waited for: it may take half a second."""
        unseen = [self._partition(place) for place in self._positions.keys() - self._fresh_from.keys()]
        for tp, end in (await self._consumer.end_offsets(unseen)).items():
            self._fresh_from[self._place(tp)] = end

    def _report_lag(self, high_waters: Mapping[Place, int]) -> None:
        if time.monotonic() - self._lag_reported_s < _LAG_EVERY_S:
            return
        self._lag_reported_s = time.monotonic()
        for place, end in high_waters.items():
            LAG.labels(*place).set(end - self._positions[place])

    async def _explain_out_of_range(self, error: OffsetOutOfRangeError) -> None:
        """Beyond the end the topic was emptied; before its beginning retention was faster than we were."""
        for tp, offset in error.args[0].items():
            beginning = (await self._consumer.beginning_offsets([tp]))[tp]
            place = self._place(tp)
            if offset > 0:
                _log.warning("position_lost", topic=place[0], shard=place[1], position=offset, beginning=beginning)
                self._lost.append(place)
            else:
                # Whoever begins at 0 wants what there is.
                self._positions[place] = beginning
                self._consumer.seek(tp, beginning)

    def _partition(self, place: Place) -> TopicPartition:
        return TopicPartition(self._settings.wire_name(place[0]), place[1])

    def _place(self, tp: TopicPartition) -> Place:
        return self._settings.logical_name(tp.topic), tp.partition
