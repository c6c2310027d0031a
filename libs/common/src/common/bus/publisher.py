"""Publishes messages: every one acknowledged by the broker, all of one call on the wire together."""

import asyncio
import dataclasses
from collections.abc import Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from common.bus.admin import BROKER_ERRORS, ensure_topics, stop_client, until_available
from common.bus.brokers import MAX_MESSAGE_BYTES, BusSettings
from common.bus.errors import MessageTooLarge
from common.bus.lifeline import Lifeline, connect_lifeline
from common.bus.messages import Outgoing
from common.bus.topics import Topic, shard_of
from common.bus.turns import Turns
from common.errors import Unavailable
from common.metrics import PUBLISHED, since_s, stopwatch

_log = structlog.get_logger(__name__)

_ENVELOPE_BYTES = 200  # What the record and batch framing adds, generously.


class Publisher:
    """A producer that outlives broker restarts.

    The client library re-sends by itself for `request_timeout_ms` of the broker table. What still failed is sent again,
    marked `redelivery`, on a new connection with the topics declared again, because a broker may have come back empty.
    When that has gone on for twice the time-out the caller gets Unavailable and decides: the outbox relay comes back by
    itself, a request handler answers 503.

    What is published while a request is under way leaves together with the next one: a request costs client and broker
    the same for one message as for twenty.
    """

    def __init__(self, settings: BusSettings, topics: Sequence[Topic], client_id: str) -> None:
        self._settings = settings
        self._topics = tuple(topics)
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._lifeline: Lifeline | None = None
        self._reconnecting = asyncio.Lock()
        self._turns = Turns()
        """Of one connection: what is stuck on a lost one holds up nothing on the next."""
        self._retired: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connect and declare the topics, waiting for the broker as long as it takes."""
        await until_available(self._connect, "broker")

    async def stop(self) -> None:
        """Send what is pending and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await stop_client(producer.stop)
        if self._lifeline is not None:
            self._lifeline.close()
        await asyncio.gather(*self._retired)

    async def __aenter__(self) -> "Publisher":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Return when every message is acknowledged; messages of one key keep their order.

        Raises MessageTooLarge before anything is sent, Unavailable when some may not have arrived: publish all again.
        """
        if not messages:
            return
        for message in messages:
            _check_size(message)
        started = stopwatch()
        failed = await self._attempt(messages)
        while failed:
            if since_s(started) > 2 * self._settings.traits.request_timeout_ms / 1000:
                raise Unavailable("the broker")
            # Some of them may have arrived, so whoever acts on them must look first.
            failed = await self._attempt([dataclasses.replace(message, redelivery=True) for message in failed])
        for message in messages:
            PUBLISHED.labels(message.topic).observe(since_s(started))

    def publish_nowait(self, message: Outgoing) -> asyncio.Future[None]:
        """Publish without waiting; calls for one key keep their order. The future fails as `publish` does."""
        return asyncio.ensure_future(self.publish((message,)))

    async def ready(self) -> bool:
        """Whether the producer has been connected: the readiness check of a service."""
        return self._producer is not None

    async def _attempt(self, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Send all; what is returned must be sent again, on the connection that has been made for it."""
        if self._producer is None:
            raise Unavailable("the broker")  # Not started, or stopped.
        if self._lifeline is not None and self._lifeline.lost:
            await self._replace(self._producer)
        producer, lifeline = self._producer, self._lifeline
        async with self._turns:
            failed = await self._round(producer, messages)
        if lifeline is not None and lifeline.lost:
            # The client library may have repeated them to the next broker, whose acknowledgement is worth nothing
            # before its topics have been declared.
            failed = list(messages)
        if failed:
            await self._replace(producer)
        return failed

    async def _connect(self) -> None:
        # Tied first, then the topics declared: if the broker ends in between, the next publish notices.
        lifeline = await connect_lifeline(self._settings)
        await ensure_topics(self._settings, self._topics)
        traits = self._settings.traits
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            client_id=self._client_id,
            acks="all",
            linger_ms=0,
            enable_idempotence=traits.idempotent_producer,
            request_timeout_ms=traits.request_timeout_ms,
            max_request_size=MAX_MESSAGE_BYTES,
            max_batch_size=MAX_MESSAGE_BYTES,
            retry_backoff_ms=50,
        )
        try:
            await producer.start()
        except BROKER_ERRORS as error:
            await stop_client(producer.stop)
            lifeline.close()
            raise Unavailable("the broker") from error
        if self._lifeline is not None:
            self._lifeline.close()
        self._producer, self._lifeline, self._turns = producer, lifeline, Turns()

    async def _replace(self, failed: AIOKafkaProducer | None) -> None:
        """Connect anew unless somebody else did so since `failed` was in use. Raises Unavailable after a while."""
        async with self._reconnecting:
            if failed is None or self._producer is not failed:
                return
            try:
                async with asyncio.timeout(self._settings.traits.request_timeout_ms / 1000):
                    await until_available(self._connect, "broker", ceiling_ms=200)
            except TimeoutError as error:
                raise Unavailable("the broker") from error
            retired: asyncio.Task[None] = asyncio.create_task(_stop(failed))
            self._retired.add(retired)
            retired.add_done_callback(self._retired.discard)

    async def _round(self, producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Send all, wait for all acknowledgements, and return those that failed."""
        sent: list[asyncio.Future[object]] = []
        # The client expires a batch by itself; the limit is for one whose connection died without its notice.
        with suppress(TimeoutError):
            async with asyncio.timeout(1.5 * self._settings.traits.request_timeout_ms / 1000):
                for message in messages:
                    sent.append(await self._send(producer, message))  # noqa: PERF401 - kept when the limit cuts in
                await asyncio.wait(sent)
        outcomes = [*map(_acknowledged, sent, messages), *[False] * (len(messages) - len(sent))]
        failed = [message for message, acknowledged in zip(messages, outcomes, strict=True) if not acknowledged]
        if failed:
            _log.warning("publish_failed", topics=sorted({message.topic for message in failed}), count=len(failed))
        return failed

    async def _send(self, producer: AIOKafkaProducer, message: Outgoing) -> asyncio.Future[object]:
        """Hand a message to the client, which does not wait for those before it; what comes of it is in the future."""
        try:
            acknowledged: asyncio.Future[object] = await producer.send(
                self._settings.wire_name(message.topic),
                message.value,
                key=message.key.encode(),
                partition=shard_of(message.key, self._settings.partitions),
                headers=message.headers(),
            )
        except Exception as error:
            acknowledged = asyncio.get_running_loop().create_future()
            acknowledged.set_exception(error)
        return acknowledged


def _acknowledged(sent: asyncio.Future[object], message: Outgoing) -> bool:
    """Whether the broker has the message, once nobody waits any longer; raises what sending again would not cure."""
    if not sent.done():
        return not sent.cancel()
    match None if sent.cancelled() else sent.exception():
        case None:
            return not sent.cancelled()
        case MessageSizeTooLargeError():
            raise MessageTooLarge(message.topic, _size(message), MAX_MESSAGE_BYTES)
        # The client asserts that a partition exists; it does not, when an emptied broker made the topic up.
        case KafkaError() | OSError() | TimeoutError() | AssertionError() as error:
            _log.warning("message_not_published", topic=message.topic, error=repr(error))
            return False
        case error:
            raise error


async def _stop(producer: AIOKafkaProducer) -> None:
    await stop_client(producer.stop)


def _check_size(message: Outgoing) -> None:
    # Headers are short: nothing to add up where there is no doubt.
    if len(message.value or b"") > MAX_MESSAGE_BYTES // 2 and _size(message) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(message.topic, _size(message), MAX_MESSAGE_BYTES)


def _size(message: Outgoing) -> int:
    headers = sum(len(name) + len(value) + 8 for name, value in message.headers())
    return len(message.value or b"") + len(message.key) + headers + _ENVELOPE_BYTES
