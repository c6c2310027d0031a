"""/risk: what a user may not risk. Limits and kill switches hold back what is bought, and nothing else."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.routing import APIRoute
from pydantic import BeforeValidator, Field

from common.errors import Refused
from common.intents import CancelOrderIntent
from gateway import answers
from gateway.auth.identity import Caller
from gateway.http import risk_examples as examples
from gateway.http.auth_examples import documented
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.parts import Parts, admin_of, caller_of, session_of
from gateway.http.words import Id, Label
from gateway.risk.rules import Limits, Scope, SetBy, Switch, day_start_ms, tightest
from gateway.trading.refusals import invalid
from gateway.trading.requests import Body, Number, exchange_named

Dollars = Annotated[Number | None, Field(gt=0)]
ScopeName = Annotated[Scope, BeforeValidator(lambda raw: raw.lower() if isinstance(raw, str) else raw)]


Target = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$", description="A user id, or an exchange; empty for GLOBAL.")
]


class LimitsBody(Body):
    """PUT /risk/limits: replaces what was set; a limit that is left out, or null, is none."""

    max_order_value: Dollars = Field(
        default=None, alias="maxOrderValue", examples=["500"], description="Of one buy, in dollars."
    )
    max_open_exposure: Dollars = Field(
        default=None,
        alias="maxOpenExposure",
        examples=["2000"],
        description="Of all that is open, in dollars, with the new buy.",
    )
    daily_loss_limit: Dollars = Field(
        default=None,
        alias="dailyLossLimit",
        examples=["100"],
        description="Loss of a day (UTC) after which nothing is bought, dollars.",
    )

    @property
    def limits(self) -> Limits:
        """The limits it sets."""
        return Limits(**self.model_dump())


class StopBody(Body):
    """POST /risk/kill-switch."""

    reason: Label = Field(default="", examples=["news"])
    cancel_entries: bool = Field(
        default=False, alias="cancelEntries", description="Also cancel the buys that still work; exits stay."
    )


class AdminStopBody(StopBody):
    """POST /risk/kill-switches."""

    scope: ScopeName = Field(examples=["EXCHANGE"])
    target: Target = Field(default="", examples=["MEXC"])


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/risk", tags=["risk"], route_class=route_class)
    _own(routes, parts)
    _administered(routes, parts)
    return routes


def _own(routes: APIRouter, parts: Parts) -> None:
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    # What holds a program back is not the program's to lift.
    Person = Annotated[Caller, Depends(session_of(parts))]  # noqa: N806 - a type.

    @routes.get("/limits", responses=documented(200, examples.LIMITS), summary="Your limits, and what is used of them")
    async def limits(user_id: UserId) -> Response:
        return await _limits(parts, user_id)

    @routes.put("/limits", responses=documented(200, examples.LIMITS), summary="Set your limits")
    async def set_limits(body: LimitsBody, person: Person) -> Response:
        """An administrator's limits hold beside them: of each kind the tightest counts. Not for API tokens."""
        await parts.risk.set_limits(person.user_id, SetBy.USER, body.limits)
        return await _limits(parts, person.user_id)

    @routes.get(
        "/kill-switch",
        responses=documented(200, examples.SWITCHES),
        summary="The kill switches that stop you from buying",
    )
    async def switches(user_id: UserId) -> Response:
        found = await parts.risk.switches(user_id)
        return _data({"engaged": bool(found), "switches": [_switch_shown(each) for each in found]})

    @routes.post("/kill-switch", responses=documented(200, examples.ENGAGED), summary="Stop buying")
    async def stop(body: StopBody, user_id: UserId) -> Response:
        """Selling, protecting and cancelling still work, and what protects open positions stays."""
        switch = _switch(parts, Scope.USER, user_id, SetBy.USER, user_id, body.reason)
        return await _engaged(parts, switch, cancel_entries=body.cancel_entries)

    @routes.delete("/kill-switch", responses=documented(200, examples.RELEASED), summary="Release your own kill switch")
    async def release(person: Person) -> Response:
        """Not for API tokens, which may engage it."""
        return _data({"released": await parts.risk.release(Scope.USER, person.user_id, SetBy.USER)})


def _administered(routes: APIRouter, parts: Parts) -> None:
    AdminId = Annotated[str, Depends(admin_of(parts))]  # noqa: N806 - a type.

    @routes.get(
        "/users/{user_id}/limits",
        responses=documented(200, examples.LIMITS, _unknown_user()),
        summary="A user's limits (admin)",
    )
    async def limits(user_id: Id, _: AdminId) -> Response:
        await _known(parts, user_id)
        return await _limits(parts, user_id)

    @routes.put(
        "/users/{user_id}/limits",
        responses=documented(200, examples.LIMITS, _unknown_user()),
        summary="Set limits that the user cannot raise (admin)",
    )
    async def set_limits(user_id: Id, body: LimitsBody, _: AdminId) -> Response:
        await _known(parts, user_id)
        await parts.risk.set_limits(user_id, SetBy.ADMIN, body.limits)
        return await _limits(parts, user_id)

    @routes.get(
        "/kill-switches", responses=documented(200, examples.ALL_SWITCHES), summary="Every engaged kill switch (admin)"
    )
    async def switches(_: AdminId) -> Response:
        return _data([_switch_shown(each) for each in await parts.risk.switches(None)])

    @routes.post(
        "/kill-switches",
        responses=documented(200, examples.ENGAGED, _unknown_user()),
        summary="Stop a user, an exchange, or all (admin)",
    )
    async def stop(body: AdminStopBody, admin_id: AdminId) -> Response:
        if body.cancel_entries and body.scope is not Scope.USER:
            rule = "Only the switch of one user cancels entries."
            raise invalid("cancelEntries", rule, "Leave cancelEntries out.")
        target = _target(body.scope, body.target)
        if body.scope is Scope.USER:
            await _known(parts, target)
        switch = _switch(parts, body.scope, target, SetBy.ADMIN, admin_id, body.reason)
        return await _engaged(parts, switch, cancel_entries=body.cancel_entries)

    @routes.delete(
        "/kill-switches",
        responses=documented(200, examples.RELEASED),
        summary="Release a switch that an administrator engaged (admin)",
    )
    async def release(scope: ScopeName, _: AdminId, target: Annotated[Target, Query()] = "") -> Response:
        return _data({"released": await parts.risk.release(scope, _target(scope, target), SetBy.ADMIN)})


async def _known(parts: Parts, user_id: str) -> None:
    if await parts.users.by_id(user_id) is None:
        raise _unknown_user()


def _unknown_user() -> Refused:
    return Refused(
        code="USER_NOT_FOUND",
        title="User not found",
        field="userId",
        rule="There is no user with this id.",
        fix="Receipts of signals and GET /auth/me name users by their ids.",
        status=404,
    )


async def _limits(parts: Parts, user_id: str) -> Response:
    now_ms = parts.clock.now_ms()
    by_word = await parts.risk.limits(user_id)
    usage = await parts.risk.usage(user_id, now_ms)
    return _data(
        {
            "userId": user_id,
            "own": _limits_shown(by_word.get(SetBy.USER, Limits())),
            "byAdmin": _limits_shown(by_word.get(SetBy.ADMIN, Limits())),
            "effective": _limits_shown(tightest(list(by_word.values()))),
            "usage": {
                "openExposure": usage.open_exposure,
                "dayRealisedPnl": usage.day_pnl,
                "daySince": day_start_ms(now_ms),
            },
        }
    )


async def _engaged(parts: Parts, switch: Switch, *, cancel_entries: bool) -> Response:
    """The switch first, so that no entry slips in between it and the cancels."""
    engaged = await parts.risk.engage(switch)
    cancels = await parts.entries.cancel_all(switch.target) if cancel_entries else ()
    return _data({"switch": _switch_shown(engaged), "cancelling": _cancels_shown(cancels)})


def _switch(parts: Parts, scope: Scope, target: str, set_by: SetBy, by: str, reason: str) -> Switch:
    now_ms = parts.clock.now_ms()
    return Switch(scope=scope, target=target, set_by=set_by, reason=reason, engaged_by=by, engaged_ms=now_ms)


def _target(scope: Scope, target: str) -> str:
    """Whom a switch is meant for, as it is stored. Raises Refused."""
    match scope:
        case Scope.EXCHANGE:
            return exchange_named(target).value
        case Scope.USER if not target:
            raise invalid("target", "The switch of a user names the user.", "Add the user's id as target.")
        case Scope.GLOBAL if target:
            raise invalid("target", "The global switch has no target.", "Leave target out.")
        case _:
            return target


def _limits_shown(limits: Limits) -> dict[str, Decimal | None]:
    return {
        "maxOrderValue": limits.max_order_value,
        "maxOpenExposure": limits.max_open_exposure,
        "dailyLossLimit": limits.daily_loss_limit,
    }


def _switch_shown(switch: Switch) -> dict[str, Any]:
    return {
        "scope": switch.scope.upper(),
        "target": switch.target.upper() if switch.scope is Scope.EXCHANGE else switch.target or None,
        "setBy": switch.set_by.upper(),
        "reason": switch.reason,
        "engagedBy": switch.engaged_by,
        "engagedAt": switch.engaged_ms,
    }


def _cancels_shown(intents: Sequence[CancelOrderIntent]) -> list[dict[str, Any]]:
    return [
        {
            "clientOrderId": each.client_order_id,
            "exchange": each.exchange.value.upper(),
            "symbol": each.symbol,
            "credentialId": each.account_id,
            "operationId": each.intent_id,
        }
        for each in intents
    ]


def _data(data: Any) -> Response:
    return answers.json_response(answers.success(data))
