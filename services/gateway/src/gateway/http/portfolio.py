"""/portfolio: positions, closed trades, fees, equity and performance, as the portfolio service keeps them."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from common.errors import Unavailable
from common.exchanges import Exchange
from common.performance import DAY_MS
from gateway import answers
from gateway.accounts import not_found
from gateway.http.examples import example
from gateway.http.paging import Cursor, Limit, Listing
from gateway.http.parts import Parts, caller_of
from gateway.http.portfolio_examples import EQUITY, FEES, PERFORMANCE, POSITIONS, TRADES
from gateway.http.trading import CredentialId, ExchangeName
from gateway.portfolio import shown
from gateway.portfolio.shown import Price
from gateway.portfolio.views import FeeView, Filter, PositionView, TradeView
from gateway.trading.refusals import invalid
from gateway.trading.requests import Symbol, exchange_named

FromDay = Annotated[date | None, Query(alias="from", description="The first day (UTC).", examples=["2026-11-01"])]
ToDay = Annotated[date | None, Query(alias="to", description="The last day (UTC).", examples=["2026-11-30"])]
State = Annotated[Literal["OPEN", "CLOSED"] | None, Query(description="Only trades in this state.")]
_NOTHING_HELD = Price(px=None, at_ms=None, reason="nothing is held")
_TRADES: Final[Listing[TradeView]] = Listing(
    "portfolio/trades", (int, str, str, str), lambda each: (each.at_ms, each.account_id, each.symbol, each.trade_id)
)
_FEES: Final[Listing[FeeView]] = Listing(
    "portfolio/fees", (str, str, str), lambda each: (each.place, each.account_id, each.symbol)
)


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/portfolio", tags=["portfolio"])
    whose = _whose(parts)
    Whose = Annotated[Filter, Depends(whose)]  # noqa: N806 - a type.

    async def dated(mine: Whose, first: FromDay = None, last: ToDay = None) -> Filter:
        _in_order(first, last)
        return msgspec.structs.replace(
            mine,
            from_ms=None if first is None else _begin_ms(first),
            to_ms=None if last is None else _begin_ms(last) + DAY_MS,
        )

    Wanted = Annotated[Filter, Depends(dated)]  # noqa: N806 - a type.

    @routes.get("/positions", responses=example(200, POSITIONS), summary="What trades made of each symbol")
    async def positions(wanted: Whose, symbol: Symbol | None = None) -> Response:
        """Average entry, realised and unrealised profit, net of fees; `priceMissing` says why there is no price."""
        found = await parts.portfolio.positions(msgspec.structs.replace(wanted, symbol=symbol))
        prices = await _prices(parts, found)
        return _data([shown.position_shown(each, prices[each.exchange, each.symbol]) for each in found])

    @routes.get("/trades", responses=example(200, TRADES), summary="Trades with entry, exit and hold time")
    async def trades(
        wanted: Wanted, symbol: Symbol | None = None, state: State = None, limit: Limit = 100, cursor: Cursor = None
    ) -> Response:
        """The latest closed or opened first. A trade is a bracket, or what was bought by hand until it is sold."""
        asked = msgspec.structs.replace(wanted, symbol=symbol)
        found = await parts.portfolio.trades(asked, state, limit + 1, _TRADES.after(cursor))
        page = _TRADES.page(found, limit)
        return _data({"trades": [shown.trade_shown(each) for each in page.elements], "nextCursor": page.next_cursor})

    @routes.get("/fees", responses=example(200, FEES), summary="The fee of each fill, and what it was worth")
    async def fees(wanted: Wanted, symbol: Symbol | None = None, limit: Limit = 100, cursor: Cursor = None) -> Response:
        """The latest first, with the prices used; `totals` are over everything that is asked for."""
        asked = msgspec.structs.replace(wanted, symbol=symbol)
        page = _FEES.page(await parts.portfolio.fees(asked, limit + 1, _FEES.after(cursor)), limit)
        totals = await parts.portfolio.fee_totals(asked)
        answer = {
            "fees": [shown.fee_shown(each) for each in page.elements],
            "totals": [shown.fee_total_shown(each) for each in totals],
            "nextCursor": page.next_cursor,
        }
        return _data(answer)

    @routes.get("/equity", responses=example(200, EQUITY), summary="The equity curve, a point a day")
    async def equity(wanted: Whose, first: FromDay = None, last: ToDay = None) -> Response:
        """What the accounts held when each day began; what nobody prices is listed and not part of it."""
        _in_order(first, last)
        days = [None if day is None else day.isoformat() for day in (first, last)]
        return _data(shown.equity_shown(await parts.portfolio.snapshots(wanted), *days))

    @routes.get("/performance", responses=example(200, PERFORMANCE), summary="Figures over closed trades")
    async def performance(wanted: Wanted) -> Response:
        """Win rate, profit factor, expectancy, drawdown, Sharpe, average hold; one set for each quote asset."""
        closed = await parts.portfolio.trades(wanted, "CLOSED", None, None)
        dated = wanted.from_ms is not None or wanted.to_ms is not None
        stored = None if dated else await parts.portfolio.performance(wanted)
        return _data(shown.performance_shown(closed, stored))

    return routes


def _whose(parts: Parts) -> Callable[..., Awaitable[Filter]]:
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.

    async def whose(user_id: UserId, exchange: ExchangeName = None, credential_id: CredentialId = None) -> Filter:
        if credential_id is not None and not credential_id.isprintable():
            raise not_found()
        named = None if exchange is None else exchange_named(exchange)
        return Filter(user_id=user_id, exchange=named, account_id=credential_id)

    return whose


def _in_order(first: date | None, last: date | None) -> None:
    if first is not None and last is not None and last < first:
        raise invalid("to", "The last day is before the first.", "Swap from and to.")


async def _prices(parts: Parts, positions: Sequence[PositionView]) -> Mapping[tuple[Exchange, str], Price]:
    """The market of everything that is held; an exchange that does not answer leaves only its own without."""
    held: defaultdict[Exchange, list[str]] = defaultdict(list)
    prices = {(each.exchange, each.symbol): _NOTHING_HELD for each in positions}
    for each in positions:
        if each.qty > 0:
            held[each.exchange].append(each.symbol)
    for found in await asyncio.gather(*(_prices_of(parts, exchange, symbols) for exchange, symbols in held.items())):
        prices |= found
    return prices


async def _prices_of(parts: Parts, exchange: Exchange, symbols: list[str]) -> dict[tuple[Exchange, str], Price]:
    connector = parts.connectors.get(exchange)
    if connector is None:
        return _without(exchange, symbols, f"{exchange.value.upper()} is not served here")
    try:
        tickers = {each.symbol: each for each in await connector.tickers(sorted(set(symbols)))}
    except Unavailable as error:
        return _without(exchange, symbols, f"{error.what} does not answer")
    prices = _without(exchange, symbols, f"{exchange.value.upper()} tells no price")
    for symbol, ticker in tickers.items():
        if ticker.last_px is not None:
            prices[exchange, symbol] = Price(px=ticker.last_px, at_ms=ticker.ts_event_ms, reason=None)
    return prices


def _without(exchange: Exchange, symbols: Sequence[str], reason: str) -> dict[tuple[Exchange, str], Price]:
    return {(exchange, symbol): Price(px=None, at_ms=None, reason=reason) for symbol in symbols}


def _begin_ms(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))
