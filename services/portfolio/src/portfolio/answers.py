"""Asks an exchange what the books lack, and makes a fact of the answer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import assert_never

from common.exact import exact
from common.market import Ticker
from common.portfolio import FeeValued, Holding, PortfolioFact, PriceUsed, SnapshotTaken, SymbolNamed
from portfolio.exchanges import Exchange
from portfolio.missing import Unnamed, Unseen, Unvalued, Wanted
from portfolio.routes import DOLLAR, price_at, routes


def day_of(at_ms: int) -> str:
    """The day of UTC, as 2026-11-22."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()


async def answer(exchange: Exchange, wanted: Wanted, now_ms: int) -> PortfolioFact | None:
    """The fact that fills a gap; None where the exchange has none to give. Raises Unavailable."""
    match wanted:
        case Unnamed():
            return await _name(exchange, wanted, now_ms)
        case Unvalued():
            return await _value(exchange, wanted, now_ms)
        case Unseen():
            return await _snapshot(exchange, wanted, now_ms)
        case _:
            assert_never(wanted)


async def _name(exchange: Exchange, wanted: Unnamed, now_ms: int) -> SymbolNamed | None:
    fill = wanted.fill
    instrument = await exchange.instrument(fill.symbol)
    if instrument is None:
        return None
    return SymbolNamed(
        account_id=fill.account_id,
        exchange=fill.exchange,
        symbol=fill.symbol,
        base=instrument.base,
        quote=instrument.quote,
        ts_event_ms=fill.at_ms,
        ts_init_ms=now_ms,
    )


async def _value(exchange: Exchange, wanted: Unvalued, now_ms: int) -> FeeValued | None:
    fill = wanted.fill
    assert fill.fee_asset is not None, "a fee without an asset is not known"
    for route in routes(fill.fee_asset, wanted.quote):
        used = await _prices(exchange, route.symbols, fill.at_ms)
        if used is not None:
            return FeeValued(
                account_id=fill.account_id,
                exchange=fill.exchange,
                symbol=fill.symbol,
                trade_id=fill.trade_id,
                side=fill.side,
                fee_asset=fill.fee_asset,
                quote=wanted.quote,
                px=route.worth(*(each.px for each in used)),
                prices=used,
                ts_event_ms=fill.at_ms,
                ts_init_ms=now_ms,
            )
    return None


async def _snapshot(exchange: Exchange, wanted: Unseen, now_ms: int) -> SnapshotTaken:
    balances = await exchange.balances(wanted.account_id)
    tickers = await exchange.tickers()
    with exact():
        holdings = tuple(
            Holding(
                asset=each.asset, qty=each.free + each.locked, px=_worth(each.asset, tickers.get(each.asset + DOLLAR))
            )
            for each in sorted(balances, key=lambda each: each.asset)
            if each.free + each.locked > 0
        )
        equity = sum((each.qty * each.px for each in holdings if each.px is not None), Decimal(0))
    return SnapshotTaken(
        account_id=wanted.account_id,
        exchange=wanted.exchange,
        day=wanted.day,
        currency=DOLLAR,
        holdings=holdings,
        equity=equity,
        ts_event_ms=now_ms,
        ts_init_ms=now_ms,
    )


async def _prices(exchange: Exchange, symbols: Sequence[str], at_ms: int) -> tuple[PriceUsed, ...] | None:
    used = []
    for symbol in symbols:
        price = price_at(symbol, at_ms, await exchange.minutes(symbol, at_ms))
        if price is None or price.px <= 0:
            return None
        used.append(price)
    return tuple(used)


def _worth(asset: str, ticker: Ticker | None) -> Decimal | None:
    if asset == DOLLAR:
        return Decimal(1)
    return None if ticker is None else ticker.last_px
