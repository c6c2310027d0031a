"""What only looks, joined from the exchange and the ledger; every path that shows an account shows it this way."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import structlog

from common.errors import Unavailable
from common.exchanges import Exchange
from gateway import answers
from gateway.http.paging import Listing, Page
from gateway.http.parts import Parts
from gateway.portfolio.views import TradeView
from gateway.ports import Account, BracketView
from gateway.positions import balance_shown, held_assets, position_shown, symbol_of
from gateway.resting import resting
from gateway.trades import grouped, trade_shown

_TRADES: Final[Listing[BracketView]] = Listing("trades", (int, str), lambda each: each.place)
_log = structlog.get_logger(__name__)


class Look:
    """Reads joined from the exchange and the ledger."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def account(self, user_id: str, exchange: Exchange, credential_id: str | None) -> Account:
        """The account a read means. Raises Refused."""
        self._parts.connector(exchange)
        return await self._parts.accounts.chosen(user_id, exchange, credential_id)

    async def balances(self, account: Account) -> list[dict[str, Any]]:
        """What the account has."""
        balances = await self._parts.connector(account.exchange).balances(account.account_id)
        return [balance_shown(each) for each in balances]

    async def open_orders(self, account: Account, symbol: str | None) -> list[dict[str, Any]]:
        """What rests on the exchange, and after it the exits that the engine holds."""
        found = await resting(self._parts.connector(account.exchange), self._parts.ledger, account, symbol)
        shown = [answers.open_order_shown(each.order, each.ours) for each in found]
        held = await self._parts.ledger.held_orders(account.account_id, symbol)
        return shown + [answers.held_order_shown(order) for order in held]

    async def positions(self, account: Account) -> list[dict[str, Any]]:
        """What is held, with its value and its protection."""
        connector = self._parts.connector(account.exchange)
        balances, brackets = await asyncio.gather(
            connector.balances(account.account_id), self._parts.ledger.brackets([account.account_id], None, 500)
        )
        held = held_assets(balances)
        tickers = await connector.tickers([symbol_of(each.asset) for each in held]) if held else ()
        prices = {ticker.symbol: ticker.last_px for ticker in tickers if ticker.last_px is not None}
        return [position_shown(each, prices, brackets) for each in held]

    async def trades(
        self, account: Account, symbol: str | None, limit: int, cursor: str | None
    ) -> Page[dict[str, Any]]:
        """Brackets with their orders and what they made, newest first. Raises Refused."""
        found = await self._parts.ledger.brackets([account.account_id], symbol, limit + 1, _TRADES.after(cursor))
        page = _TRADES.page(found, limit)
        return Page(await self._trades(account, page.elements), page.next_cursor)

    async def _trades(self, account: Account, brackets: Sequence[BracketView]) -> list[dict[str, Any]]:
        orders = grouped(await self._parts.ledger.orders_of([bracket.bracket_id for bracket in brackets]))
        symbols = sorted({bracket.symbol for bracket in brackets})
        instruments, prices, kept = await asyncio.gather(
            self._assets(account.exchange, symbols),
            self._prices(account.exchange, brackets),
            self._kept(account, brackets),
        )
        return [
            trade_shown(
                bracket,
                orders.get(bracket.bracket_id, []),
                base=instruments[bracket.symbol][0],
                quote=instruments[bracket.symbol][1],
                last_px=prices.get(bracket.symbol),
                kept=kept.get(bracket.bracket_id),
            )
            for bracket in brackets
        ]

    async def _kept(self, account: Account, brackets: Sequence[BracketView]) -> dict[str, TradeView]:
        """The portfolio's trades of these brackets; while it does not answer, results go without its valued fees."""
        try:
            found = await self._parts.portfolio.trades_of(account.account_id, [each.bracket_id for each in brackets])
        except Unavailable as error:
            _log.warning("trades_without_portfolio", error=str(error))
            return {}
        return {each.trade_id: each for each in found}

    async def _assets(self, exchange: Exchange, symbols: list[str]) -> dict[str, tuple[str, str]]:
        connector = self._parts.connector(exchange)
        instruments = await asyncio.gather(*(connector.instrument(symbol) for symbol in symbols))
        return {each.symbol: (each.base, each.quote) for each in instruments}

    async def _prices(self, exchange: Exchange, brackets: Any) -> dict[str, Any]:
        """The last prices of what is still held."""
        wanted = sorted({bracket.symbol for bracket in brackets if _open(bracket)})
        tickers = await self._parts.connector(exchange).tickers(wanted) if wanted else ()
        return {ticker.symbol: ticker.last_px for ticker in tickers if ticker.last_px is not None}


def _open(bracket: BracketView) -> bool:
    return bracket.state != "CLOSED"
