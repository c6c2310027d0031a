"""Sessions: seen, ended one by one or all at once, by a new password too; and the door that slows guessing down."""

from typing import Any

import pytest
import structlog
from argon2 import PasswordHasher

EMAIL, PASSWORD = "user@example.com", "correct horse battery"
LOGIN = {"email": EMAIL, "password": PASSWORD}


async def another_log_in(user: Any) -> tuple[str, str]:
    """A second browser's access and refresh token."""
    body = (await user.ask("POST", "/auth/login", LOGIN, User_Agent="another browser")).body
    return body["access_token"], body["refresh_token"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_user_sees_where_it_is_logged_in(house: Any, user: Any) -> None:
    house.clock.advance(1_000)
    await another_log_in(user)
    asking, other = (await user.ask("GET", "/auth/sessions")).body["data"][:2]
    assert (asking["current"], other["current"], other["userAgent"]) == (True, False, "another browser")
    assert (asking["address"], asking["lastUsedAt"] - asking["createdAt"]) == ("127.0.0.1", 1_000)


async def test_an_ended_session_ends_its_access_and_refresh_tokens_at_once_where_it_was_ended(user: Any) -> None:
    access, refresh = await another_log_in(user)
    assert (await user.ask("GET", "/auth/me", **bearer(access))).status == 200
    listed = (await user.ask("GET", "/auth/sessions")).body["data"]
    (other,) = [each["id"] for each in listed if each["userAgent"] == "another browser"]
    assert (await user.ask("DELETE", f"/auth/sessions/{other}")).body["data"] == {"id": other, "revoked": True}
    assert (await user.ask("GET", "/auth/me", **bearer(access))).status == 401
    assert (await user.ask("POST", "/auth/refresh", {"refresh_token": refresh})).status == 401
    assert (await user.ask("DELETE", f"/auth/sessions/{other}")).status == 404
    assert (await user.ask("GET", "/auth/me")).status == 200


async def test_what_another_gateway_ended_ends_here_within_the_moment_it_was_believed(house: Any, user: Any) -> None:
    access, refresh = await another_log_in(user)
    assert (await user.ask("GET", "/auth/me", **bearer(access))).status == 200
    await house.parts.sessions.log_out(refresh)
    house.clock.advance(2_000)
    assert (await user.ask("GET", "/auth/me", **bearer(access))).status == 401


async def test_all_other_sessions_end_and_the_one_that_asked_stays(user: Any) -> None:
    others = [(await another_log_in(user))[0] for _ in range(2)]
    assert (await user.ask("DELETE", "/auth/sessions")).body["data"]["revoked"] == 3
    assert [(await user.ask("GET", "/auth/me", **bearer(token))).status for token in others] == [401, 401]
    assert (await user.ask("GET", "/auth/me")).status == 200


async def test_a_foreign_session_is_as_good_as_none(user: Any) -> None:
    theirs = (await user.ask("GET", "/auth/me")).body["data"]["sessionId"]
    await user.sign_in("other@example.com")
    for session_id in (theirs, "8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11"):
        reply = await user.ask("DELETE", f"/auth/sessions/{session_id}")
        assert (reply.status, reply.body["code"]) == (404, "SESSION_NOT_FOUND")


async def test_a_new_password_ends_the_other_sessions_and_replaces_the_old_one(user: Any) -> None:
    access, _ = await another_log_in(user)
    change = {"currentPassword": PASSWORD, "newPassword": "a better horse battery"}
    assert (await user.ask("POST", "/auth/password", change)).body["data"]["revokedSessions"] == 2
    assert (await user.ask("GET", "/auth/me", **bearer(access))).status == 401
    assert (await user.ask("GET", "/auth/me")).status == 200
    assert (await user.ask("POST", "/auth/login", LOGIN)).status == 401
    assert (await user.ask("POST", "/auth/login", LOGIN | {"password": change["newPassword"]})).status == 200


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"currentPassword": "not this one"}, 401, "currentPassword"),
        ({"newPassword": "short"}, 400, "newPassword"),
        ({"email": EMAIL}, 400, "email"),
    ],
)
async def test_a_password_is_not_changed_by_a_request_that_breaks_a_rule(
    user: Any, change: Any, status: int, field: str
) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": "a better horse battery"} | change
    reply = await user.ask("POST", "/auth/password", body)
    assert (reply.status, reply.body["field"]) == (status, field)
    assert (await user.ask("POST", "/auth/login", LOGIN)).status == 200


async def guesses(client: Any, email: str, count: int, address: str = "203.0.113.7") -> list[Any]:
    """What each of so many wrong passwords is answered, sent from an address behind the trusted proxy."""
    wrong = {"email": email, "password": "a guess"}
    return [await client.ask("POST", "/auth/login", wrong, X_Forwarded_For=address) for _ in range(count)]


async def test_guessing_is_slowed_down_alike_for_known_and_unknown_emails(user: Any) -> None:
    known, unknown = await guesses(user, EMAIL, 7), await guesses(user, "nobody@example.com", 7)
    assert [reply.status for reply in known] == [401] * 5 + [429] * 2
    assert [reply.body | {"requestId": ""} for reply in known] == [reply.body | {"requestId": ""} for reply in unknown]
    assert (known[-1].body["code"], known[-1].headers["retry-after"]) == ("TOO_MANY_ATTEMPTS", "1")
    assert known[-1].body["retryable"] is True


async def test_operators_see_who_guesses_and_never_what(user: Any) -> None:
    with structlog.testing.capture_logs() as logs:
        await guesses(user, "a password in the wrong field", 6)
        await another_log_in(user)
    told = [line for line in logs if line["event"] != "request"]
    assert [line["event"] for line in told] == ["log_in_refused"] * 5 + ["log_in_made_to_wait", "logged_in"]
    assert {line["address"] for line in told[:6]} == {"203.0.113.7"}
    assert "wrong field" not in str(logs)
    assert EMAIL not in str(logs)


async def test_a_hash_of_another_cost_is_renewed_when_its_user_logs_in(house: Any, user: Any) -> None:
    (row,) = house.users.rows.values()
    cheaper = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    await house.users.set_password(row.user_id, cheaper)
    assert (await user.ask("POST", "/auth/login", LOGIN)).status == 200
    renewed = house.users.rows[row.user_id].password_hash
    assert "t=1" in renewed
    assert (await user.ask("POST", "/auth/login", LOGIN)).status == 200
    assert house.users.rows[row.user_id].password_hash == renewed


async def test_the_right_password_waits_too_and_then_clears_the_count(house: Any, user: Any) -> None:
    await guesses(user, EMAIL, 5)
    right = {"json": LOGIN, "headers": {"X_Forwarded_For": "203.0.113.7"}}
    assert (await user.ask("POST", "/auth/login", right["json"], **right["headers"])).status == 429
    house.clock.advance(1_000)
    assert (await user.ask("POST", "/auth/login", right["json"], **right["headers"])).status == 200
    assert [reply.status for reply in await guesses(user, EMAIL, 5)] == [401] * 5


async def test_strangers_who_keep_failing_do_not_lock_the_owner_out(user: Any) -> None:
    for number in range(8):
        await guesses(user, EMAIL, 4, f"198.51.100.{number}")
    strangers = await guesses(user, EMAIL, 1, "198.51.100.99")
    assert strangers[0].status == 429
    assert (await user.ask("POST", "/auth/login", LOGIN)).status == 200


async def test_asking_which_emails_are_taken_is_slowed_down(user: Any) -> None:
    replies = [await user.ask("POST", "/auth/register", LOGIN) for _ in range(31)]
    assert [reply.status for reply in replies] == [409] * 30 + [429]
