"""/bitget: the account and orders of Bitget, as twins of what the unified endpoints do."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response
from fastapi.routing import APIRoute

from common.exchanges import Exchange
from gateway import answers
from gateway.http import account_examples as account
from gateway.http.desk import Desk, answered, ticket_of
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.examples import LIMIT_BUY, example
from gateway.http.look import Look
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CANCELED, PLACED, CredentialId, IdempotencyKey
from gateway.trading.requests import OrderId, PlaceOrderBody, Symbol, exchange_named

BITGET = Exchange.BITGET


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/bitget", tags=["bitget"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    desk, look = Desk(parts), Look(parts)

    @routes.post("/orders", responses=PLACED, summary="Place an order; a buy is protected the moment it fills")
    async def place(
        body: Annotated[
            PlaceOrderBody,
            Body(openapi_examples={"limit": {"summary": "Limit buy", "value": LIMIT_BUY | {"exchange": "BITGET"}}}),
        ],
        user_id: UserId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        exchange = exchange_named(BITGET.value, body.exchange)
        return answered(
            await desk.place(ticket_of(user_id, idempotency_key, "orders", exchange, body), exchange, body.wish)
        )

    @routes.delete("/orders", responses=CANCELED, summary="Cancel one order")
    async def cancel(
        user_id: UserId,
        symbol: Symbol,
        order_id: Annotated[OrderId | None, Query(alias="orderId")] = None,
        client_oid: Annotated[OrderId | None, Query(alias="clientOid")] = None,
        credential_id: CredentialId = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Name the order by either id. Cancelling an exit gives its protection up."""
        words = {"symbol": symbol, "orderId": order_id, "clientOid": client_oid, "credential": credential_id}
        ticket = ticket_of(user_id, idempotency_key, "bitget/cancel", BITGET, words)
        return answered(await desk.cancel(ticket, BITGET, symbol, order_id, client_oid, credential_id))

    @routes.get(
        "/orders/open",
        responses=example(200, account.OPEN_ORDERS),
        summary="What rests on Bitget, waiting triggers among it",
    )
    async def open_orders(
        user_id: UserId, symbol: Symbol | None = None, credential_id: CredentialId = None
    ) -> Response:
        named = await look.account(user_id, BITGET, credential_id)
        return answers.json_response(answers.success(await look.open_orders(named, symbol)))

    @routes.get("/account/assets", responses=example(200, account.BALANCE), summary="What the account has")
    async def assets(user_id: UserId, credential_id: CredentialId = None) -> Response:
        named = await look.account(user_id, BITGET, credential_id)
        return answers.json_response(answers.success(await look.balances(named)))

    return routes
