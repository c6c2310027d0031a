"""/auth/tokens: API tokens for programs. A program never makes another one: this area needs a log-in."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from gateway import answers
from gateway.auth import refusals
from gateway.auth.api_tokens import MOST
from gateway.auth.identity import Caller, Scope
from gateway.auth.records import ApiToken
from gateway.http.auth_examples import API_TOKEN, NEW_API_TOKEN, documented, success
from gateway.http.parts import Parts, session_of
from gateway.http.words import Id, Name
from gateway.trading.requests import Body


class NewTokenBody(Body):
    """POST /auth/tokens."""

    name: Name = Field(examples=["my bot"])
    scopes: frozenset[Scope] = Field(
        min_length=1,
        examples=[["read", "trade"]],
        description="read: every GET; trade: place, cancel, transfer; credentials: change exchange keys; "
        "admin: act for all traders (admins only).",
    )
    expires_in_days: int = Field(default=90, ge=1, le=365, alias="expiresInDays", examples=[90])


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/auth/tokens", tags=["auth"])
    InSession = Annotated[Caller, Depends(session_of(parts))]  # noqa: N806 - a type.
    inside = (refusals.unauthenticated(), refusals.login_required())
    unmade = (refusals.admin_scope(), refusals.name_taken(), refusals.too_many_tokens(MOST))

    @routes.post(
        "",
        status_code=201,
        responses=documented(201, success(NEW_API_TOKEN), *inside, *unmade),
        summary="Make an API token; it is shown this once",
    )
    async def issue(body: NewTokenBody, caller: InSession) -> Response:
        """Send it as `Authorization: Bearer cgt_…`, also when connecting to Socket.IO."""
        issued = await parts.api_tokens.issue(caller, body.name, body.scopes, body.expires_in_days)
        shown = _shown(issued.token, parts.clock.now_ms()) | {"token": issued.secret}
        return answers.json_response(answers.success(shown), 201, {"cache-control": "no-store"})

    @routes.get("", responses=documented(200, success([API_TOKEN]), *inside), summary="Your API tokens, newest first")
    async def list_tokens(caller: InSession) -> Response:
        tokens, now_ms = await parts.api_tokens.of_user(caller.user_id), parts.clock.now_ms()
        return answers.json_response(answers.success([_shown(token, now_ms) for token in tokens]))

    @routes.delete(
        "/{token_id}",
        responses=documented(
            200, success({"id": API_TOKEN["id"], "revoked": True}), *inside, refusals.token_not_found()
        ),
        summary="Revoke an API token",
    )
    async def revoke(token_id: Id, caller: InSession) -> Response:
        """It works no more, everywhere within CGT_SESSION_CHECK_MS."""
        await parts.api_tokens.revoke(caller.user_id, token_id)
        parts.callers.forget()
        return answers.json_response(answers.success({"id": token_id, "revoked": True}))

    return routes


def _shown(token: ApiToken, now_ms: int) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "hint": token.hint,
        "createdAt": token.created_ms,
        "expiresAt": token.expires_ms,
        "lastUsedAt": token.last_used_ms,
        "expired": token.expires_ms <= now_ms,
    }
