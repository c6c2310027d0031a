"""Cold subscribers on a real broker: FastStream with our own retries."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from common.bus.cold import cold_broker, subscribe
from common.bus.messages import Outgoing, Record
from common.bus.topics import ACCOUNTS
from common.errors import Unavailable

pytestmark = pytest.mark.connected


class AccountOpened(msgspec.Struct, frozen=True):
    account_id: str


@pytest.fixture
def announce(publisher: Any) -> Callable[..., Awaitable[None]]:
    async def publish(*values: bytes | None) -> None:
        await publisher.publish(
            [
                Outgoing(ACCOUNTS.name, "account-1", value, f"id-{n}", "cgt.account.v1", "test", 1, None, None)
                for n, value in enumerate(values)
            ]
        )

    return publish


@asynccontextmanager
async def subscribed(settings: Any, dead_letters: Any, handle: Any, tries: int = 3) -> AsyncIterator[None]:
    broker = cold_broker(settings, "test")
    subscribe(
        broker, settings, ACCOUNTS, group="readers", message_type=AccountOpened, handle=handle,
        dead_letters=dead_letters, tries=tries,
    )  # fmt: skip
    await broker.start()
    try:
        yield
    finally:
        await broker.stop()


async def test_messages_and_tombstones_arrive_decoded_from_the_beginning(
    settings: Any, announce: Any, dead_letters: Any, eventually: Any
) -> None:
    seen: list[tuple[AccountOpened | None, str]] = []

    async def handle(message: AccountOpened | None, record: Record) -> None:
        seen.append((message, record.ce_id))

    await announce(b'{"account_id":"1"}', None)
    async with subscribed(settings, dead_letters, handle):
        await eventually(lambda: len(seen) == 2)
    assert seen == [(AccountOpened("1"), "id-0"), (None, "id-1")]


async def test_a_failing_record_is_tried_again_then_parked_and_the_next_one_is_handled(
    settings: Any, announce: Any, dead_letters: Any, eventually: Any
) -> None:
    attempts: list[str] = []

    async def handle(message: AccountOpened | None, record: Record) -> None:
        assert message is not None
        attempts.append(message.account_id)
        if message.account_id == "poison":
            raise LookupError("poison")

    await announce(b'{"account_id":"poison"}', b"not json", b'{"account_id":"2"}')
    async with subscribed(settings, dead_letters, handle):
        await eventually(lambda: "2" in attempts)
    assert attempts == ["poison", "poison", "poison", "2"]
    assert [(record.value, reason.partition(":")[0]) for record, reason in dead_letters.parked] == [
        (b'{"account_id":"poison"}', "LookupError"),
        (b"not json", "UnreadableMessage"),
    ]


async def test_an_unavailable_dependency_is_waited_for_longer_than_the_tries(
    settings: Any, announce: Any, dead_letters: Any, eventually: Any
) -> None:
    attempts = 0

    async def handle(message: AccountOpened | None, record: Record) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise Unavailable("the vault")

    await announce(b'{"account_id":"1"}')
    async with subscribed(settings, dead_letters, handle, tries=1):
        await eventually(lambda: attempts == 4)
    assert not dead_letters.parked


async def test_a_restarted_reader_goes_on_behind_what_it_had_handled(
    settings: Any, announce: Any, dead_letters: Any, eventually: Any
) -> None:
    seen: list[str] = []

    async def handle(message: AccountOpened | None, record: Record) -> None:
        assert message is not None
        seen.append(message.account_id)

    await announce(b'{"account_id":"1"}')
    async with subscribed(settings, dead_letters, handle):
        await eventually(lambda: seen == ["1"])
    await announce(b'{"account_id":"2"}')
    async with subscribed(settings, dead_letters, handle):
        await eventually(lambda: "2" in seen)
    assert seen == ["1", "2"]
