"""/mexc: orders in MEXC's own words. They go the way of every order, so that a buy is protected here as well."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Query, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from common import ids
from common.errors import Refused, Unavailable
from common.exchanges import Exchange
from gateway import answers
from gateway.http import account_examples as account
from gateway.http import examples
from gateway.http.desk import Desk, answered, ticket_of
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.examples import example
from gateway.http.look import Look
from gateway.http.order_examples import BATCH
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CANCELED, PLACED, CredentialId, IdempotencyKey
from gateway.ports import Answer
from gateway.problems import GatewayProblem, invalid_problem, refused_problem, unavailable_problem
from gateway.trading.mexc import MOST_IN_A_BATCH, MexcBatch, MexcOrder
from gateway.trading.purse import Purse
from gateway.trading.requests import OrderId, Symbol
from gateway.trading.rules import check_client_order_id

MEXC = Exchange.MEXC


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/mexc", tags=["mexc"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    orders, look = _Orders(parts), Look(parts)

    @routes.post("/orders", responses=PLACED, summary="Place an order; a buy is protected the moment it fills")
    async def place(
        body: Annotated[
            MexcOrder,
            Body(openapi_examples={"market": {"summary": "Market buy by value", "value": examples.MEXC_BUY}}),
        ],
        user_id: UserId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """MARKET BUY: quantity or quoteOrderQty; the other types: quantity and price. At least 1 USDT."""
        return answered(await orders.place(user_id, body, idempotency_key))

    @routes.post(
        "/orders/batch",
        responses=example(200, BATCH),
        summary=f"Place up to {MOST_IN_A_BATCH} orders; each has its own result",
    )
    async def batch(
        body: Annotated[
            MexcBatch,
            Body(openapi_examples={"two": {"summary": "Two orders", "value": {"orders": [examples.MEXC_BUY]}}}),
        ],
        user_id: UserId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """In the order of the request: `data` of what was placed, or the `problem` of what was not."""
        results = await orders.place_all(user_id, body.orders, idempotency_key)
        return answers.json_response(answers.success(results))

    @routes.delete("/orders", responses=CANCELED, summary="Cancel one order")
    async def cancel(
        user_id: UserId,
        symbol: Symbol,
        order_id: Annotated[OrderId | None, Query(alias="orderId")] = None,
        orig_client_order_id: Annotated[
            OrderId | None, Query(alias="origClientOrderId", description="The order's clientOrderId, or your own name.")
        ] = None,
        credential_id: CredentialId = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Cancelling an exit gives its protection up."""
        words = {"symbol": symbol, "orderId": order_id, "name": orig_client_order_id, "credential": credential_id}
        ticket = ticket_of(user_id, idempotency_key, "mexc/cancel", MEXC, words)
        name = await orders.ours(user_id, orig_client_order_id)
        return answered(await orders.desk.cancel(ticket, MEXC, symbol, order_id, name, credential_id))

    @routes.get(
        "/orders/open",
        responses=example(200, account.OPEN_ORDERS),
        summary="What rests on MEXC, and the stops that the engine holds",
    )
    async def open_orders(
        user_id: UserId, symbol: Symbol | None = None, credential_id: CredentialId = None
    ) -> Response:
        named = await look.account(user_id, MEXC, credential_id)
        return answers.json_response(answers.success(await look.open_orders(named, symbol)))

    @routes.get("/account/assets", responses=example(200, account.BALANCE), summary="What the account has")
    async def assets(user_id: UserId, credential_id: CredentialId = None) -> Response:
        named = await look.account(user_id, MEXC, credential_id)
        return answers.json_response(answers.success(await look.balances(named)))

    return routes


class _Orders:
    """One order, or several with one result each."""

    def __init__(self, parts: Parts) -> None:
        self.desk = Desk(parts)
        self._intents = parts.intents

    async def place(self, user_id: str, order: MexcOrder, key: str | None, purse: Purse | None = None) -> Answer:
        """Place it once under the request's key, or under the caller's own name for it. Raises Refused."""
        wish, name = order.wish, order.new_client_order_id
        ticket = ticket_of(user_id, key or _key_of(name), "mexc/orders", MEXC, order)
        return await self.desk.place(ticket, MEXC, wish, purse, **({"newClientOrderId": name} if name else {}))

    async def ours(self, user_id: str, name: str | None) -> str | None:
        """The order's own client id, where `name` is what its caller named it. Raises Refused."""
        if name is None:
            return None
        check_client_order_id(MEXC, name, "origClientOrderId")
        stored = await self._intents.by_key(user_id, str(_key_of(name)))
        if stored is None:
            return name
        bracket = ids.bracket_id(stored.intent.account_id, stored.intent.intent_id)
        return ids.client_order_id(bracket, ids.Leg.ENTRY, 0)

    async def place_all(self, user_id: str, orders: list[Any], key: str | None) -> list[dict[str, Any]]:
        """All at once; together they use no more than the balance at the first look."""
        purse = Purse()
        return await asyncio.gather(
            *(
                self._result(user_id, index, raw, f"{key}/{index}" if key else None, purse)
                for index, raw in enumerate(orders)
            )
        )

    async def _result(self, user_id: str, index: int, raw: Any, key: str | None, purse: Purse) -> dict[str, Any]:
        try:
            answer = await self.place(user_id, MexcOrder.model_validate(raw), key, purse)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(["orders", str(index), *map(str, first["loc"])])
            return _refused(index, invalid_problem(dict(first), "body", field))
        except Refused as error:
            return _refused(index, refused_problem(error))
        except Unavailable as error:
            return _refused(index, unavailable_problem(error))
        document = orjson.loads(answer.body)
        if answer.status >= 300:
            return {"index": index, "statusCode": answer.status, "status": "Error", "problem": document}
        return {"index": index, "statusCode": answer.status, **document}


def _key_of(name: str | None) -> str | None:
    """The caller's own name for an order, as the key under which it is carried out once."""
    return None if name is None else f"mexc/orders/{name}"


def _refused(index: int, problem: GatewayProblem) -> dict[str, Any]:
    shown = problem.model_dump(mode="json", exclude_none=True)
    return {"index": index, "statusCode": problem.status, "status": "Error", "problem": shown}
