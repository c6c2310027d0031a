"""/auth/*: register, log in, refresh, log out, the password, and who is calling.

A log-in's answer satisfies both shapes of the spec: the tokens stand at the top level, as its log-in shows them, and
inside `data`, as every success has it.
"""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, EmailStr, Field

from gateway import answers
from gateway.auth import refusals
from gateway.auth.identity import Caller, Scope
from gateway.auth.records import Origin
from gateway.auth.sessions import Tokens
from gateway.http.auth_examples import DONE, ME, TOKENS, documented, success
from gateway.http.parts import Parts, calling_of, session_of
from gateway.http.words import plain_text
from gateway.trading.requests import Body

_LONGEST_AGENT: Final = 200


def _short_enough(value: str) -> str:
    # argon2 takes any length; a megabyte would only cost time.
    if len(value.encode()) > 1024:
        raise ValueError("a password has at most 1024 bytes")
    return value


OldPassword = Annotated[str, AfterValidator(_short_enough)]
Password = Annotated[str, Field(min_length=8), AfterValidator(_short_enough)]


class RegisterBody(Body):
    """POST /auth/register."""

    email: EmailStr = Field(examples=["user@example.com"])
    password: Password = Field(examples=["correct horse battery"])


class LoginBody(Body):
    """POST /auth/login."""

    email: Annotated[str, AfterValidator(plain_text)] = Field(max_length=320, examples=["user@example.com"])
    password: OldPassword = Field(examples=["correct horse battery"])


class RefreshBody(Body):
    """POST /auth/refresh and /auth/logout."""

    refresh_token: str = Field(min_length=1, max_length=200, examples=["Zm9v…"])


class PasswordBody(Body):
    """POST /auth/password."""

    current_password: OldPassword = Field(alias="currentPassword", examples=["correct horse battery"])
    new_password: Password = Field(alias="newPassword", examples=["a better horse battery"])


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/auth", tags=["auth"])
    From = Annotated[Origin, Depends(origin_of)]  # noqa: N806 - a type.
    InSession = Annotated[Caller, Depends(session_of(parts))]  # noqa: N806 - a type.
    Reader = Annotated[Caller, Depends(calling_of(parts, Scope.READ))]  # noqa: N806 - a type.
    inside = (refusals.unauthenticated(), refusals.login_required())
    wait = refusals.too_many_attempts(8_000)

    @routes.post(
        "/register",
        status_code=201,
        responses=documented(201, TOKENS, refusals.email_taken(), wait),
        summary="Register a user",
    )
    async def register(body: RegisterBody, origin: From) -> Response:
        return _tokens(await parts.sessions.register(body.email, body.password, origin), 201)

    @routes.post("/login", responses=documented(200, TOKENS, refusals.invalid_login(), wait), summary="Log in")
    async def log_in(body: LoginBody, origin: From) -> Response:
        """After several failures each further attempt waits longer (429); an unknown e-mail is answered alike."""
        return _tokens(await parts.sessions.log_in(body.email, body.password, origin))

    @routes.post(
        "/refresh",
        responses=documented(200, TOKENS, refusals.refresh_reused()),
        summary="Change a refresh token for new tokens",
    )
    async def refresh(body: RefreshBody) -> Response:
        """Each refresh token works once; one that comes back ends its session."""
        return _tokens(await parts.sessions.refresh(body.refresh_token))

    @routes.post("/logout", responses=documented(200, DONE), summary="Log out")
    async def log_out(body: RefreshBody) -> Response:
        """The session of this refresh token ends, its access token with it."""
        await parts.sessions.log_out(body.refresh_token)
        parts.callers.forget()
        return answers.json_response(answers.success(None))

    @routes.post(
        "/password",
        responses=documented(200, success({"revokedSessions": 2}), refusals.wrong_password(), *inside, wait),
        summary="Change the password; every other session ends",
    )
    async def change_password(body: PasswordBody, caller: InSession, origin: From) -> Response:
        """API tokens go on working: revoke them one by one with DELETE /auth/tokens/{token_id}."""
        ended = await parts.sessions.change_password(caller, body.current_password, body.new_password, origin)
        parts.callers.forget()
        return answers.json_response(answers.success({"revokedSessions": ended}))

    @routes.get("/me", responses=documented(200, ME, refusals.unauthenticated()), summary="Who is calling")
    async def me(caller: Reader) -> Response:
        user = await parts.users.by_id(caller.user_id)
        who = {"id": caller.user_id, "email": user.email if user else None, "role": caller.role}
        said = {"scopes": sorted(caller.scopes), "sessionId": caller.session_id}
        return answers.json_response(answers.success(who | said))

    return routes


def origin_of(request: Request) -> Origin:
    """Where a request comes from; behind a proxy, what a trusted one says (CGT_TRUSTED_PROXIES)."""
    agent = "".join(c for c in request.headers.get("user-agent", "") if c.isprintable())
    return Origin(address=request.client.host if request.client else "", agent=agent[:_LONGEST_AGENT])


def _tokens(tokens: Tokens, status: int = 200) -> Response:
    both: dict[str, Any] = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    user = {"id": tokens.user.user_id, "email": tokens.user.email, "role": tokens.user.role}
    data = {"user": user, "sessionId": tokens.session_id, **both, "expires_in": tokens.expires_in_s}
    headers = {"cache-control": "no-store"}
    return answers.json_response(answers.success(data, **both), status, headers)
