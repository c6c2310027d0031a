"""The REST sender against a real server: what it sends, and what it claims to know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from common.connector.ports import Reply, SignedRequest, Unknown
from common.connector.rest import NotSent, RestSender


@asynccontextmanager
async def serving(handle: Any) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_the_url_leaves_exactly_as_signed() -> None:
    seen = []

    async def handle(request: web.BaseRequest) -> web.Response:
        seen.append((request.raw_path, await request.read(), request.headers["X-Key"]))
        return web.Response(status=418, body=b"{}", headers={"X-Used": "7"})

    target = "/api?symbol=%EF%BC%91&signature=a%2Fb%3D%3D&list=%5B%22A%22%5D"
    async with serving(handle) as url, RestSender(url, timeout_s=5) as sender:
        reply = await sender.send(SignedRequest(method="POST", target=target, headers=(("X-Key", "k"),), body=b"a=%2B"))
    assert seen == [(target, b"a=%2B", "k")]
    assert isinstance(reply, Reply)
    assert (reply.status, reply.headers["x-used"]) == (418, "7")


async def test_a_connection_broken_after_the_request_was_written_is_unknown() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handle) as url, RestSender(url, timeout_s=5) as sender:
        assert isinstance(await sender.send(SignedRequest(method="POST", target="/")), Unknown)


async def test_no_answer_in_time_is_unknown() -> None:
    never = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.Response:
        await never.wait()
        return web.Response()

    async with serving(handle) as url, RestSender(url, timeout_s=0.05) as sender:
        assert isinstance(await sender.send(SignedRequest(method="POST", target="/")), Unknown)
        never.set()


async def test_an_exchange_that_is_not_there_proves_that_nothing_was_sent() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response()

    async with serving(handle) as url:
        pass
    async with RestSender(url, timeout_s=5) as sender:
        assert isinstance(await sender.send(SignedRequest(method="POST", target="/")), NotSent)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with serving(handle) as url, RestSender(url, timeout_s=5) as sender:
        reply = await sender.send(SignedRequest(method="POST", target="/order"))
    assert isinstance(reply, Reply)
    assert reply.status == 302


def test_a_signed_request_never_shows_what_was_signed() -> None:
    request = SignedRequest(
        method="POST", target="/order?signature=s3cret", headers=(("key", "s3cret"),), body=b"s3cret"
    )
    assert "s3cret" not in repr(request)
    assert "s3cret" not in f"{request}"
