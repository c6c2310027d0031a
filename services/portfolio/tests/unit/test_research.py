"""What the books lack is asked for, priced and published; what cannot be had yet is asked again, not too often."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from common.accounts import AssetBalance
from common.bus.messages import Outgoing
from common.clock import FixedClock
from common.codec import decode_union
from common.errors import Unavailable
from common.exchanges import Exchange
from common.instruments import Instrument
from common.market import Candle, Ticker
from common.portfolio import FeeValued, PortfolioFact, PriceSource, SnapshotTaken, SymbolNamed
from portfolio.missing import Unnamed, Unseen, Unvalued
from portfolio.researcher import Researcher
from portfolio.routes import MINUTE_MS, minute_of
from portfolio.testing.builders import NOW_MS, a_buy

D = Decimal
MINUTE = minute_of(NOW_MS)


class Market:
    """Symbols with the opening prices of minutes; `away` when nobody answers."""

    def __init__(self, **prices: str) -> None:
        self.prices = {symbol: {MINUTE: D(px)} for symbol, px in prices.items()}
        self.asked = 0
        self.away = False

    async def instrument(self, symbol: str) -> Instrument | None:
        self._there()
        if symbol not in self.prices:
            return None
        base, quote = symbol[:-4], symbol[-4:]
        rules: dict[str, Any] = {
            "exchange": Exchange.BINANCE,
            "exchange_symbol": symbol,
            "tick_size": D(1),
            "lot_size": D(1),
        }
        return Instrument(symbol=symbol, base=base, quote=quote, **rules)

    async def minutes(self, symbol: str, at_ms: int) -> Sequence[Candle]:
        self._there()
        return [_candle(symbol, open_ms, px) for open_ms, px in self.prices.get(symbol, {}).items()]

    async def balances(self, account_id: str) -> Sequence[AssetBalance]:
        self._there()
        held = {"USDT": ("10", "5"), "BNB": ("2", "0"), "ODD": ("1", "0"), "NONE": ("0", "0")}
        return [AssetBalance(asset=asset, free=D(free), locked=D(locked)) for asset, (free, locked) in held.items()]

    async def tickers(self) -> Mapping[str, Ticker]:
        self._there()
        ticker = Ticker(
            exchange=Exchange.BINANCE, symbol="BNBUSDT", last_px=D("890.5"), ts_event_ms=NOW_MS, ts_init_ms=NOW_MS
        )
        return {"BNBUSDT": ticker}

    def _there(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("binance-connector")


class House:
    """What is missing, and what is published of it."""

    def __init__(self, market: Market, *wanted: Unnamed | Unvalued | Unseen) -> None:
        self.wanted = wanted
        self.published: list[Outgoing] = []
        self.clock = FixedClock(NOW_MS)
        self._researcher = Researcher(self, {Exchange.BINANCE: market}, self, self.clock)

    async def names(self, shards: Collection[int]) -> list[Any]:
        return [each for each in self.wanted if isinstance(each, Unnamed)]

    async def values(self, shards: Collection[int]) -> list[Any]:
        return [each for each in self.wanted if isinstance(each, Unvalued)]

    async def snapshots(self, shards: Collection[int], day: str) -> list[Any]:
        return [each for each in self.wanted if isinstance(each, Unseen) and each.day == day]

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.published += messages

    async def look(self) -> list[Any]:
        """Everything published so far, as facts."""
        await self._researcher.look([0])
        return [decode_union(message.value or b"", PortfolioFact) for message in self.published]


def a_fee(asset: str = "BNB", quote: str = "USDT") -> Unvalued:
    return Unvalued(a_buy("1", "100", trade=1, fee="0.1", fee_asset=asset, at_ms=NOW_MS), quote)


@pytest.mark.parametrize(
    ("prices", "asset", "quote", "px", "used"),
    [
        ({"BNBUSDT": "890.1"}, "BNB", "USDT", "890.1", ["BNBUSDT"]),
        ({"EURBNB": "0.0012"}, "BNB", "EUR", "833.333333333333333333", ["EURBNB"]),
        ({"BNBUSDT": "890", "BTCUSDT": "89000"}, "BNB", "BTC", "0.01", ["BNBUSDT", "BTCUSDT"]),
        ({"BNBUSDT": "890", "USDTTRY": "40"}, "BNB", "TRY", "35600", ["BNBUSDT", "USDTTRY"]),
    ],
)
async def test_a_fee_is_valued_by_the_shortest_way_there_is(
    prices: dict[str, str], asset: str, quote: str, px: str, used: list[str]
) -> None:
    house = House(Market(**prices), a_fee(asset, quote))
    (value,) = await house.look()
    assert isinstance(value, FeeValued)
    assert (value.px, [price.symbol for price in value.prices]) == (D(px), used)
    assert {price.source for price in value.prices} == {PriceSource.MINUTE_OPEN}
    assert house.published[0].causation_id == "fact-1"


async def test_where_nothing_traded_in_that_minute_the_last_close_before_it_counts() -> None:
    market = Market(BNBUSDT="1")
    market.prices["BNBUSDT"] = {MINUTE + MINUTE_MS: D(3), MINUTE - 2 * MINUTE_MS: D(2), MINUTE - 3 * MINUTE_MS: D(1)}
    (value,) = await House(market, a_fee()).look()
    (price,) = value.prices
    assert (price.px, price.source) == (D("2.5"), PriceSource.EARLIER_CLOSE)
    assert price.ts_ms == MINUTE - MINUTE_MS - 1


async def test_a_price_older_than_an_hour_is_none() -> None:
    market = Market(BNBUSDT="1")
    market.prices["BNBUSDT"] = {MINUTE - 61 * MINUTE_MS: D(2)}
    assert await House(market, a_fee()).look() == []


async def test_a_symbol_is_named_by_its_instrument() -> None:
    (name,) = await House(Market(BTCUSDT="1"), Unnamed(a_buy("1", "100", trade=1))).look()
    assert isinstance(name, SymbolNamed)
    assert (name.symbol, name.base, name.quote) == ("BTCUSDT", "BTC", "USDT")


async def test_a_snapshot_adds_up_what_has_a_price_and_lists_the_rest() -> None:
    (taken,) = await House(Market(), Unseen("account-1", Exchange.BINANCE, "2026-11-22")).look()
    assert isinstance(taken, SnapshotTaken)
    assert taken.equity == 15 + 2 * D("890.5")
    assert [(each.asset, each.qty, each.px) for each in taken.holdings] == [
        ("BNB", D(2), D("890.5")),
        ("ODD", D(1), None),
        ("USDT", D(15), D(1)),
    ]


async def test_an_exchange_that_is_away_is_asked_again_after_growing_pauses() -> None:
    market = Market(BNBUSDT="890.1")
    market.away = True
    house = House(market, a_fee())
    asked = []
    for _ in range(8):
        assert await house.look() == []
        asked.append(market.asked)
        house.clock.advance(1_000)
    assert asked == [1, 2, 2, 3, 3, 3, 3, 4]
    market.away = False
    house.clock.advance(60_000)
    assert len(await house.look()) == 1


async def test_what_was_published_and_is_not_read_yet_is_not_asked_for_again_for_a_while() -> None:
    house = House(Market(BNBUSDT="890.1"), a_fee())
    assert len(await house.look()) == len(await house.look()) == 1
    house.clock.advance(30_000)
    assert len(await house.look()) == 2


async def test_an_exchange_without_a_connector_is_asked_nothing() -> None:
    fee = a_buy("1", "100", trade=1, fee="0.1", fee_asset="MX", exchange=Exchange.MEXC)
    assert await House(Market(), Unvalued(fee, "USDT")).look() == []


def _candle(symbol: str, open_ms: int, px: Decimal) -> Candle:
    return Candle(
        exchange=Exchange.BINANCE,
        symbol=symbol,
        interval="1m",
        open_ms=open_ms,
        close_ms=open_ms + MINUTE_MS - 1,
        open_px=px,
        high_px=px,
        low_px=px,
        close_px=px + D("0.5"),
        volume=D(1),
        quote_volume=px,
        closed=True,
        ts_event_ms=open_ms,
        ts_init_ms=open_ms,
    )
