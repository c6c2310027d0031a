"""Registering, logging in, refreshing once, and being nobody without a token."""

from typing import Any

import pytest

from gateway.auth.identity import Role
from gateway.auth.tokens import Claims, TokenRules, access_token

CREDENTIALS = {"email": "Someone@Example.com", "password": "correct horse battery"}


async def test_a_log_in_answers_in_both_shapes_of_the_spec(stranger: Any) -> None:
    registered = await stranger.ask("POST", "/auth/register", CREDENTIALS)
    logged_in = await stranger.ask("POST", "/auth/login", CREDENTIALS | {"email": "someone@example.com"})
    assert (registered.status, logged_in.status) == (201, 200)
    body = logged_in.body
    assert body["status"] == "Success"
    assert body["access_token"] == body["data"]["access_token"]
    assert body["refresh_token"] == body["data"]["refresh_token"]
    assert "correct horse" not in registered.text + logged_in.text


async def test_an_email_is_registered_once(stranger: Any) -> None:
    await stranger.ask("POST", "/auth/register", CREDENTIALS)
    again = await stranger.ask("POST", "/auth/register", CREDENTIALS)
    assert (again.status, again.body["code"]) == (409, "EMAIL_TAKEN")


async def test_a_wrong_password_and_an_unknown_email_are_answered_alike(stranger: Any) -> None:
    await stranger.ask("POST", "/auth/register", CREDENTIALS)
    same = {"X_Request_Id": "same"}
    wrong = await stranger.ask("POST", "/auth/login", CREDENTIALS | {"password": "wrong"}, **same)
    unknown = await stranger.ask("POST", "/auth/login", CREDENTIALS | {"email": "nobody@example.com"}, **same)
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body


@pytest.mark.parametrize(
    ("change", "field"),
    [({"email": "nonsense"}, "email"), ({"password": "short"}, "password"), ({"name": "x"}, "name")],
)
async def test_a_registration_that_breaks_a_rule_is_refused_by_field(stranger: Any, change: Any, field: str) -> None:
    refused = await stranger.ask("POST", "/auth/register", CREDENTIALS | change)
    assert (refused.status, refused.body["field"]) == (400, field)
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_refresh_token_works_once_and_ends_its_family_when_it_comes_back(stranger: Any) -> None:
    first = (await stranger.ask("POST", "/auth/register", CREDENTIALS)).body["refresh_token"]
    second = (await stranger.ask("POST", "/auth/refresh", {"refresh_token": first})).body["refresh_token"]
    stolen = await stranger.ask("POST", "/auth/refresh", {"refresh_token": first})
    assert (stolen.status, stolen.body["code"]) == (401, "REFRESH_TOKEN_REUSED")
    assert (await stranger.ask("POST", "/auth/refresh", {"refresh_token": second})).status == 401


async def test_a_refresh_token_is_of_no_use_after_logging_out_or_expiring(house: Any, stranger: Any) -> None:
    token = (await stranger.ask("POST", "/auth/register", CREDENTIALS)).body["refresh_token"]
    assert (await stranger.ask("POST", "/auth/logout", {"refresh_token": token})).status == 200
    assert (await stranger.ask("POST", "/auth/refresh", {"refresh_token": token})).status == 401
    token = (await stranger.ask("POST", "/auth/login", CREDENTIALS)).body["refresh_token"]
    house.clock.advance(86_400_000)
    assert (await stranger.ask("POST", "/auth/refresh", {"refresh_token": token})).status == 401


PLACES = [
    ("GET", "/api-credentials"),
    ("GET", "/exchanges/balance?exchange=BINANCE"),
    ("POST", "/exchanges/place-order"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
async def test_without_a_token_nothing_is_shown_or_done(stranger: Any, method: str, path: str) -> None:
    reply = await stranger.ask(method, path, {} if method == "POST" else None)
    assert (reply.status, reply.body["code"], reply.body["outcome"]) == (401, "UNAUTHENTICATED", "not_sent")


async def test_an_expired_a_foreign_and_a_broken_token_are_nobodys(house: Any, user: Any) -> None:
    claims = Claims(user_id="u", session_id="s", role=Role.TRADER)
    foreign = access_token(claims, TokenRules(secret="x" * 40, access_s=3600, refresh_s=1), house.clock.now_ms())
    for token in (foreign, "rubbish", user.token[:-2]):
        assert (await user.ask("GET", "/api-credentials", Authorization=f"Bearer {token}")).status == 401
    assert (await user.ask("GET", "/api-credentials")).status == 200
    house.clock.advance(3_600_000)
    assert (await user.ask("GET", "/api-credentials")).status == 401
