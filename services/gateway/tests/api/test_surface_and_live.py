"""Documentation, health, ids, bounds, origins; and Socket.IO, each user's facts to that user alone."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import socketio

from common.accounts import AssetBalance, BalanceChanged
from common.exchanges import Exchange

PATHS = {
    "/auth/register",
    "/auth/login",
    "/auth/refresh",
    "/auth/logout",
    "/api-credentials",
    "/api-credentials/{credential_id}",
    "/api-credentials/{credential_id}/toggle",
    "/exchanges/place-order",
    "/exchanges/place-oco-order",
    "/exchanges/cancel-order",
    "/exchanges/cancel-all-orders",
    "/exchanges/balance",
    "/exchanges/open-orders",
    "/exchanges/open-positions",
    "/exchanges/trades",
    "/exchanges/operations/{operation_id}",
    "/binance/tickers",
    "/binance/klines",
    "/binance/depth",
    "/bitget/spot/tickers",
    "/bitget/spot/candles",
    "/bitget/spot/orderbook",
    "/bitget/account/assets",
    "/bitget/orders",
    "/bitget/orders/open",
    "/gateio/spot/currencies",
    "/gateio/spot/tickers",
    "/gateio/spot/order_book",
    "/gateio/spot/candlesticks",
    "/gateio-account/spot/assets",
    "/gateio-account/wallet/transfers",
    "/mexc/orders",
    "/mexc/orders/batch",
    "/mexc/orders/open",
}


async def test_the_documentation_names_every_path_with_examples(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/api-docs")).status == 200
    document = (await stranger.ask("GET", "/openapi.json")).body
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) >= PATHS
    place = document["paths"]["/exchanges/place-order"]["post"]
    assert "market" in place["requestBody"]["content"]["application/json"]["examples"]


async def test_the_documentation_is_shown_without_anything_from_elsewhere(stranger: Any) -> None:
    page = (await stranger.ask("GET", "/api-docs")).text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(loaded) == 3
    for path in loaded:
        assert path.startswith("/api-docs/files/")
        assert (await stranger.ask("HEAD", path)).status == 200
    assert "/openapi.json" in page
    assert '"validatorUrl": null' in page


async def test_health_is_for_everybody(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/health")).body["ready"] is True


async def test_each_request_has_an_id_its_caller_may_choose(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/health")).headers["x-request-id"]
    assert (await stranger.ask("GET", "/health", X_Request_Id="mine")).headers["x-request-id"] == "mine"
    assert (await stranger.ask("GET", "/health", X_Request_Id="a b{}")).headers["x-request-id"] != "a b{}"


async def test_a_body_above_the_bound_is_refused(stranger: Any) -> None:
    reply = await stranger.ask("POST", "/auth/login", raw=b"x" * 70_000)
    assert (reply.status, reply.body["code"]) == (413, "BODY_TOO_LARGE")


async def test_an_unknown_path_and_method_are_problems(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/nowhere")).body["code"] == "NOT_FOUND"
    assert (await stranger.ask("DELETE", "/auth/login")).status == 405


async def test_only_allowed_origins_are_let_in_by_browsers(stranger: Any) -> None:
    ours = await stranger.ask("GET", "/health", Origin="https://app.example")
    assert ours.headers["access-control-allow-origin"] == "https://app.example"
    assert (
        "access-control-allow-origin"
        not in (await stranger.ask("GET", "/health", Origin="https://evil.example")).headers
    )


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Any]]:
    """Connects as a frontend; hands back the queue of what it hears."""
    clients: list[socketio.AsyncClient] = []

    async def connect(client: Any, **how: Any) -> asyncio.Queue[tuple[str, Any]]:
        heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        listening = socketio.AsyncClient(reconnection=False)
        listening.on("*", lambda event, data: None if event == "stream_ready" else heard.put_nowait((event, data)))
        ready = asyncio.Event()
        listening.on("stream_ready", lambda _: ready.set())
        clients.append(listening)
        query = f"?token={how['query']}" if "query" in how else ""
        await listening.connect(
            client.base + query,
            auth=how.get("auth"),
            headers=how.get("headers", {}),
            transports=["websocket"],
        )
        await asyncio.wait_for(ready.wait(), 5)
        return heard

    yield connect
    for client in clients:
        await client.disconnect()


def balance(account_id: str, free: int) -> BalanceChanged:
    one = AssetBalance(asset="USDT", free=free, locked=0)  # type: ignore[arg-type]
    return BalanceChanged(
        account_id=account_id, exchange=Exchange.BINANCE, balances=(one,), ts_event_ms=1, ts_init_ms=1
    )


async def test_a_users_facts_reach_that_user_alone_and_are_numbered(house: Any, user: Any, listen: Any) -> None:
    first_account, first = await user.store_key(), await listen(user, auth={"token": user.token})
    await user.sign_in("other@example.com")
    second_account, second = await user.store_key(), await listen(user, auth={"token": user.token})
    for account, free in ((first_account, 1), (second_account, 2), (first_account, 3), ("nobodys", 4)):
        await house.tell(balance(account, free))
    heard = [await asyncio.wait_for(first.get(), 5) for _ in range(2)]
    assert [(event, data["seq"], data["balances"][0]["free"]) for event, data in heard] == [
        ("balance_update", 1, 1),
        ("balance_update", 2, 3),
    ]
    assert (await asyncio.wait_for(second.get(), 5))[1]["seq"] == 1
    assert first.empty()
    assert second.empty()


@pytest.mark.parametrize("way", ["auth", "header", "query"])
async def test_the_token_may_come_in_each_of_three_ways(house: Any, trader: Any, listen: Any, way: str) -> None:
    token = trader.token
    how = {
        "auth": {"auth": {"token": token}},
        "header": {"headers": {"Authorization": f"Bearer {token}"}},
        "query": {"query": token},
    }
    heard = await listen(trader, **how[way])
    await house.tell(balance(next(iter(house.vault.accounts)), 1))
    assert (await asyncio.wait_for(heard.get(), 5))[0] == "balance_update"


async def test_nobody_listens_without_a_good_token(stranger: Any, listen: Any) -> None:
    for auth in (None, {"token": "rubbish"}, {"token": 7}, "text"):
        with pytest.raises(socketio.exceptions.ConnectionError):
            await listen(stranger, auth=auth)
