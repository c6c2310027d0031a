"""The portfolio's numbers beside a ledger kept by hand, and beside what the topics tell once more."""

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

ZERO = Decimal(0)
MINUTE_MS = 60_000


async def test_a_trade_to_its_first_target_and_its_stop_comes_to_what_a_hand_computes(desk: Any) -> None:
    async with desk.user(also={"bnb_burn": True}, USDT="100000", BNB="1") as user:
        see = user.trader.get
        await _until(desk, lambda: see("/portfolio/equity"), lambda days: len(days) == 1, "the first day's equity")
        await user.buy("0.01")
        await desk.until_protected(user)
        await desk.price("104500")
        account = await desk.until(user, lambda a: len(a.open_exits) == 2, "the first pair is done")
        await _until(desk, lambda: see("/portfolio/fees"), lambda page: _all_valued(page, 2), "two fees are valued")
        (held,) = await see("/portfolio/positions", exchange="BINANCE")
        half_the_cost = _bought(account, await _prices_of_bnb(desk, account)) / 2
        assert Decimal(held["quantity"]) == Decimal("0.005")
        assert Decimal(held["unrealisedPnL"]) == Decimal("0.005") * Decimal(held["price"]) - half_the_cost

        await desk.price("94000")
        account = await desk.until_flat(user)
        page = await _until(desk, lambda: see("/portfolio/fees"), lambda page: _all_valued(page, 3), "all fees valued")
        prices = await _prices_of_bnb(desk, account)
        profit = _sold(account, prices) - _bought(account, prices)

        fees = {fee["tradeId"]: fee for fee in page["fees"]}
        for trade in account.raw["trades"]:
            assert trade["commissionAsset"] == "BNB"
            assert Decimal(fees[str(trade["id"])]["feeValue"]) == _fee(trade, prices)
        closed = await _until(
            desk,
            lambda: see("/portfolio/trades", state="CLOSED"),
            lambda page: len(page["trades"]) == 1,
            "the trade is closed",
        )
        (trade,) = closed["trades"]
        times = sorted(each["time"] for each in account.raw["trades"])
        assert Decimal(trade["realisedPnL"]) == profit
        assert (trade["entry"]["quantity"], trade["exit"]["quantity"]) == ("0.01", "0.01")
        assert (trade["holdMs"], trade["complete"]) == (times[-1] - times[0], True)

        (position,) = await see("/portfolio/positions")
        assert (Decimal(position["realisedPnL"]), position["quantity"]) == (profit, "0")
        assert Decimal(position["fees"]["BNB"]) == 1 - _balance(account, "BNB")
        in_quote = Decimal(position["realisedPnL"]) + Decimal(position["feesValue"])
        assert in_quote == _balance(account, "USDT") - 100_000
        (figures,) = (await see("/portfolio/performance"))["overall"]
        assert (figures["trades"], Decimal(figures["netPnL"])) == (1, profit)

        (shown,) = await see("/exchanges/trades", exchange="BINANCE")
        assert Decimal(str(shown["currentPnL"])) == profit.quantize(Decimal("1e-8"))
        assert shown["feesNotInPnL"] == {}


@pytest.mark.parametrize(
    ("exchange", "also", "coin"),
    [("bitget", {}, None), ("gateio", {"pays_with_gt": True}, "GT"), ("mexc", {"mx_deduct": True}, "MX")],
)
async def test_on_every_exchange_results_and_fees_add_up_to_the_cash_that_flowed(
    desk: Any, exchange: str, also: Any, coin: str | None
) -> None:
    begin = {"USDT": Decimal(100_000), **({coin: Decimal(1_000)} if coin else {})}
    async with desk.user(exchange, also=also, **{asset: str(qty) for asset, qty in begin.items()}) as user:
        await user.buy("0.0123", tpLevels=[104_000])

        async def fees() -> Any:
            return await user.trader.get("/portfolio/fees")

        await _until(desk, fees, lambda page: _all_valued(page, 1), "the fee of the buy is valued")
        await desk.price("94000", exchange=exchange)
        page = await _until(desk, fees, lambda page: _all_valued(page, 2), "the fee of the sale is valued")
        end = await desk.books(user)
        (position,) = await user.trader.get("/portfolio/positions")
        in_coins = [fee for fee in page["fees"] if fee["feeAsset"] == coin]
        assert len(in_coins) == (2 if coin else 0)
        paid_in_coins = sum((Decimal(fee["feeValue"]) for fee in in_coins), ZERO)
        flowed = _balance(end, "USDT") - begin["USDT"]
        assert flowed == Decimal(position["realisedPnL"]) - Decimal(position["cost"]) + paid_in_coins
        assert Decimal(position["quantity"]) == _balance(end, "BTC")
        if coin:
            assert Decimal(position["fees"][coin]) == begin[coin] - _balance(end, coin)
            assert {each["symbol"] for fee in in_coins for each in fee["pricesUsed"]} == {f"{coin}USDT"}


async def test_what_is_stored_is_what_the_topics_tell_byte_for_byte(desk: Any) -> None:
    async with desk.user() as user:
        # A quantity of which the fee in BTC leaves dust.
        await user.buy("0.0123")
        await desk.until_protected(user)
        await desk.price("107000")
        await desk.until_flat(user)
        await _until(
            desk,
            lambda: user.trader.get("/portfolio/trades", state="CLOSED"),
            lambda page: [Decimal(trade["dust"]["quantity"]) for trade in page["trades"]] == [Decimal("0.0000077")],
            "the trade is closed",
        )
        verify = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("cgt"),
            *("portfolio", "verify"),
            env={**os.environ, **desk.stack.settings("portfolio")},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await verify.communicate()
        assert verify.returncode == 0, said.decode()
        rebuilt, stored = (line.split()[1] for line in said.decode().splitlines() if "sha256:" in line)
        assert rebuilt == stored


async def _until(desk: Any, look: Any, holds: Any, what: str) -> Any:
    return await desk.eventually(look, holds, what)


def _all_valued(page: Any, count: int) -> bool:
    return len(page["fees"]) == count and all(fee["feeState"] == "valued" for fee in page["fees"])


def _bought(account: Any, prices: dict[int, Decimal]) -> Decimal:
    buys = [trade for trade in account.raw["trades"] if trade["isBuyer"]]
    return sum((Decimal(trade["quoteQty"]) + _fee(trade, prices) for trade in buys), ZERO)


def _sold(account: Any, prices: dict[int, Decimal]) -> Decimal:
    sales = [trade for trade in account.raw["trades"] if not trade["isBuyer"]]
    return sum((Decimal(trade["quoteQty"]) - _fee(trade, prices) for trade in sales), ZERO)


def _fee(trade: Any, prices: dict[int, Decimal]) -> Decimal:
    return Decimal(trade["commission"]) * prices[trade["time"]]


def _balance(account: Any, asset: str) -> Decimal:
    balance = account.raw["balances"].get(asset, {"free": "0", "locked": "0"})
    return Decimal(balance["free"]) + Decimal(balance["locked"])


async def _prices_of_bnb(desk: Any, account: Any) -> dict[int, Decimal]:
    """What BNB cost when the minute of each trade began, by the exchange's own candles."""
    prices = {}
    async with aiohttp.ClientSession() as http:
        for time_ms in {trade["time"] for trade in account.raw["trades"]}:
            began_ms = time_ms - time_ms % MINUTE_MS
            query = {"symbol": "BNBUSDT", "interval": "1m", "startTime": began_ms, "limit": 1}
            async with http.get(f"{desk.stack.paper_binance_url}/api/v3/klines", params=query) as answer:
                (candle,) = await answer.json()
            assert candle[0] == began_ms
            prices[time_ms] = Decimal(candle[1])
    return prices
