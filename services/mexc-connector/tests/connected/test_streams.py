"""Private streams, their listen keys and what they miss; market data; questions over the internal HTTP API."""

from typing import Any

import pytest

from common.orders import OrderStatus

pytestmark = pytest.mark.connected


async def a_resting_order(bench: Any, account_id: str = "account-1") -> Any:
    order = bench.limit_buy(account_id=account_id)
    await bench.send(order)
    await bench.told.first(order.client_order_id, "order.accepted")
    return order


async def test_the_listen_key_is_there_before_the_socket_and_used_again_after_a_loss(
    bench: Any, eventually: Any
) -> None:
    bench.account()
    async with bench.connector() as connector:
        keys = bench.listen_keys()
        assert len(keys) == 1
        bench.fault("drop_sockets", sockets="user")
        await eventually(lambda: not connector.ready_for(["account-1"]))
        await eventually(lambda: connector.ready_for(["account-1"]))
        assert bench.listen_keys() == keys


async def test_each_account_has_a_socket_and_a_key_of_its_own(bench: Any) -> None:
    bench.account("account-1")
    bench.account("account-2")
    async with bench.connector():
        for account_id in ("account-1", "account-2"):
            assert len(bench.listen_keys(account_id)) == 1
            order = await a_resting_order(bench, account_id)
            bench.fill(order)
            fill = await bench.told.first(order.client_order_id, "order.filled")
            assert fill.account_id == account_id


@pytest.mark.parametrize("expiry", ["silence", "drop"])
async def test_a_lost_listen_key_is_noticed_replaced_and_what_was_missed_is_told(
    bench: Any, eventually: Any, expiry: Any
) -> None:
    bench.account()
    bench.switch(listen_key_expiry=expiry)
    async with bench.connector(mexc_prove_silent_ms=1_000):
        order = await a_resting_order(bench)
        before = bench.listen_keys()
        bench.lose_listen_keys()
        bench.fill(order)
        told = await bench.told.matching(
            lambda fact: fact.client_order_id == order.client_order_id and fact.status is OrderStatus.FILLED
        )
        assert told.cum_qty == order.qty
        await bench.told.first(order.client_order_id, "order.filled")
        await eventually(bench.listen_keys)
        assert bench.listen_keys() != before


async def test_a_fill_while_nobody_listened_is_told_with_its_trade(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.fault("refuse_connections", delay_ms=500)
        bench.fault("drop_sockets", sockets="user")
        bench.fill(order)
        await bench.told.first(order.client_order_id, "order.filled")


async def test_a_trade_told_twice_has_one_identity(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        order = await a_resting_order(bench)
        bench.fault("duplicate_event", count=10)
        bench.fill(order)
        await eventually(lambda: len(bench.told.of(order.client_order_id, "order.filled")) >= 2)
        assert len({fact.trade_id for fact in bench.told.of(order.client_order_id, "order.filled")}) == 1


async def test_balances_are_told_as_they_change(bench: Any, eventually: Any) -> None:
    bench.account()
    async with bench.connector():
        before = len(bench.told.balances)
        await a_resting_order(bench)
        await eventually(lambda: len(bench.told.balances) > before)


async def test_a_revoked_key_parks_its_account_alone(bench: Any) -> None:
    bench.account("account-1")
    bench.account("account-2")
    async with bench.connector():
        bench.paper.mexc_control.revoke_key(bench.uids["account-1"])
        refused, fine = bench.limit_buy(account_id="account-1"), bench.limit_buy(account_id="account-2")
        await bench.send(refused, fine)
        rejected = await bench.told.first(refused.client_order_id, "order.rejected")
        assert rejected.category == "auth"
        await bench.told.first(fine.client_order_id, "order.accepted")


async def test_a_watched_symbols_best_prices_are_published(bench: Any, eventually: Any) -> None:
    async with bench.connector() as connector:
        connector.reader.market.watch(["MXUSDT"], 60_000)
        await eventually(lambda: bench.market_channels() and bench.market_channels()[0])
        bench.paper.mexc_control.move({"symbol": "MXUSDT", "price": "3.6"})
        kinds = await bench.published_market_kinds(at_least={"market.ticker"})
        assert kinds == {("MXUSDT", "market.ticker")}


async def test_more_symbols_than_a_socket_takes_are_spread_over_several(bench: Any, eventually: Any) -> None:
    async with bench.connector(market_symbols_per_socket=3) as connector:
        symbols = ["MXUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"]
        connector.reader.market.watch(symbols, 60_000)
        await eventually(lambda: sorted(len(each) for each in bench.market_channels()) == [2, 3])


async def test_market_data_is_published_for_the_configured_symbols(bench: Any, eventually: Any) -> None:
    async with bench.connector(mexc_market_symbols="MXUSDT"):
        await eventually(lambda: bench.market_channels() and len(bench.market_channels()[0]) >= 3)
        for price in ("3.6", "3.65", "3.7"):
            bench.paper.mexc_control.move({"symbol": "MXUSDT", "price": price})
        kinds = await bench.published_market_kinds(at_least={"market.trade", "market.ticker"})
        assert {symbol for symbol, _ in kinds} == {"MXUSDT"}


async def test_questions_are_answered_in_the_languages_types(bench: Any) -> None:
    bench.account()
    async with bench.connector() as connector:
        reader, order = connector.reader, await a_resting_order(bench)
        dialect = reader.dialect
        ticker = await reader.market.ticker("MXUSDT")
        assert ticker.last_px is not None
        assert ticker.bid_px < ticker.ask_px
        assert (await reader.ask(dialect.fetch_depth("MXUSDT", 5))).bids
        assert isinstance(await reader.ask(dialect.fetch_candles("MXUSDT", "1h", 3)), tuple)
        assert {each.symbol for each in await reader.ask(dialect.fetch_tickers(()))} >= {"MXUSDT", "BTCUSDT"}
        found = await reader.ask(dialect.fetch_open_orders("account-1", None), "account-1")
        assert [each.client_order_id for each in found] == [order.client_order_id]
        balances = await reader.ask(dialect.fetch_balances("account-1"), "account-1")
        assert {each.asset for each in balances.balances} >= {"USDT", "MX"}
        check = await reader.ask(dialect.check_key(), "account-1")
        assert check.ok
