"""The portfolio as a process, on a real broker and database; a small server plays the connector it asks."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest
from aiohttp import web

from common.accounts import AccountChanged, AccountState, AssetBalance, BalanceChanged
from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing
from common.bus.publisher import Publisher
from common.bus.topics import ACCOUNTS, ORDER_EVENTS, Topic
from common.clock import SystemClock
from common.codec import encode
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Ticker
from common.orders import Side, type_of
from common.runtime.process import Child, free_port, run, start
from portfolio.facts import TOPICS
from portfolio.routes import minute_of
from portfolio.testing.builders import BRACKET, a_fill_fact

pytestmark = pytest.mark.connected

CLOCK = SystemClock()
D = Decimal
MINUTE_OPENED_AT = D("890.1")


class Connector:
    """Lists BTCUSDT and BNBUSDT, and has a candle for every minute; `away` makes it silent about candles."""

    def __init__(self) -> None:
        self.away = True

    async def answer(self, request: web.Request) -> web.Response:
        match request.path.split("/")[1:]:
            case ["instruments", ("BTCUSDT" | "BNBUSDT") as symbol]:
                return _json(_instrument(symbol))
            case ["candles"] if self.away:
                return web.Response(status=503)
            case ["candles"]:
                return _json([_candle(int(request.query["end_ms"]))])
            case ["tickers"]:
                return _json([_ticker("BTCUSDT", "100000")])
            case ["accounts", account_id, "balances"]:
                return _json(_balances(account_id))
            case _:
                return web.Response(status=404)


class Bench:
    """One portfolio process, and what a connector, the engine and the vault would publish."""

    def __init__(self, publisher: Publisher, pool: asyncpg.Pool, env: dict[str, str], folder: Path) -> None:
        self.connector = Connector()
        self.account_id = f"account-{secrets.token_hex(4)}"
        self.pool = pool
        self.env = env
        self.folder = folder
        self._publisher = publisher
        self._child: Child | None = None

    async def start(self) -> None:
        port = free_port()
        env = self.env | {"CGT_HTTP_PORT": str(port)}
        self._child = start("portfolio", [sys.executable, "-m", "portfolio"], log=self.folder / "log", env=env)

        async def ready() -> bool:
            try:
                async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/health") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await self._child.ready(ready, 30)

    def kill(self) -> None:
        assert self._child is not None
        self._child.kill()

    async def stop(self) -> None:
        assert self._child is not None
        await self._child.stop()

    async def tell(self, topic: Topic, *messages: Any) -> None:
        await self._publisher.publish(
            [
                Outgoing(
                    topic=topic.name,
                    key=message.account_id,
                    value=encode(message),
                    ce_id=secrets.token_hex(8),
                    ce_type=type_of(message),
                    ce_source="test",
                    ce_time_ms=CLOCK.now_ms(),
                    correlation_id=None,
                    causation_id=None,
                )
                for message in messages
            ]
        )

    async def until(self, query: str, wanted: Sequence[Any]) -> None:
        """Wait until the one row of a query is as wanted."""
        seen: Any = None
        try:
            async with asyncio.timeout(30):
                while True:
                    row = await self.pool.fetchrow(query, self.account_id)
                    seen = None if row is None else tuple(row.values())
                    if seen == tuple(wanted):
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"wanted {wanted}, last seen {seen}") from None

    async def rebuild(self, *options: str) -> tuple[int, str]:
        """Run the command; its exit status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "portfolio", "rebuild", *options,
            env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, printed.decode()


@pytest.fixture
async def bench(
    database_url: str, bootstrap: str, broker_kind: str, topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Bench]:
    told = {"CGT_KAFKA_BOOTSTRAP": bootstrap, "CGT_BROKER": broker_kind, "CGT_TOPIC_PREFIX": topic_prefix}
    port = free_port()
    env = {
        **os.environ,
        **told,
        "CGT_DATABASE_URL": database_url,
        "CGT_SERVICE_KEY": secrets.token_urlsafe(32),
        "CGT_BINANCE_CONNECTOR_URL": f"http://127.0.0.1:{port}",
    }
    await run("migrate", [sys.executable, "-m", "portfolio", "migrate"], log=tmp_path / "migrate", env=env)
    pool = await asyncpg.create_pool(database_url, min_size=1, max_size=1, server_settings={"search_path": "portfolio"})
    async with Publisher(BusSettings.from_env(told), TOPICS, "test") as publisher:
        bench = Bench(publisher, pool, env, tmp_path)
        app = web.Application()
        app.router.add_get("/{path:.*}", bench.connector.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await bench.start()
        yield bench
        await bench.stop()
        await runner.cleanup()
    await pool.close()


async def test_numbers_are_kept_through_repeats_disorder_and_a_kill_and_rebuilt_byte_for_byte(bench: Bench) -> None:
    now_ms = CLOCK.now_ms()
    buy = a_fill_fact(
        Side.BUY, "0.01", "100000", trade=1, fee="0.00083", fee_asset="BNB", bracket=BRACKET, at_ms=now_ms
    )
    sale = a_fill_fact(Side.SELL, "0.01", "104000", trade=2, fee="1.04", bracket=BRACKET, at_ms=now_ms + 1)
    buy, sale = (msgspec.structs.replace(fact, account_id=bench.account_id) for fact in (buy, sale))
    await bench.tell(ACCOUNTS, _account(bench.account_id))
    await bench.tell(ORDER_EVENTS, sale, buy, sale)

    # The price of BNB is not to be had yet: the fee is shown as not valued, and the result as without it.
    query = "SELECT realised_pnl, fees_unvalued::text FROM positions_v1 WHERE account_id = $1"
    await bench.until(query, (40 - D("1.04"), '{"BNB": "0.00083"}'))

    bench.kill()
    bench.connector.away = False
    await bench.tell(ORDER_EVENTS, buy, sale)
    await bench.start()
    # 0.00083 BNB at 890.1 is 0.738783.
    await bench.until(query, (40 - D("1.04") - D("0.738783"), "{}"))
    await bench.until("SELECT equity FROM snapshots_v1 WHERE account_id = $1", (D("51000"),))
    await bench.until("SELECT net FROM performance_v1 WHERE account_id = $1", (D("38.221217"),))

    status, printed = await bench.rebuild("--check", "--into", str(bench.folder / "numbers"))
    assert status == 0, printed
    assert "EQUAL" in printed
    assert len((bench.folder / "numbers").read_text().splitlines()) == 6

    await bench.pool.execute("UPDATE positions SET realised_pnl = realised_pnl + 0.00000001")
    status, printed = await bench.rebuild()
    assert status == 1
    assert "positions: 1 rows only stored, 1 only rebuilt" in printed

    await bench.pool.execute("INSERT INTO broker_resets (shard) VALUES (0)")
    status, printed = await bench.rebuild()
    assert status == 3
    assert "Nothing can be compared: the broker came back without its history" in printed


def _json(value: object) -> web.Response:
    return web.Response(body=encode(value), content_type="application/json")


def _account(account_id: str) -> AccountChanged:
    return AccountChanged(
        account_id=account_id,
        user_id="user-1",
        exchange=Exchange.BINANCE,
        label="",
        state=AccountState.ACTIVE,
        is_default=True,
        key_version=1,
        ts_init_ms=CLOCK.now_ms(),
    )


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        exchange=Exchange.BINANCE,
        symbol=symbol,
        exchange_symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        tick_size=D("0.01"),
        lot_size=D("0.00001"),
    )


def _candle(end_ms: int) -> Candle:
    open_ms = minute_of(end_ms)
    return Candle(
        exchange=Exchange.BINANCE,
        symbol="BNBUSDT",
        interval="1m",
        open_ms=open_ms,
        close_ms=open_ms + 59_999,
        open_px=MINUTE_OPENED_AT,
        high_px=D(900),
        low_px=D(880),
        close_px=D(895),
        volume=D(1),
        quote_volume=D(890),
        closed=False,
        ts_event_ms=open_ms,
        ts_init_ms=open_ms,
    )


def _ticker(symbol: str, px: str) -> Ticker:
    now_ms = CLOCK.now_ms()
    return Ticker(exchange=Exchange.BINANCE, symbol=symbol, last_px=D(px), ts_event_ms=now_ms, ts_init_ms=now_ms)


def _balances(account_id: str) -> BalanceChanged:
    now_ms = CLOCK.now_ms()
    held = {"USDT": "1000", "BTC": "0.5", "ODD": "3"}
    return BalanceChanged(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        balances=tuple(AssetBalance(asset=asset, free=D(qty), locked=D(0)) for asset, qty in held.items()),
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )
