"""The vault on a real PostgreSQL and broker, asked over HTTP as the services ask it."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import asyncpg
import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import SecretStr

from common.accounts import AccountChanged, AccountState
from common.bus.brokers import BusSettings
from common.bus.messages import Outgoing
from common.bus.tail import tail
from common.bus.topics import ACCOUNTS
from common.clock import SystemClock
from common.codec import decode
from common.db.migrations import migrate
from common.db.pool import create_pool
from common.errors import Unavailable
from common.health import Health
from common.service.auth import ServiceAuth, authenticated_service
from common.service.http import HttpServer, HttpSettings, new_app
from credentials_vault import http
from credentials_vault.sealing import MasterKeys
from credentials_vault.store import PostgresAccounts
from credentials_vault.vault import Vault

pytestmark = pytest.mark.connected

SERVICE_KEYS = {name: SecretStr(name * 8) for name in ("gateway", "binance-connector", "bitget-connector", "stranger")}
API_KEY, SECRET = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zv", "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP"
KEYS = MasterKeys({1: b"1" * 32})
LEASE_MS = 300_000


class Broker:
    """A publisher that keeps what it is given, or fails as a broker that is away."""

    def __init__(self) -> None:
        self.published: list[Outgoing] = []
        self.away = False

    async def publish(self, messages: list[Outgoing]) -> None:
        if self.away:
            raise Unavailable("the broker")
        self.published += messages

    def facts(self) -> list[AccountChanged]:
        return [decode(message.value or b"", AccountChanged) for message in self.published]


class Client:
    """Asks the vault as one service or another."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def ask(self, method: str, path: str, body: Any = None, *, as_: str = "gateway") -> tuple[int, Any, str]:
        headers = ServiceAuth(as_, SERVICE_KEYS[as_]).header("credentials-vault")
        async with self._session.request(method, self._base + path, json=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text), text

    async def store(self, user_id: str, **changes: Any) -> dict[str, Any]:
        status, account, _ = await self.ask("POST", "/accounts", new_body(user_id) | changes)
        assert status == 201, account
        return dict(account)


def new_body(user_id: str) -> dict[str, Any]:
    return {"user_id": user_id, "exchange": "binance", "api_key": API_KEY, "secret": SECRET}


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate("credentials_vault", "credentials_vault", database_url)
    pool = await create_pool(database_url, "credentials_vault", application_name="test")
    yield pool
    await pool.close()


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def vault(pool: asyncpg.Pool, broker: Broker) -> Vault:
    return Vault(PostgresAccounts(pool, broker), KEYS, SystemClock(), LEASE_MS)  # type: ignore[arg-type]


@pytest.fixture
async def client(vault: Vault) -> AsyncIterator[Client]:
    app = new_app("credentials-vault", Health())
    http.install(app, vault, authenticated_service("credentials-vault", SERVICE_KEYS))
    server = HttpServer(app, HttpSettings())
    serving = asyncio.create_task(server.run())
    port = await server.listening()
    async with aiohttp.ClientSession() as session:
        yield Client(session, f"http://127.0.0.1:{port}")
    await server.stop()
    await serving


@pytest.fixture
def user(request: pytest.FixtureRequest) -> str:
    return f"user-{request.node.name}"


async def test_a_stored_key_is_lent_to_the_connector_of_its_exchange(client: Client, user: str) -> None:
    account = await client.store(user)
    status, lease, _ = await client.ask(
        "POST", f"/accounts/{account['account_id']}/lease", {"purpose": "stream"}, as_="binance-connector"
    )
    assert status == 200
    assert (lease["api_key"], lease["secret"], lease["key_version"]) == (API_KEY, SECRET, 1)


async def test_every_lease_is_audited_before_the_key_is_opened(client: Client, pool: asyncpg.Pool, user: str) -> None:
    account_id = (await client.store(user))["account_id"]
    await client.ask("POST", f"/accounts/{account_id}/lease", {"purpose": "stream"}, as_="binance-connector")
    row = await pool.fetchrow("SELECT caller, purpose, key_version FROM audit WHERE account_id = $1", account_id)
    assert tuple(row) == ("binance-connector", "stream", 1)
    await pool.execute("ALTER TABLE audit RENAME TO audit_gone")
    try:
        status, _, text = await client.ask(
            "POST", f"/accounts/{account_id}/lease", {"purpose": "stream"}, as_="binance-connector"
        )
    finally:
        await pool.execute("ALTER TABLE audit_gone RENAME TO audit")
    assert status == 500
    assert SECRET not in text


async def test_the_audit_cannot_be_changed_or_deleted(client: Client, pool: asyncpg.Pool, user: str) -> None:
    account_id = (await client.store(user))["account_id"]
    await client.ask("POST", f"/accounts/{account_id}/lease", {"purpose": "stream"}, as_="binance-connector")
    await pool.execute("UPDATE audit SET caller = 'nobody'")
    await pool.execute("DELETE FROM audit")
    assert await pool.fetchval("SELECT caller FROM audit WHERE account_id = $1", account_id) == "binance-connector"


@pytest.mark.parametrize(
    ("caller", "method", "path", "status"),
    [
        ("gateway", "POST", "/lease", 403),
        ("bitget-connector", "POST", "/lease", 403),
        ("stranger", "GET", "", 403),
        ("binance-connector", "DELETE", "", 403),
        ("binance-connector", "POST", "/toggle", 403),
        ("binance-connector", "GET", "", 200),
    ],
)
async def test_a_service_may_do_what_the_table_says(
    client: Client, user: str, caller: str, method: str, path: str, status: int
) -> None:
    account_id = (await client.store(user))["account_id"]
    body = {"purpose": "x"} if path == "/lease" else None
    answered, _, text = await client.ask(method, f"/accounts/{account_id}{path}", body, as_=caller)
    assert answered == status
    assert SECRET not in text


async def test_who_signs_with_a_foreign_key_is_not_heard(client: Client, user: str) -> None:
    token = ServiceAuth("gateway", SERVICE_KEYS["stranger"]).header("credentials-vault")
    async with client._session.get(f"{client._base}/accounts?user_id={user}", headers=token) as answer:
        assert answer.status == 401


async def test_no_answer_fact_or_row_holds_a_secret_in_clear(
    client: Client, broker: Broker, pool: asyncpg.Pool, user: str
) -> None:
    account = await client.store(user)
    _, listed, text = await client.ask("GET", f"/accounts?user_id={user}")
    assert listed["accounts"][0]["api_key_hint"] == API_KEY[-4:]
    rows = await pool.fetch("SELECT * FROM accounts WHERE account_id = $1", account["account_id"])
    everything = text + repr(account) + repr(broker.published) + repr([dict(row) for row in rows])
    assert SECRET not in everything
    assert API_KEY not in everything


async def test_a_body_that_breaks_a_rule_is_refused_without_repeating_its_secrets(client: Client, user: str) -> None:
    for change in ({"exchange": "nyse"}, {"surprise": SECRET}, {"api_key": [SECRET]}, {"user_id": ""}):
        status, problem, text = await client.ask("POST", "/accounts", new_body(user) | change)
        assert (status, problem["field"]) == (422, next(iter(change)))
        assert SECRET not in text


async def test_the_first_account_is_the_default_and_only_one_ever_is(client: Client, broker: Broker, user: str) -> None:
    first = await client.store(user)
    second = await client.store(user, api_key="another-key-of-this-user", is_default=True)
    _, listed, _ = await client.ask("GET", f"/accounts?user_id={user}")
    assert first["is_default"]
    assert [a["is_default"] for a in listed["accounts"]] == [False, True]
    assert [(f.account_id, f.is_default) for f in broker.facts()] == [
        (first["account_id"], True),
        (first["account_id"], False),
        (second["account_id"], True),
    ]


async def test_the_default_goes_only_after_another_has_taken_its_place_or_by_force(client: Client, user: str) -> None:
    first = (await client.store(user))["account_id"]
    second, third = [(await client.store(user, api_key=f"key-number-{n}-of-this-user"))["account_id"] for n in range(2)]
    for method, body in (("PATCH", {"is_default": False}), ("DELETE", None)):
        status, problem, _ = await client.ask(method, f"/accounts/{first}", body)
        assert (status, problem["code"]) == (409, "DEFAULT_NEEDED")
    await client.ask("PATCH", f"/accounts/{second}", {"is_default": True})
    assert (await client.ask("DELETE", f"/accounts/{first}"))[0] == 200
    assert (await client.ask("DELETE", f"/accounts/{second}?force=true"))[0] == 200
    _, listed, _ = await client.ask("GET", f"/accounts?user_id={user}")
    assert [(a["account_id"], a["is_default"]) for a in listed["accounts"]] == [(third, False)]


async def test_a_label_names_one_key_of_a_user_on_an_exchange(client: Client, user: str) -> None:
    await client.store(user, label="main")
    other = await client.store(user, api_key="another-key-of-this-user", label="test")
    await client.store(user, exchange="mexc", label="main")
    refused = [
        await client.ask(
            "POST", "/accounts", new_body(user) | {"api_key": "a-third-key-of-this-user", "label": "main"}
        ),
        await client.ask("PATCH", f"/accounts/{other['account_id']}", {"label": "main"}),
    ]
    assert [(status, problem["code"]) for status, problem, _ in refused] == [(409, "LABEL_TAKEN")] * 2


async def test_the_kind_of_account_is_kept_with_the_key_it_was_told_of(client: Client, user: str) -> None:
    account = await client.store(user, account_kind="SPOT")
    path = f"/accounts/{account['account_id']}"
    assert (await client.ask("PATCH", path, {"label": "new"}))[1]["account_kind"] == "SPOT"
    change = {"api_key": "a-new-key-for-this-account", "secret": "a-new-secret", "account_kind": "UNIFIED"}
    assert (await client.ask("PATCH", path, change))[1]["account_kind"] == "UNIFIED"


async def test_the_same_key_is_not_stored_twice(client: Client, user: str) -> None:
    await client.store(user)
    status, problem, _ = await client.ask("POST", "/accounts", new_body(user))
    assert (status, problem["code"]) == (409, "KEY_ALREADY_STORED")


async def test_concurrent_first_accounts_leave_one_default(client: Client, user: str) -> None:
    await asyncio.gather(
        *(client.store(user, api_key=f"key-number-{n}-of-this-user", is_default=True) for n in range(5))
    )
    _, listed, _ = await client.ask("GET", f"/accounts?user_id={user}")
    assert sorted(a["is_default"] for a in listed["accounts"]) == [False, False, False, False, True]


async def test_a_new_key_gets_the_next_version_and_is_what_is_lent(client: Client, user: str) -> None:
    account_id = (await client.store(user))["account_id"]
    change = {"api_key": "a-new-key-for-this-account", "secret": "a-new-secret", "label": "renewed"}
    _, changed, _ = await client.ask("PATCH", f"/accounts/{account_id}", change)
    _, lease, _ = await client.ask(
        "POST", f"/accounts/{account_id}/lease", {"purpose": "stream"}, as_="binance-connector"
    )
    assert (changed["key_version"], changed["label"]) == (2, "renewed")
    assert (lease["secret"], lease["key_version"]) == ("a-new-secret", 2)


async def test_toggling_pauses_and_activates(client: Client, broker: Broker, user: str) -> None:
    account_id = (await client.store(user))["account_id"]
    for _ in range(2):
        await client.ask("POST", f"/accounts/{account_id}/toggle")
    assert [f.state for f in broker.facts()] == [AccountState.ACTIVE, AccountState.PAUSED, AccountState.ACTIVE]


async def test_a_deleted_account_is_revoked_shredded_and_gone(
    client: Client, broker: Broker, pool: asyncpg.Pool, user: str
) -> None:
    account_id = (await client.store(user))["account_id"]
    await client.ask("DELETE", f"/accounts/{account_id}")
    assert broker.facts()[-1].state is AccountState.REVOKED
    status, problem, _ = await client.ask("GET", f"/accounts/{account_id}")
    assert (status, problem["title"]) == (404, "Credentials not found")
    row = await pool.fetchrow("SELECT ciphertext, wrapped_key FROM accounts WHERE account_id = $1", account_id)
    assert tuple(row) == (None, None)
    assert await client.store(user)  # The same key may come back.


async def test_facts_wait_in_the_outbox_while_the_broker_is_away(
    client: Client, broker: Broker, pool: asyncpg.Pool, user: str
) -> None:
    broker.away = True
    account = await client.store(user)
    assert await pool.fetchval("SELECT count(*) FROM outbox WHERE key = $1", account["account_id"]) == 1


async def test_rotation_rewraps_every_row_while_the_old_key_is_still_at_hand(
    client: Client, pool: asyncpg.Pool, broker: Broker, user: str
) -> None:
    account_id = (await client.store(user))["account_id"]
    store = PostgresAccounts(pool, broker)  # type: ignore[arg-type]
    assert await Vault(store, MasterKeys({1: b"1" * 32, 2: b"2" * 32}), SystemClock(), LEASE_MS).rewrap() > 0
    assert await pool.fetchval("SELECT count(*) FROM accounts WHERE master_version = 1") == 0
    rotated = Vault(store, MasterKeys({2: b"2" * 32}), SystemClock(), LEASE_MS)
    assert (await rotated.lease(account_id, caller="binance-connector", purpose="test")).secret == SECRET
    await pool.execute("DELETE FROM accounts")  # Other tests know the first key alone.


@pytest.fixture
def environment(database_url: str, bootstrap: str, topic_prefix: str, broker_kind: str) -> dict[str, str]:
    return os.environ | {
        "CGT_DATABASE_URL": database_url,
        "CGT_KAFKA_BOOTSTRAP": bootstrap,
        "CGT_BROKER": broker_kind,
        "CGT_TOPIC_PREFIX": topic_prefix,
        "CGT_VAULT_MASTER_KEYS": json.dumps({"1": base64.b64encode(b"1" * 32).decode()}),
        "CREDENTIAL_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
        "CREDENTIAL_IV_KEY": "fedcba9876543210",
    }


async def test_the_first_systems_keys_are_imported_once_by_command_and_their_facts_published(
    environment: dict[str, str], pool: asyncpg.Pool, vault: Vault, user: str
) -> None:
    line = json.dumps(
        {
            "user_id": user,
            "exchange": "BINANCE",
            "api_key_encrypted": legacy(API_KEY, environment),
            "secret_key_encrypted": legacy(SECRET, environment),
            "active_trading": True,
        }
    )
    code, said = await command(environment, "import-cbc", stdin=f"{line}\n{line}\nrubbish\n")
    assert code == 1
    assert ["line 1: imported" in said, "line 2: stored already" in said, "line 3: not imported" in said] == [True] * 3
    assert SECRET not in said
    account = (await vault.store.of_user(user))[0]
    assert (await vault.lease(account.account_id, caller="binance-connector", purpose="test")).secret == SECRET
    await published_by_a_running_vault(environment, account.account_id)


async def published_by_a_running_vault(environment: dict[str, str], account_id: str) -> None:
    keys = {"CGT_SERVICE_KEYS": json.dumps({"gateway": "k" * 32})}
    serving = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "credentials_vault"), env=environment | keys, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        records = tail(BusSettings.from_env(environment), ACCOUNTS, from_="start")
        async with asyncio.timeout(60):
            async for record in records:
                if record.key == account_id:
                    break
        await records.aclose()
    finally:
        serving.terminate()
        assert await serving.wait() == 0


async def command(environment: dict[str, str], *arguments: str, stdin: str = "") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "credentials_vault", *arguments),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate(stdin.encode())
    return process.returncode, said.decode()


def legacy(text: str, environment: dict[str, str]) -> str:
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    key, iv = environment["CREDENTIAL_ENCRYPTION_KEY"].encode(), environment["CREDENTIAL_IV_KEY"].encode()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return (encryptor.update(padded) + encryptor.finalize()).hex()
