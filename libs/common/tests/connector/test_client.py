"""What the client repeats, and what it must never repeat."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from common.accounts import Credentials
from common.connector.desk import LeaseEnded
from common.connector.ports import Call, HttpRequest, LimitScope, Rejected, Reply, Unknown, Usage
from common.connector.rates import Priority
from common.connector.rest import NotSent
from common.errors import ErrorCategory
from common.testing.connector import FakeExchange, MemoryKeys, a_call, a_key


async def perform(exchange: FakeExchange, call: Call[Any], valid_ms: int = 10_000, **options: Any) -> Any:
    return await exchange.client.perform(
        call, "a", priority=Priority.PROTECTION, valid_until_ms=exchange.valid_until(valid_ms), **options
    )


async def test_an_order_whose_answer_is_lost_is_never_repeated(exchange: Any) -> None:
    exchange.wire.answers = [Unknown("timeout", "")]
    assert isinstance(await perform(exchange, a_call()), Unknown)
    assert len(exchange.wire.sent) == 1


async def test_an_answer_nobody_can_read_is_unknown_and_not_repeated(exchange: Any) -> None:
    exchange.wire.answers = [Reply(status=502, body=b"<html>")]
    assert isinstance(await perform(exchange, a_call()), Unknown)
    assert len(exchange.wire.sent) == 1


async def test_a_connection_that_never_came_about_is_tried_again(exchange: Any) -> None:
    exchange.wire.answers = [NotSent("refused", "")]
    assert await perform(exchange, a_call()) == "done"
    assert len(exchange.wire.sent) == 2


async def test_nothing_leaves_after_its_validity(exchange: Any) -> None:
    answer = await perform(exchange, a_call(), valid_ms=-1)
    assert isinstance(answer, Rejected)
    assert answer.category is ErrorCategory.EXPIRED
    assert exchange.wire.sent == []


class SlowKeys(MemoryKeys):
    """Keys that the vault does not have at hand."""

    def held(self, account_id: str) -> None:
        return None

    async def credentials(self, account_id: str) -> Credentials:
        await asyncio.sleep(0)
        return a_key(account_id)


def waits_for_its_key(exchange: FakeExchange) -> None:
    exchange.client = exchange.client.with_keys(SlowKeys())


def waits_for_room(exchange: FakeExchange) -> None:
    exchange.gate.observed("a", Usage(retry_after_ms=5, retry_scope=LimitScope.ACCOUNT))
    asyncio.get_running_loop().call_soon(exchange.clock.advance, 10)


def waits_for_a_connection(exchange: FakeExchange) -> None:
    exchange.wire.answers = [NotSent("refused", "")]


def waits_for_the_clock(exchange: FakeExchange) -> None:
    exchange.wire.answers = [Reply(status=408)]


@pytest.mark.parametrize(
    ("wait", "sent_before"),
    [
        (waits_for_its_key, 0),
        (waits_for_room, 0),
        (waits_for_a_connection, 1),
        (waits_for_the_clock, 1),
    ],
)
async def test_nothing_leaves_after_its_permission_has_ended_while_it_waited(
    exchange: FakeExchange, wait: Callable[[FakeExchange], None], sent_before: int
) -> None:
    wait(exchange)

    def may_send() -> None:
        if len(exchange.wire.sent) == sent_before:
            raise LeaseEnded

    with pytest.raises(LeaseEnded):
        await perform(exchange, a_call(), may_send=may_send)
    assert len(exchange.wire.sent) == sent_before


async def test_a_refusal_for_the_clock_is_repeated_with_a_clock_that_was_measured(exchange: Any) -> None:
    exchange.server_ms = exchange.clock.now_ms() + 60_000
    exchange.wire.answers = [Reply(status=408)]
    assert await perform(exchange, a_call()) == "done"
    before, after = (int(signed.target.partition("t=")[2].partition("&")[0]) for signed in exchange.wire.sent)
    assert 59_000 < after - before <= 60_000


async def test_a_clock_that_cannot_be_mended_ends_as_a_refusal(exchange: Any) -> None:
    exchange.wire.answers = [Reply(status=408)] * 10
    answer = await perform(exchange, a_call())
    assert isinstance(answer, Rejected)
    assert answer.category is ErrorCategory.CLOCK


async def test_a_question_is_repeated_when_its_answer_is_lost(exchange: Any) -> None:
    exchange.wire.answers = [Unknown("timeout", ""), Unknown("timeout", "")]
    assert await exchange.client.ask(a_call(read=True), "a") == "done"
    assert len(exchange.wire.sent) == 3


async def test_a_refused_key_parks_its_account(exchange: Any) -> None:
    exchange.wire.answers = [Reply(status=401)]
    await perform(exchange, a_call())
    assert "a" in exchange.keys.refusals
    answer = await perform(exchange, a_call())
    assert isinstance(answer, Rejected)
    assert answer.category is ErrorCategory.AUTH
    assert len(exchange.wire.sent) == 1


async def test_a_call_that_answers_with_another_call_is_followed(exchange: Any) -> None:
    second = a_call(read=True)
    first = Call(HttpRequest(method="GET", path="/first", signed=True, read=True), lambda reply, now_ms: second)
    assert await exchange.client.ask(first, "a") == "done"
    assert [signed.target.partition("?")[0] for signed in exchange.wire.sent] == ["/first", "/order"]


async def test_clock_measurements_asked_for_at_once_are_one(exchange: Any) -> None:
    await asyncio.gather(*(exchange.exchange_clock.sync() for _ in range(10)))
    assert exchange.synced == 5


async def test_a_clock_is_never_aimed_ahead_of_the_exchanges(exchange: Any) -> None:
    exchange.server_ms = exchange.clock.now_ms() - 3_000
    await exchange.exchange_clock.sync()
    assert exchange.exchange_clock.now_ms() < exchange.server_ms
    exchange.server_ms = None
    assert not await exchange.exchange_clock.sync()
