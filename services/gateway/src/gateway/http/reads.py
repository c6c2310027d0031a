"""/exchanges, what only looks: balance, open orders, open positions, trades."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from common.exchanges import Exchange
from gateway import answers
from gateway.http import examples
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CredentialId, ExchangeName
from gateway.ports import Account, BracketView
from gateway.positions import balance_shown, held_assets, position_shown, symbol_of
from gateway.trades import grouped, trade_shown
from gateway.trading.requests import Symbol, exchange_named

Limit = Annotated[int, Query(ge=1, le=500)]


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/exchanges", tags=["account"])
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    look = _Look(parts)

    @routes.get("/balance", responses=examples.example(200, examples.BALANCE), summary="What the account has")
    async def balance(user_id: UserId, exchange: ExchangeName = None, credential_id: CredentialId = None) -> Response:
        account = await look.account(user_id, exchange, credential_id)
        balances = await parts.connector(account.exchange).balances(account.account_id)
        return _data([balance_shown(each) for each in balances])

    @routes.get("/open-orders", summary="What rests on the exchange, with its part in a bracket")
    async def open_orders(
        user_id: UserId,
        exchange: ExchangeName = None,
        symbol: Symbol | None = None,
        credential_id: CredentialId = None,
    ) -> Response:
        account = await look.account(user_id, exchange, credential_id)
        return _data(await look.open_orders(account, symbol))

    @routes.get("/open-positions", summary="What is held, its value in dollars, and how much of it is protected")
    async def open_positions(
        user_id: UserId, exchange: ExchangeName = None, credential_id: CredentialId = None
    ) -> Response:
        account = await look.account(user_id, exchange, credential_id)
        return _data(await look.positions(account))

    @routes.get("/trades", summary="Trades with their orders and profit, net of fees, newest first")
    async def trades(
        user_id: UserId,
        exchange: ExchangeName = None,
        symbol: Symbol | None = None,
        credential_id: CredentialId = None,
        limit: Limit = 100,
    ) -> Response:
        account = await look.account(user_id, exchange, credential_id)
        return _data(await look.trades(account, symbol, limit))

    return routes


class _Look:
    """Reads joined from the exchange and the ledger."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def account(self, user_id: str, exchange: str | None, credential_id: str | None) -> Account:
        """The account a read means. Raises Refused."""
        named = exchange_named(exchange)
        self._parts.connector(named)
        return await self._parts.accounts.chosen(user_id, named, credential_id)

    async def open_orders(self, account: Account, symbol: str | None) -> list[dict[str, Any]]:
        orders = await self._parts.connector(account.exchange).open_orders(account.account_id, symbol)
        names = [order.client_order_id for order in orders if order.client_order_id]
        ours = await self._parts.ledger.orders_by_client_id(account.account_id, names) if names else ()
        by_name = {order.client_order_id: order for order in ours}
        return [answers.open_order_shown(order, by_name.get(order.client_order_id or "")) for order in orders]

    async def positions(self, account: Account) -> list[dict[str, Any]]:
        connector = self._parts.connector(account.exchange)
        balances, brackets = await asyncio.gather(
            connector.balances(account.account_id), self._parts.ledger.brackets([account.account_id], None, 500)
        )
        held = held_assets(balances)
        tickers = await connector.tickers([symbol_of(each.asset) for each in held]) if held else ()
        prices = {ticker.symbol: ticker.last_px for ticker in tickers if ticker.last_px is not None}
        return [position_shown(each, prices, brackets) for each in held]

    async def trades(self, account: Account, symbol: str | None, limit: int) -> list[dict[str, Any]]:
        brackets = await self._parts.ledger.brackets([account.account_id], symbol, limit)
        orders = grouped(await self._parts.ledger.orders_of([bracket.bracket_id for bracket in brackets]))
        symbols = sorted({bracket.symbol for bracket in brackets})
        instruments, prices = await asyncio.gather(
            self._assets(account.exchange, symbols), self._prices(account.exchange, brackets)
        )
        return [
            trade_shown(
                bracket,
                orders.get(bracket.bracket_id, []),
                base=instruments[bracket.symbol][0],
                quote=instruments[bracket.symbol][1],
                last_px=prices.get(bracket.symbol),
            )
            for bracket in brackets
        ]

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


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))
