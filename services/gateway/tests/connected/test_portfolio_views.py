"""The portfolio's published views on a real PostgreSQL, migrated by the portfolio's own steps."""

from collections.abc import AsyncIterator
from decimal import Decimal

import asyncpg
import pytest
import pytest_asyncio

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable
from common.exchanges import Exchange
from gateway.portfolio.views import Filter
from gateway.store.portfolio import PostgresPortfolio

pytestmark = [pytest.mark.connected, pytest.mark.asyncio(loop_scope="module")]

ROWS = """
INSERT INTO portfolio.accounts VALUES
    ('a', 0, 'me', 'binance', '', 'active', 1), ('b', 0, 'other', 'binance', '', 'active', 1);
INSERT INTO portfolio.positions
    SELECT account, 'BTCUSDT', 0, 'binance', 'BTC', 'USDT', '{}', 0.5, 50000, 100000, 1.50, '{"BNB": "0.1"}', 89,
           '{}', 0, 0, 0, 2, 10, 20
    FROM unnest(ARRAY['a', 'b']) account;
INSERT INTO portfolio.fills
    SELECT account, 'BTCUSDT', trade::text, 'BUY', 0, 'binance', lpad(trade::text, 15, '0') || '/t/BUY', NULL, trade,
           0.25, 100000, 0.05, 'BNB', 'valued', 890, 44.5, 0, '{}', NULL
    FROM unnest(ARRAY['a', 'b']) account, generate_series(1, 3) trade;
INSERT INTO portfolio.fee_values
    VALUES ('a', 'BTCUSDT', '1', 'BUY', '{"prices": [{"symbol": "BNBUSDT", "px": "890"}]}');
INSERT INTO portfolio.trades
    SELECT account, 'BTCUSDT', 't' || n, 'binance', 'USDT', 'x', 'CLOSED', 1, 100, 1, 110, 0, 0, 0, 0, 10, '{}', 0,
           '{}', 0, 1, n, n - 1
    FROM unnest(ARRAY['a', 'b']) account, generate_series(1, 3) n;
INSERT INTO portfolio.snapshots
    VALUES ('a', '2026-11-22', 0, 'binance', 5, 'USDT', 1000.10, '{"ODD": "3"}', '{"holdings": [{"asset": "ODD"}]}');
INSERT INTO portfolio.performance
    VALUES ('a', 'USDT', 'binance', 3, 3, 0, 0, 1, 30, 30, 0, NULL, 10, 0, NULL, 1)
"""
MINE = Filter(user_id="me")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def portfolio(database_url: str) -> AsyncIterator[PostgresPortfolio]:
    pool: asyncpg.Pool = await create_pool(database_url, "gateway", application_name="test", size=1)
    with pytest.raises(Unavailable, match="portfolio"):
        await PostgresPortfolio(pool).positions(MINE)
    await migrate("portfolio", "portfolio", database_url)
    await pool.execute(ROWS)
    yield PostgresPortfolio(pool)
    await pool.close()


async def test_a_users_positions_are_read_with_their_fees(portfolio: PostgresPortfolio) -> None:
    (position,) = await portfolio.positions(MINE)
    assert (position.account_id, position.exchange, position.qty) == ("a", Exchange.BINANCE, Decimal("0.5"))
    assert (position.fees, position.complete) == ({"BNB": Decimal("0.1")}, True)
    assert await portfolio.positions(Filter(user_id="me", exchange=Exchange.MEXC)) == []
    assert await portfolio.positions(Filter(user_id="me", account_id="b")) == []
    assert await portfolio.positions(Filter(user_id="me", symbol="ETHUSDT")) == []


async def test_trades_are_read_in_pages_and_between_times(portfolio: PostgresPortfolio) -> None:
    first = await portfolio.trades(MINE, "CLOSED", 2, None)
    assert [trade.trade_id for trade in first] == ["t3", "t2"]
    last = first[-1]
    after = (last.at_ms, last.account_id, last.symbol, last.trade_id)
    assert [trade.trade_id for trade in await portfolio.trades(MINE, None, 2, after)] == ["t1"]
    dated = Filter(user_id="me", from_ms=2, to_ms=3)
    assert [trade.trade_id for trade in await portfolio.trades(dated, None, None, None)] == ["t2"]
    assert first[0].result is not None
    assert [trade.trade_id for trade in await portfolio.trades_of("a", ["t1", "t9"])] == ["t1"]
    assert await portfolio.trades(MINE, "OPEN", 2, None) == []


async def test_fees_are_read_in_pages_with_their_prices_and_totals(portfolio: PostgresPortfolio) -> None:
    latest, *_ = first = await portfolio.fees(MINE, 2, None)
    assert (latest.trade_id, latest.fee_worth, latest.prices) == ("3", Decimal("44.5"), None)
    after = (first[-1].place, first[-1].account_id, first[-1].symbol)
    (oldest,) = await portfolio.fees(MINE, 2, after)
    assert oldest.prices == [{"symbol": "BNBUSDT", "px": "890"}]
    (total,) = await portfolio.fee_totals(MINE)
    assert (total.fee_asset, total.fills, total.fee, total.fee_worth) == ("BNB", 3, Decimal("0.15"), Decimal("133.5"))


async def test_snapshots_and_performance_are_read(portfolio: PostgresPortfolio) -> None:
    (snapshot,) = await portfolio.snapshots(MINE)
    assert (snapshot.equity, snapshot.unpriced) == (Decimal("1000.10"), {"ODD": Decimal(3)})
    (figures,) = await portfolio.performance(MINE)
    assert (figures.net, figures.profit_factor) == (Decimal(30), None)
