"""/exchanges, what trades: place, protect, cancel, and follow an operation."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.routing import APIRoute

from common.errors import Refused
from common.intents import CancelAllOrdersIntent, PlaceExits
from gateway import answers
from gateway.http import examples
from gateway.http import order_examples as orders
from gateway.http.auth_examples import documented
from gateway.http.desk import Desk, answered, ticket_of
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.parts import Parts, caller_of
from gateway.http.words import Id
from gateway.resting import resting
from gateway.trading.errands import Errand, cancel_all_errand, exits_errand
from gateway.trading.gather import gathered
from gateway.trading.intents import market_of, place_exits
from gateway.trading.operations import operation_shown
from gateway.trading.preview import exits_preview
from gateway.trading.requests import OrderId, PlaceOcoBody, PlaceOrderBody, Symbol, exchange_named

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same request is carried out once and answered alike.",
    ),
]
ExchangeName = Annotated[str | None, Query(description="BINANCE, BITGET, GATEIO or MEXC", examples=["BINANCE"])]
CredentialId = Annotated[
    str | None, Query(alias="credentialId", description="A key, by its id or label; else the default.")
]
_UNDER_WAY = examples.example(202, orders.PENDING, "On its way, or its outcome is unknown: follow the operation.")
PLACED = examples.example(200, orders.PLACED) | _UNDER_WAY
PLACED_OR_DRY = examples.example(200, orders.PLACED, dryRun=orders.DRY_ORDER) | _UNDER_WAY
CANCELED = examples.example(200, orders.CANCELED) | _UNDER_WAY
_OCO = examples.example(200, orders.OCO_PLACED, dryRun=orders.DRY_OCO) | _UNDER_WAY
_ALL_CANCELED = examples.example(200, orders.ALL_CANCELED) | _UNDER_WAY


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/exchanges", tags=["trading"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    desk = Desk(parts)

    @routes.post(
        "/place-order", responses=PLACED_OR_DRY, summary="Place an order; a buy is protected the moment it fills"
    )
    async def place(
        body: Annotated[
            PlaceOrderBody,
            Body(
                openapi_examples={
                    "market": {"summary": "Market buy of 10 %", "value": examples.MARKET_BUY},
                    "limit": {"summary": "Limit buy with relative levels", "value": examples.LIMIT_BUY},
                }
            ),
        ],
        user_id: UserId,
        exchange: ExchangeName = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        named = exchange_named(exchange, body.exchange)
        if body.dry_run:
            return _previewed(await desk.preview(user_id, named, body.wish))
        ticket = ticket_of(user_id, idempotency_key, "place-order", named, body)
        return answered(await desk.place(ticket, named, body.wish))

    @routes.post("/place-oco-order", responses=_OCO, summary="Protect what the account holds with an OCO pair")
    async def place_oco(
        body: Annotated[PlaceOcoBody, Body(openapi_examples={"oco": {"summary": "The spec's", "value": examples.OCO}})],
        user_id: UserId,
        exchange: ExchangeName = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        named = exchange_named(exchange, body.exchange)

        async def intended() -> PlaceExits:
            stamp = await desk.stamp(user_id, named, body.credential_id)
            seen = await gathered(parts.connector(named), stamp.account, body.symbol)
            market = market_of(seen.listing.ticker, body.symbol)
            return place_exits(body, stamp, seen.listing.instrument, market, seen.free)

        async def make() -> Errand:
            return exits_errand(await intended())

        if body.dry_run:
            return _previewed(exits_preview(await intended()))
        ticket = ticket_of(user_id, idempotency_key, "place-oco-order", named, body)
        return answered(await parts.trading.once(ticket, make))

    @routes.delete("/cancel-order", responses=CANCELED, summary="Cancel one order")
    async def cancel(
        user_id: UserId,
        symbol: Symbol,
        order_id: Annotated[OrderId | None, Query(alias="orderId")] = None,
        client_order_id: Annotated[OrderId | None, Query(alias="clientOrderId")] = None,
        exchange: ExchangeName = None,
        credential_id: CredentialId = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Name the order by either id. Cancelling an exit gives its protection up."""
        named = exchange_named(exchange)
        words = {"symbol": symbol, "orderId": order_id, "clientOrderId": client_order_id, "credential": credential_id}
        ticket = ticket_of(user_id, idempotency_key, "cancel-order", named, words)
        return answered(await desk.cancel(ticket, named, symbol, order_id, client_order_id, credential_id))

    @routes.delete("/cancel-all-orders", responses=_ALL_CANCELED, summary="Cancel every open order of a symbol")
    async def cancel_all(
        user_id: UserId,
        symbol: Symbol,
        exchange: ExchangeName = None,
        credential_id: CredentialId = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Also those placed by hand; exits are given up with their protection."""
        named = exchange_named(exchange)

        async def make() -> Errand:
            stamp = await desk.stamp(user_id, named, credential_id)
            found = await resting(parts.connector(named), parts.ledger, stamp.account, symbol)
            names = frozenset(each.order.client_order_id for each in found if each.order.client_order_id)
            return cancel_all_errand(CancelAllOrdersIntent(**stamp.fields, symbol=symbol), names)

        words = {"symbol": symbol, "credential": credential_id}
        ticket = ticket_of(user_id, idempotency_key, "cancel-all-orders", named, words)
        return answered(await parts.trading.once(ticket, make))

    @routes.get(
        "/operations/{operation_id}",
        responses=documented(200, orders.OPERATION, _no_such_operation()),
        summary="What became of a request that was answered 202",
    )
    async def operation(operation_id: Id, user_id: UserId) -> Response:
        stored = await parts.intents.by_id(user_id, operation_id)
        if stored is None:
            raise _no_such_operation()
        answer = await parts.operations.answer(stored)
        return answers.json_response(answers.success(operation_shown(stored, answer)))

    return routes


def _no_such_operation() -> Refused:
    return Refused(
        code="OPERATION_NOT_FOUND",
        title="Operation not found",
        field="operationId",
        rule="You have no such operation.",
        fix="Use the operationId of a 202 answer.",
        status=404,
    )


def _previewed(shown: dict[str, Any]) -> Response:
    return answers.json_response(answers.success(shown))
