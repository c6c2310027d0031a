"""/exchanges/settings: what a user wants of every order that does not say otherwise, exchange by exchange."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response
from fastapi.routing import APIRoute
from pydantic import Field

from common.exchanges import Exchange
from gateway import answers
from gateway.http import examples
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import ExchangeName
from gateway.trading.defaults import shown
from gateway.trading.plans import check_defaults
from gateway.trading.requests import ExitsBody, exchange_named


class SettingsBody(ExitsBody):
    """PUT /exchanges/settings: replaces what was set; a field that is left out is the exchange's default again."""

    exchange: str | None = Field(default=None, description="BITGET; may stand in the query instead.")


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/exchanges", tags=["trading"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.

    async def answer(user_id: str, exchange: Exchange) -> Response:
        own = await parts.defaults.of(user_id, exchange)
        return answers.json_response(answers.success(shown(exchange, own)))

    @routes.get(
        "/settings",
        responses=examples.example(200, examples.SETTINGS),
        summary="Your take-profits, stop and exit style where an order names none",
    )
    async def settings(user_id: UserId, exchange: ExchangeName = None) -> Response:
        return await answer(user_id, exchange_named(exchange))

    @routes.put("/settings", responses=examples.example(200, examples.SETTINGS), summary="Set them")
    async def change(
        body: Annotated[
            SettingsBody,
            Body(openapi_examples={"bitget": {"summary": "One stop for both targets", "value": examples.SET_DEFAULTS}}),
        ],
        user_id: UserId,
        exchange: ExchangeName = None,
    ) -> Response:
        """Levels are percentages of the entry price. They hold for orders placed from now on; brackets keep theirs."""
        named, wanted = exchange_named(exchange, body.exchange), body.wanted
        check_defaults(wanted, named)
        await parts.defaults.put(user_id, named, wanted, parts.clock.now_ms())
        return await answer(user_id, named)

    return routes
