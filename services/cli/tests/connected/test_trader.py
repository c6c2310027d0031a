"""A client that takes an answer for what it says."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cgt.trader import HttpJson, Refused

pytestmark = pytest.mark.connected

BUSY = (503, {"code": "UNAVAILABLE", "retryable": True, "outcome": "unknown"})
LIMITED = (429, {"code": "RATE_LIMITED", "retryable": True, "outcome": "rejected"})
STOPPED = (409, {"code": "KILL_SWITCH_ENGAGED", "retryable": False, "outcome": "not_sent"})
PLACED = (200, {"data": {"orderId": "7"}})


class Gateway:
    """Answers as the script says, and keeps the keys it was asked under."""

    def __init__(self, *script: tuple[int, Any] | None) -> None:
        self.keys: list[str] = []
        self._script: Iterator[tuple[int, Any] | None] = iter(script)

    async def answer(self, request: web.Request) -> web.Response:
        self.keys.append(request.headers["Idempotency-Key"])
        said = next(self._script)
        if said is None:
            assert request.transport is not None
            request.transport.close()
            return web.Response()
        status, body = said
        return web.json_response(body, status=status)

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[HttpJson]:
        app = web.Application()
        app.router.add_post("/orders", self.answer)
        async with TestServer(app) as server, HttpJson(f"http://{server.host}:{server.port}") as api:
            yield api


async def test_what_may_work_later_is_repeated_under_the_same_key() -> None:
    gateway = Gateway(BUSY, None, PLACED)
    async with gateway.asked() as api:
        assert await api.post_patiently("/orders", {}, within_s=20) == {"orderId": "7"}
    assert len(gateway.keys) == 3
    assert len(set(gateway.keys)) == 1


async def test_what_the_exchange_rejected_for_now_is_a_new_request() -> None:
    gateway = Gateway(LIMITED, PLACED)
    async with gateway.asked() as api:
        assert await api.post_patiently("/orders", {}, within_s=20, key="mine") == {"orderId": "7"}
    first, second = gateway.keys
    assert first == "mine"
    assert second != "mine"


@pytest.mark.parametrize(("said", "within_s"), [(STOPPED, 20.0), (BUSY, 0.0)])
async def test_a_refusal_that_no_waiting_mends_says_what_was_wrong(said: tuple[int, Any], within_s: float) -> None:
    async with Gateway(said).asked() as api:
        with pytest.raises(Refused) as refused:
            await api.post_patiently("/orders", {}, within_s=within_s)
    status, problem = said
    assert (refused.value.status, refused.value.code) == (status, problem["code"])
    assert refused.value.retryable is problem["retryable"]
