"""/auth/sessions: where a user is logged in, and how to end it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from gateway import answers
from gateway.auth import refusals
from gateway.auth.identity import Caller
from gateway.auth.records import Session
from gateway.http.auth_examples import SESSION, documented, success
from gateway.http.parts import Parts, session_of
from gateway.http.words import Id


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/auth/sessions", tags=["auth"])
    InSession = Annotated[Caller, Depends(session_of(parts))]  # noqa: N806 - a type.
    inside = (refusals.unauthenticated(), refusals.login_required())

    @routes.get("", responses=documented(200, success([SESSION]), *inside), summary="Your sessions, last used first")
    async def list_sessions(caller: InSession) -> Response:
        sessions = await parts.session_store.of_user(caller.user_id, parts.clock.now_ms())
        return answers.json_response(answers.success([_shown(each, caller) for each in sessions]))

    @routes.delete("", responses=documented(200, success({"revoked": 2}), *inside), summary="End all others")
    async def revoke_others(caller: InSession) -> Response:
        """Every session but the one that asks; their access tokens end with them, within CGT_SESSION_CHECK_MS."""
        ended = await parts.session_store.revoke_others(caller.user_id, caller.session_id, parts.clock.now_ms())
        parts.callers.forget()
        return answers.json_response(answers.success({"revoked": ended}))

    @routes.delete(
        "/{session_id}",
        responses=documented(
            200, success({"id": SESSION["id"], "revoked": True}), *inside, refusals.session_not_found()
        ),
        summary="End one",
    )
    async def revoke(session_id: Id, caller: InSession) -> Response:
        """Also the one that asks; its access tokens end with it, within CGT_SESSION_CHECK_MS."""
        if not await parts.session_store.revoke(caller.user_id, session_id, parts.clock.now_ms()):
            raise refusals.session_not_found()
        parts.callers.forget()
        return answers.json_response(answers.success({"id": session_id, "revoked": True}))

    return routes


def _shown(session: Session, caller: Caller) -> dict[str, Any]:
    return {
        "id": session.session_id,
        "current": session.session_id == caller.session_id,
        "address": session.address,
        "userAgent": session.agent,
        "createdAt": session.created_ms,
        "lastUsedAt": session.last_used_ms,
        "expiresAt": session.expires_ms,
    }
