"""Users, sessions, API tokens and counts of attempts on a real PostgreSQL, as several gateways share them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from common.db.migrations import migrate
from common.db.pool import create_pool
from common.ids import new_id
from gateway.auth.identity import Caller, Role, Scope
from gateway.auth.lockout import FORGET_MS, Door, login_doors
from gateway.auth.records import Added, ApiToken, Known, Rotated, Rotation, Session, User
from gateway.store.api_tokens import PostgresApiTokens
from gateway.store.attempts import PostgresAttempts
from gateway.store.sessions import KEPT_MS, PostgresSessions
from gateway.store.users import PostgresUsers

pytestmark = pytest.mark.connected

NOW_MS, LATER_MS = 10_000_000_000, 20_000_000_000


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("gateway", "gateway", database_url)
    pool = await create_pool(database_url, "gateway", application_name="test")
    yield pool
    await pool.close()


@pytest.fixture
async def user(pool: asyncpg.Pool) -> User:
    user = User(user_id=new_id(), email=f"{new_id()}@example.com", password_hash="h", created_ms=1)
    assert await PostgresUsers(pool).add_user(user)
    return user


def a_session(user: User, **changes: Any) -> Session:
    about = {"session_id": new_id(), "user_id": user.user_id, "address": "203.0.113.7", "network": "203.0.113.7"}
    times = {"created_ms": NOW_MS, "last_used_ms": NOW_MS, "expires_ms": LATER_MS}
    return Session(**(about | times | {"agent": "a browser"} | changes))


async def test_an_email_is_taken_once_and_its_user_is_found_changed_and_promoted(
    pool: asyncpg.Pool, user: User
) -> None:
    users = PostgresUsers(pool)
    assert not await users.add_user(User(user_id=new_id(), email=user.email, password_hash="h", created_ms=1))
    assert await users.by_email(user.email) == await users.by_id(user.user_id) == user
    await users.set_password(user.user_id, "another")
    assert await users.set_role(user.email, Role.ADMIN)
    assert not await users.set_role("nobody@example.com", Role.ADMIN)
    (admin,) = [each for each in await users.admins() if each.user_id == user.user_id]
    assert (admin.role, admin.password_hash) == (Role.ADMIN, "another")


async def test_a_refresh_token_works_once_whoever_asks_first_and_ends_its_session_when_it_comes_back(
    pool: asyncpg.Pool, user: User
) -> None:
    sessions, session, old = PostgresSessions(pool), a_session(user), new_id()
    await sessions.begin(session, old)
    outcomes = await asyncio.gather(*(sessions.rotate(old, new_id(), NOW_MS, LATER_MS) for _ in range(4)))
    about = {"user_id": user.user_id, "session_id": session.session_id}
    assert sorted(each.outcome for each in outcomes) == [Rotation.DONE, *[Rotation.REUSED] * 3]
    assert all(each == Rotated(outcome=each.outcome, **about) for each in outcomes)
    assert await sessions.caller(session.session_id, NOW_MS) is None


async def test_a_chain_of_refreshes_keeps_a_session_alive_and_an_expired_link_does_not(
    pool: asyncpg.Pool, user: User
) -> None:
    sessions, session, links = PostgresSessions(pool), a_session(user), [new_id() for _ in range(3)]
    await sessions.begin(session, links[0])
    assert (await sessions.rotate(links[0], links[1], NOW_MS + 1, NOW_MS + 100)).outcome is Rotation.DONE
    (seen,) = await sessions.of_user(user.user_id, NOW_MS + 2)
    assert (seen.last_used_ms, seen.expires_ms) == (NOW_MS + 1, NOW_MS + 100)
    assert (await sessions.rotate(links[1], links[2], NOW_MS + 100, LATER_MS)).outcome is Rotation.UNKNOWN
    assert (await sessions.rotate("unheard of", new_id(), NOW_MS, LATER_MS)).outcome is Rotation.UNKNOWN


async def test_a_session_speaks_for_its_user_until_it_is_ended_in_any_way(pool: asyncpg.Pool, user: User) -> None:
    sessions = PostgresSessions(pool)
    kept, logged_out, revoked, other = rows = [a_session(user) for _ in range(4)]
    for row in rows:
        await sessions.begin(row, f"of {row.session_id}")
    known = Known(
        caller=Caller(user_id=user.user_id, role=Role.TRADER, session_id=kept.session_id), expires_ms=LATER_MS
    )
    assert await sessions.caller(kept.session_id, NOW_MS + 60_000) == known
    assert (await sessions.of_user(user.user_id, NOW_MS))[0].last_used_ms == NOW_MS + 60_000
    assert await sessions.end(f"of {logged_out.session_id}", NOW_MS) == logged_out.session_id
    assert await sessions.end("unheard of", NOW_MS) is None
    assert not await sessions.revoke("another user", revoked.session_id, NOW_MS)
    assert await sessions.revoke(user.user_id, revoked.session_id, NOW_MS)
    assert not await sessions.revoke(user.user_id, revoked.session_id, NOW_MS)
    assert await sessions.revoke_others(user.user_id, kept.session_id, NOW_MS) == 1
    assert [each.session_id for each in await sessions.of_user(user.user_id, NOW_MS)] == [kept.session_id]
    for ended in (logged_out, revoked, other):
        assert await sessions.caller(ended.session_id, NOW_MS) is None
        rotated = await sessions.rotate(f"of {ended.session_id}", new_id(), NOW_MS, LATER_MS)
        assert rotated.outcome is Rotation.UNKNOWN
    assert await sessions.caller(kept.session_id, LATER_MS) is None


async def test_an_address_is_known_by_the_sessions_that_began_there_until_they_are_long_gone(
    pool: asyncpg.Pool, user: User
) -> None:
    sessions, first = PostgresSessions(pool), new_id()
    await sessions.begin(a_session(user), first)
    await sessions.end(first, NOW_MS)
    assert await sessions.seen_from(user.user_id, "203.0.113.7", NOW_MS)
    assert not await sessions.seen_from(user.user_id, "203.0.113.7", NOW_MS + 1)
    assert not await sessions.seen_from(user.user_id, "198.51.100.1", NOW_MS)
    after_ms = NOW_MS + KEPT_MS + 1
    await sessions.begin(a_session(user, created_ms=after_ms, network="198.51.100.1"), new_id())
    assert not await sessions.seen_from(user.user_id, "203.0.113.7", 0)


def a_token(user: User, name: str = "bot", **changes: Any) -> ApiToken:
    about: dict[str, Any] = {"token_id": new_id(), "user_id": user.user_id, "name": name, "hint": "abcd"}
    scopes = frozenset({Scope.READ, Scope.TRADE})
    times = {"created_ms": NOW_MS, "expires_ms": LATER_MS}
    return ApiToken(**(about | times | {"scopes": scopes, "token_hash": new_id()} | changes))


async def test_a_token_speaks_for_its_user_within_its_scopes_until_it_expires_or_goes(
    pool: asyncpg.Pool, user: User
) -> None:
    tokens, token = PostgresApiTokens(pool), a_token(user)
    assert await tokens.add(token, 2) is Added.DONE
    caller = Caller(user_id=user.user_id, role=Role.TRADER, scopes=token.scopes)
    assert await tokens.caller(token.token_hash, NOW_MS) == Known(caller=caller, expires_ms=LATER_MS)
    assert (await tokens.of_user(user.user_id))[0].last_used_ms == NOW_MS
    assert await tokens.caller(token.token_hash, LATER_MS) is None
    assert not await tokens.remove("another user", token.token_id)
    assert await tokens.remove(user.user_id, token.token_id)
    assert await tokens.caller(token.token_hash, NOW_MS) is None


async def test_of_many_tokens_made_at_once_only_as_many_as_allowed_are_made_and_each_name_once(
    pool: asyncpg.Pool, user: User
) -> None:
    tokens = PostgresApiTokens(pool)
    made = await asyncio.gather(*(tokens.add(a_token(user, f"bot {number}"), 2) for number in range(4)))
    assert sorted(made) == sorted([Added.DONE, Added.DONE, Added.TOO_MANY, Added.TOO_MANY])
    taken = (await tokens.of_user(user.user_id))[0].name
    assert await tokens.add(a_token(user, taken), 9) is Added.NAME_TAKEN


async def test_attempts_made_at_once_over_several_gateways_are_counted_one_after_another(pool: asyncpg.Pool) -> None:
    gateways, doors = [PostgresAttempts(pool) for _ in range(2)], login_doors(new_id(), "203.0.113.7", known=False)
    doors = [door for door in doors if not door.key.startswith("address")]
    waits = await asyncio.gather(*(gateways[n % 2].attempt(doors, NOW_MS) for n in range(12)))
    assert (waits.count(0), waits.count(1_000)) == (5, 7)
    await gateways[0].succeeded(doors, NOW_MS)
    assert await gateways[1].attempt(doors, NOW_MS) == 0


async def test_counts_that_are_long_forgotten_leave_the_table(pool: asyncpg.Pool) -> None:
    attempts = PostgresAttempts(pool)
    old, new = (Door(key=new_id(), free=1, most_ms=1, forgiving=True) for _ in range(2))
    await attempts.attempt([old], 1)
    await attempts.attempt([new], 2 * FORGET_MS + 2)
    kept = await pool.fetch("SELECT door FROM login_attempts WHERE door = ANY($1)", [old.key, new.key])
    assert [row["door"] for row in kept] == [new.key]


async def test_families_of_refresh_tokens_from_before_are_sessions_afterwards(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("DROP SCHEMA IF EXISTS gateway CASCADE")
    await migrate("gateway", "gateway", database_url, "0003")
    await connection.execute("""
        SET search_path TO gateway;
        INSERT INTO users (user_id, email, password_hash, created_ms) VALUES ('u', 'u@example.com', 'h', 1);
        INSERT INTO refresh_tokens (token_hash, family_id, user_id, expires_ms, used_ms, revoked) VALUES
            ('old', 'works', 'u', 20000000000, 5, false), ('new', 'works', 'u', 20000000000, NULL, false),
            ('gone', 'ended', 'u', 20000000000, 5, true)
    """)
    await migrate("gateway", "gateway", database_url)
    await connection.close()
    pool = await create_pool(database_url, "gateway", application_name="test")
    sessions = PostgresSessions(pool)
    assert (await sessions.rotate("gone", new_id(), NOW_MS, LATER_MS)).outcome is Rotation.REUSED
    assert (await sessions.rotate("new", new_id(), NOW_MS, LATER_MS)).outcome is Rotation.DONE
    assert [each.session_id for each in await sessions.of_user("u", NOW_MS)] == ["works"]
    await pool.close()
