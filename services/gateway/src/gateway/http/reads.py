"""/exchanges, what only looks: balance, open orders, open positions, trades."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from gateway import answers
from gateway.http import account_examples as examples
from gateway.http.examples import example
from gateway.http.look import Look
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CredentialId, ExchangeName
from gateway.trading.requests import Symbol, exchange_named

Limit = Annotated[int, Query(ge=1, le=500)]


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/exchanges", tags=["account"])
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    look = Look(parts)

    @routes.get("/balance", responses=example(200, examples.BALANCE), summary="What the account has")
    async def balance(user_id: UserId, exchange: ExchangeName = None, credential_id: CredentialId = None) -> Response:
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _data(await look.balances(account))

    @routes.get(
        "/open-orders",
        responses=example(200, examples.OPEN_ORDERS),
        summary="What rests on the exchange, with its part in a bracket",
    )
    async def open_orders(
        user_id: UserId,
        exchange: ExchangeName = None,
        symbol: Symbol | None = None,
        credential_id: CredentialId = None,
    ) -> Response:
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _data(await look.open_orders(account, symbol))

    @routes.get(
        "/open-positions",
        responses=example(200, examples.POSITIONS),
        summary="What is held, its value in dollars, and how much of it is protected",
    )
    async def open_positions(
        user_id: UserId, exchange: ExchangeName = None, credential_id: CredentialId = None
    ) -> Response:
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _data(await look.positions(account))

    @routes.get(
        "/trades",
        responses=example(200, examples.TRADES),
        summary="Trades with their orders and profit, net of fees, newest first",
    )
    async def trades(
        user_id: UserId,
        exchange: ExchangeName = None,
        symbol: Symbol | None = None,
        credential_id: CredentialId = None,
        limit: Limit = 100,
    ) -> Response:
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _data(await look.trades(account, symbol, limit))

    return routes


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))
