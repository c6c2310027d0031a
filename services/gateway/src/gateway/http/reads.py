"""/exchanges, what only looks: balance, open orders, open positions, trades."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Response

from gateway import answers
from gateway.http import account_examples as examples
from gateway.http.examples import example
from gateway.http.look import Look
from gateway.http.paging import Cursor, Limit, LimitOrAll, Listing, Page
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CredentialId, ExchangeName
from gateway.ports import After
from gateway.trading.requests import Symbol, exchange_named


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
        responses=example(200, examples.OPEN_ORDERS | {"nextCursor": examples.CURSOR}),
        summary="What rests on the exchange, with its part in a bracket",
    )
    async def open_orders(
        user_id: UserId,
        exchange: ExchangeName = None,
        symbol: Symbol | None = None,
        credential_id: CredentialId = None,
        limit: LimitOrAll = None,
        cursor: Cursor = None,
    ) -> Response:
        """By symbol and id, and after them the exits that the engine holds."""
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _page(_OPEN_ORDERS.cut(await look.open_orders(account, symbol), limit, cursor))

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
        cursor: Cursor = None,
    ) -> Response:
        account = await look.account(user_id, exchange_named(exchange), credential_id)
        return _page(await look.trades(account, symbol, limit, cursor))

    return routes


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))


def _page(page: Page[dict[str, Any]]) -> Response:
    return answers.json_response(answers.success(page.elements, nextCursor=page.next_cursor))


def _place(order: dict[str, Any]) -> After:
    """What no fill and no change moves: an exchange tells an order's time as of the last one, its id stays."""
    held = order["orderId"] is None
    return int(held), order["symbol"], order["orderId"] or "", order["clientOrderId"] or ""


_OPEN_ORDERS: Final[Listing[dict[str, Any]]] = Listing("open-orders", (int, str, str, str), _place)
