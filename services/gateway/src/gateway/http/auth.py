"""/auth/*: register, log in, refresh, log out.

A log-in's answer satisfies both shapes of the spec: the tokens stand at the top level, as its log-in shows them, and
inside `data`, as every success has it.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AfterValidator, EmailStr, Field

from gateway import answers
from gateway.auth.sessions import Tokens
from gateway.http.examples import TOKENS, example
from gateway.http.parts import Parts
from gateway.trading.requests import Body


def _short_enough(value: str) -> str:
    # argon2 takes any length; a megabyte would only cost time.
    if len(value.encode()) > 1024:
        raise ValueError("a password has at most 1024 bytes")
    return value


Password = Annotated[str, Field(min_length=8), AfterValidator(_short_enough)]


class RegisterBody(Body):
    """POST /auth/register."""

    email: EmailStr
    password: Password


class LoginBody(Body):
    """POST /auth/login."""

    email: str = Field(max_length=320)
    password: Annotated[str, AfterValidator(_short_enough)]


class RefreshBody(Body):
    """POST /auth/refresh and /auth/logout."""

    refresh_token: str = Field(min_length=1, max_length=200)


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/auth", tags=["auth"])

    @routes.post("/register", status_code=201, responses=example(201, TOKENS), summary="Register a user")
    async def register(body: RegisterBody) -> Response:
        return _tokens(await parts.sessions.register(body.email, body.password), 201)

    @routes.post("/login", responses=example(200, TOKENS), summary="Log in")
    async def log_in(body: LoginBody) -> Response:
        return _tokens(await parts.sessions.log_in(body.email, body.password))

    @routes.post("/refresh", responses=example(200, TOKENS), summary="Change a refresh token for new tokens")
    async def refresh(body: RefreshBody) -> Response:
        """Each refresh token works once; one that comes back ends every token of its log-in."""
        return _tokens(await parts.sessions.refresh(body.refresh_token))

    @routes.post("/logout", responses=example(200, {"status": "Success", "data": None}), summary="Log out")
    async def log_out(body: RefreshBody) -> Response:
        await parts.sessions.log_out(body.refresh_token)
        return answers.json_response(answers.success(None))

    return routes


def _tokens(tokens: Tokens, status: int = 200) -> Response:
    both: dict[str, Any] = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    data = {"user": {"id": tokens.user.user_id, "email": tokens.user.email}, **both}
    headers = {"cache-control": "no-store"}
    return answers.json_response(answers.success(data, **both), status, headers)
