"""The internal HTTP API, asked as other services ask it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from common.connector import reads
from common.health import Health
from common.service.auth import ServiceAuth, authenticated_service
from common.service.http import HttpServer, HttpSettings, new_app

pytestmark = pytest.mark.connected
KEY = "k" * 40


class Api:
    """Asks with a service token."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http, self._url, self._auth = http, url, ServiceAuth("gateway", KEY)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        headers = self._auth.header("binance-connector")
        async with self._http.request(method, self._url + path, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str) -> Any:
        status, body = await self.ask("GET", path)
        assert status == 200, body
        return body


@asynccontextmanager
async def served(connector: Any) -> AsyncIterator[Api]:
    app = new_app("binance-connector", Health())
    reads.install(app, connector.reader, authenticated_service("binance-connector", {"gateway": SecretStr(KEY)}))
    server = HttpServer(app, HttpSettings())
    running = asyncio.create_task(server.run())
    port = await server.listening()
    async with aiohttp.ClientSession() as http:
        yield Api(http, f"http://127.0.0.1:{port}")
    await server.stop()
    await running


async def test_public_reads_answer_in_the_languages_types(bench: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        instrument = await api.get("/instruments/BTCUSDT")
        assert instrument["base"] == "BTC"
        assert instrument in await api.get("/instruments")
        ticker = (await api.get("/tickers?symbol=BTCUSDT"))[0]
        assert ticker["last_px"]
        assert {each["symbol"] for each in await api.get("/tickers")} >= {"BTCUSDT", "ETHUSDT"}
        assert (await api.get("/depth?symbol=BTCUSDT&limit=5"))["bids"]
        assert isinstance(await api.get("/candles?symbol=BTCUSDT&interval=1m&limit=3"), list)
        assert isinstance(await api.get("/public-trades?symbol=BTCUSDT&limit=3"), list)


async def test_private_reads_answer_for_an_account_of_any_instance(bench: Any) -> None:
    bench.account()
    async with bench.connector() as connector, served(connector) as api:
        order, bought = bench.limit_buy(), bench.market_buy()
        await bench.send(order, bought)
        await bench.told.first(order.client_order_id, "order.accepted")
        await bench.told.first(bought.client_order_id, "order.filled")
        balances = await api.get("/accounts/account-1/balances")
        assert {each["asset"] for each in balances["balances"]} >= {"USDT", "BTC"}
        for query in ("", "?symbol=BTCUSDT"):
            open_orders = await api.get(f"/accounts/account-1/open-orders{query}")
            assert [each["client_order_id"] for each in open_orders] == [order.client_order_id]
        found = await api.get(f"/accounts/account-1/orders/{order.client_order_id}?symbol=BTCUSDT")
        assert found["status"] == "NEW"
        trades = await api.get("/accounts/account-1/my-trades?symbol=BTCUSDT&since_ms=0")
        assert trades[0]["fee"] is not None


async def test_an_order_that_is_not_there_is_a_problem_with_the_exchanges_code(bench: Any) -> None:
    bench.account()
    async with bench.connector() as connector, served(connector) as api:
        status, problem = await api.ask("GET", "/accounts/account-1/orders/nothing?symbol=BTCUSDT")
        assert (status, problem["code"], problem["exchange_code"]) == (404, "NOT_FOUND", "-2013")


async def test_an_account_nobody_knows_is_refused(bench: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        status, problem = await api.ask("GET", "/accounts/nobody/balances")
        assert (status, problem["code"]) == (403, "AUTH")


async def test_an_unknown_symbol_is_a_problem_naming_the_field(bench: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        status, problem = await api.ask("GET", "/instruments/NOPE")
        assert (status, problem["field"]) == (404, "symbol")
        status, _ = await api.ask("GET", "/depth?symbol=NOPE")
        assert status in {400, 404}


async def test_a_call_without_a_service_token_is_refused(bench: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        api._auth = ServiceAuth("gateway", "x" * 40)
        status, _ = await api.ask("GET", "/instruments")
        assert status == 401


async def test_a_key_is_checked_without_being_kept(bench: Any) -> None:
    opened = bench.paper.control.open_account({"balances": {"USDT": "1"}})
    async with bench.connector() as connector, served(connector) as api:
        good = {"api_key": opened["api_key"], "secret": opened["secret"]}
        status, answer = await api.ask("POST", "/key-check", json=good)
        assert (status, answer["ok"], answer["can_trade"], answer["can_withdraw"]) == (200, True, True, False)
        status, answer = await api.ask("POST", "/key-check", json=good | {"secret": "wrong"})
        assert (status, answer["ok"]) == (200, False)
        assert answer["problem"]
        assert bench.vault.leases == 0


async def test_a_ticker_asked_for_again_costs_no_request_while_its_stream_tells_it(bench: Any, eventually: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        await api.get("/tickers?symbol=BTCUSDT")
        await eventually(bench.market_streams)
        bench.paper.control.move({"symbol": "BTCUSDT", "price": "98765"})

        async def told() -> bool:
            return bool((await api.get("/tickers?symbol=BTCUSDT"))[0]["last_px"] == "98765")

        while not await told():
            await asyncio.sleep(0.01)
        before = bench.weight_used()
        for _ in range(20):
            await api.get("/tickers?symbol=BTCUSDT")
        assert bench.weight_used() == before


async def test_market_data_is_published_for_the_configured_symbols_alone(bench: Any, eventually: Any) -> None:
    async with bench.connector(binance_market_symbols="BTCUSDT"):
        await eventually(bench.market_streams)
        for price in ("98000", "98100", "98200"):
            bench.paper.control.move({"symbol": "BTCUSDT", "price": price})
            bench.paper.control.move({"symbol": "ETHUSDT", "price": "3500"})
        kinds = await bench.published_market_kinds(at_least={"market.trade", "market.ticker", "market.candle"})
        assert {symbol for symbol, _ in kinds} == {"BTCUSDT"}


async def test_a_watched_symbols_best_prices_are_published_until_the_watch_ends(bench: Any, eventually: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        status, answer = await api.ask("POST", "/watch", json={"symbols": ["BTCUSDT", "NOPE"], "for_ms": 60_000})
        assert (status, answer) == (200, {"watching": ["BTCUSDT"]})
        await eventually(bench.market_streams)
        assert bench.market_streams() == {"btcusdt@bookTicker"}
        bench.paper.control.move({"symbol": "BTCUSDT", "price": "98765"})
        assert await bench.published_market_kinds(at_least={"market.ticker"}) == {("BTCUSDT", "market.ticker")}
        await api.ask("POST", "/watch", json={"symbols": ["ETHUSDT"], "for_ms": 100})
        await eventually(lambda: bench.market_streams() == {"btcusdt@bookTicker"})


async def test_a_watch_is_renewed_by_asking_again(bench: Any, eventually: Any) -> None:
    async with bench.connector() as connector, served(connector) as api:
        await api.ask("POST", "/watch", json={"symbols": ["ETHUSDT"], "for_ms": 100})
        await api.ask("POST", "/watch", json={"symbols": ["BTCUSDT"], "for_ms": 100})
        await api.ask("POST", "/watch", json={"symbols": ["BTCUSDT"], "for_ms": 60_000})
        await eventually(lambda: bench.market_streams() == {"btcusdt@bookTicker"})
