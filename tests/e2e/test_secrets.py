"""After a trade, the API key and its secret stand nowhere in clear: not in logs, topics, tables or answers."""

import asyncio
from contextlib import aclosing
from typing import Any

import asyncpg
import pytest

from common.bus.brokers import BusSettings
from common.bus.tail import tail
from common.bus.topics import all_topics
from common.exchanges import CAPABILITIES

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def test_the_key_and_its_secret_appear_nowhere(desk: Any) -> None:
    async with desk.user() as user:
        await user.buy("0.01")
        await desk.until_protected(user)
        await desk.fault("error_before", uid=user.uid, path="/api/v3/order", count=1)
        await user.attempt("0.01")
        await desk.price("94000")
        await desk.until_flat(user)
        answers = [
            str(await user.trader.get(path, **query))
            for path, query in [
                ("/api-credentials", {}),
                ("/exchanges/balance", {"exchange": "BINANCE"}),
                ("/exchanges/open-orders", {"exchange": "BINANCE"}),
                ("/exchanges/open-positions", {"exchange": "BINANCE"}),
                ("/exchanges/trades", {"exchange": "BINANCE"}),
            ]
        ]
        places = {
            "answers": "\n".join(answers),
            "topics": await _topics(desk.stack),
            "tables": await _tables(desk.stack.database_url),
            # The paper exchange plays the outside world, and is told the key by its owner.
            "logs": "\n".join(
                path.read_text(errors="replace")
                for path in desk.stack.logs.glob("*.log")
                if not path.name.startswith("paper-exchange")
            ),
        }
        assert "order.filled" in places["topics"]
        assert user.credential_id in places["tables"]
        for where, text in places.items():
            assert user.secret not in text, where
            assert user.api_key not in text, where


async def _topics(stack: Any) -> str:
    """Every record of every topic, headers included."""
    settings = BusSettings(kafka_bootstrap=stack.bootstrap, broker=stack.options.broker)
    caught_up, seen = asyncio.Event(), []
    async with aclosing(tail(settings, *all_topics(CAPABILITIES), from_="start", ready=caught_up)) as records:
        async with asyncio.timeout(60):
            async for record in records:
                seen.append(f"{record.key} {record.headers} {(record.value or b'').decode(errors='replace')}")
                if caught_up.is_set() or (len(seen) > 20 and "bracket.closed" in seen[-1]):
                    break
    return "\n".join(seen)


async def _tables(database_url: str) -> str:
    """Every row of every table as text, as a dump would show it."""
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        rows = [
            row[0]
            for table in tables
            for row in await connection.fetch(f'SELECT t::text FROM "{table[0]}"."{table[1]}" t')
        ]
    finally:
        await connection.close()
    return "\n".join(rows)
