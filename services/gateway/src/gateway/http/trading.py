"""/exchanges, what trades: place, protect, cancel, and follow an operation."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from common.codec import plain
from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import CancelAllOrdersIntent, CancelOrderIntent
from gateway import answers
from gateway.accounts import must_trade
from gateway.http import examples
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.parts import Parts, caller_of
from gateway.ports import Account, Answer
from gateway.trading.errands import Errand, cancel_all_errand, cancel_errand, entry_errand, exits_errand
from gateway.trading.gather import gathered
from gateway.trading.intents import Stamp, market_of, place_exits, place_order
from gateway.trading.operations import operation_shown
from gateway.trading.refusals import invalid
from gateway.trading.requests import OrderId, PlaceOcoBody, PlaceOrderBody, Symbol, exchange_named
from gateway.trading.service import Ticket

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key with the same request is carried out once and answered alike.",
    ),
]
ExchangeName = Annotated[str | None, Query(description="BINANCE", examples=["BINANCE"])]
CredentialId = Annotated[str | None, Query(alias="credentialId", description="A stored key; else the default.")]
PLACED = examples.example(200, examples.PLACED) | {
    202: {
        "description": "On its way, or its outcome is unknown: follow the operation.",
        "content": {"application/json": {"example": examples.PENDING}},
    }
}


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/exchanges", tags=["trading"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    desk = _Desk(parts)

    @routes.post("/place-order", responses=PLACED, summary="Place an order; a buy is protected the moment it fills")
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

        async def make() -> Errand:
            stamp = await desk.stamp(user_id, named, body.credential_id)
            seen = await gathered(parts.connector(named), stamp.account, body.symbol)
            market = market_of(seen.ticker, body.symbol)
            return entry_errand(place_order(body, stamp, seen.instrument, market, seen.free))

        return _response(await parts.trading.once(_ticket(user_id, idempotency_key, "place-order", named, body), make))

    @routes.post("/place-oco-order", responses=PLACED, summary="Protect what the account holds with an OCO pair")
    async def place_oco(
        body: Annotated[PlaceOcoBody, Body(openapi_examples={"oco": {"summary": "The spec's", "value": examples.OCO}})],
        user_id: UserId,
        exchange: ExchangeName = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        named = exchange_named(exchange, body.exchange)

        async def make() -> Errand:
            stamp = await desk.stamp(user_id, named, body.credential_id)
            seen = await gathered(parts.connector(named), stamp.account, body.symbol)
            market = market_of(seen.ticker, body.symbol)
            return exits_errand(place_exits(body, stamp, seen.instrument, market, seen.free))

        ticket = _ticket(user_id, idempotency_key, "place-oco-order", named, body)
        return _response(await parts.trading.once(ticket, make))

    @routes.delete("/cancel-order", responses=PLACED, summary="Cancel one order")
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
        if (order_id is None) is (client_order_id is None):
            raise invalid("orderId", "One of orderId and clientOrderId names the order.", "Give exactly one of them.")

        async def make() -> Errand:
            stamp = await desk.stamp(user_id, named, credential_id)
            names = await desk.order(stamp.account, symbol, order_id, client_order_id)
            return cancel_errand(CancelOrderIntent(**stamp.fields, symbol=symbol, **names))

        words = {"symbol": symbol, "orderId": order_id, "clientOrderId": client_order_id, "credential": credential_id}
        return _response(
            await parts.trading.once(_ticket(user_id, idempotency_key, "cancel-order", named, words), make)
        )

    @routes.delete("/cancel-all-orders", responses=PLACED, summary="Cancel every open order of a symbol")
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
            resting = await parts.connector(named).open_orders(stamp.account.account_id, symbol)
            names = frozenset(order.client_order_id for order in resting if order.client_order_id)
            return cancel_all_errand(CancelAllOrdersIntent(**stamp.fields, symbol=symbol), names)

        words = {"symbol": symbol, "credential": credential_id}
        ticket = _ticket(user_id, idempotency_key, "cancel-all-orders", named, words)
        return _response(await parts.trading.once(ticket, make))

    @routes.get("/operations/{operation_id}", summary="What became of a request that was answered 202")
    async def operation(operation_id: str, user_id: UserId) -> Response:
        stored = await parts.intents.by_id(user_id, operation_id)
        if stored is None:
            raise Refused(
                code="OPERATION_NOT_FOUND",
                title="Operation not found",
                field="operationId",
                rule="You have no such operation.",
                fix="Use the operationId of a 202 answer.",
                status=404,
            )
        answer = await parts.operations.answer(stored)
        return answers.json_response(answers.success(operation_shown(stored, answer)))

    return routes


class _Desk:
    """What every trading request looks up first."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def stamp(self, user_id: str, exchange: Exchange, credential_id: str | None) -> Stamp:
        """A fresh intent id for the account the request means. Raises Refused."""
        self._parts.connector(exchange)
        account = must_trade(await self._parts.accounts.chosen(user_id, exchange, credential_id))
        now_ms = self._parts.clock.now_ms()
        return Stamp(
            intent_id=new_id(), account=account, now_ms=now_ms, valid_until_ms=now_ms + self._parts.intent_valid_ms
        )

    async def order(
        self, account: Account, symbol: str, order_id: str | None, client_order_id: str | None
    ) -> dict[str, Any]:
        """Both ids of the order that is meant: one of ours that has not ended, or one that rests. Raises Refused."""
        if client_order_id is not None:
            for ours in await self._parts.ledger.orders_by_client_id(account.account_id, [client_order_id]):
                if ours.symbol == symbol and ours.status in {"PENDING", "NEW", "PARTIALLY_FILLED"}:
                    return {"client_order_id": client_order_id, "exchange_order_id": ours.order_id}
        for order in await self._parts.connector(account.exchange).open_orders(account.account_id, symbol):
            if order_id in {order.exchange_order_id, None} and client_order_id in {order.client_order_id, None}:
                return {"client_order_id": order.client_order_id, "exchange_order_id": order.exchange_order_id}
        raise Refused(
            code="ORDER_NOT_FOUND",
            title="Order not found",
            field="orderId" if order_id else "clientOrderId",
            rule=f"No open order of {symbol} has this id.",
            fix="List GET /exchanges/open-orders.",
            status=404,
        )


def _ticket(
    user_id: str, key: str | None, what: str, exchange: Exchange, words: BaseModel | Mapping[str, Any]
) -> Ticket:
    """The request's identity: the same words in another order, or 0.10 for 0.1, are the same request."""
    said = words.model_dump() if isinstance(words, BaseModel) else dict(words)
    text = orjson.dumps([what, exchange.value, said], default=_spelled, option=orjson.OPT_SORT_KEYS)
    return Ticket(user_id=user_id, idempotency_key=key, request_hash=hashlib.sha256(text).hexdigest())


def _spelled(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} stands in no request")


def _response(answer: Answer) -> Response:
    kind = "application/json" if answer.status < 300 else "application/problem+json"
    return Response(answer.body, answer.status, media_type=kind)
