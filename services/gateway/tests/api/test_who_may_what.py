"""Every endpoint x everybody: nobody, a reading program, a trader, an admin; and another user with a foreign id.

A route that is not in the table fails the test, so that nobody forgets to say who may use it.
"""

import re
from enum import StrEnum
from typing import Any

import pytest

from common.exchanges import Exchange
from gateway.auth.identity import Role
from gateway.http.examples import TRANSFER


class For(StrEnum):
    """Who may use a route."""

    EVERYBODY = "everybody"
    READERS = "who has logged in, and programs that may read"
    TRADERS = "who has logged in, and programs that may trade"
    KEEPERS = "who has logged in, and programs that may change keys"
    PERSONS = "who has logged in, and no program"
    ADMINS = "admins"


MARKETS = {
    "/binance": ("tickers", "klines", "depth", "trades", "symbols", "currencies"),
    "/bitget/spot": ("tickers", "candles", "orderbook", "trades", "symbols", "currencies"),
    "/gateio/spot": ("tickers", "candlesticks", "order_book", "trades", "symbols", "currencies"),
    "/mexc": ("tickers", "klines", "depth", "trades", "symbols", "currencies"),
}
TABLE: dict[For, set[str]] = {
    For.EVERYBODY: {f"POST /auth/{what}" for what in ("register", "login", "refresh", "logout")}
    | {f"GET {prefix}/{what}" for prefix, kinds in MARKETS.items() for what in kinds},
    For.READERS: {
        "GET /auth/me",
        "GET /api-credentials",
        "GET /api-credentials/{credential_id}",
        *(f"GET /exchanges/{what}" for what in ("balance", "open-orders", "open-positions", "trades", "settings")),
        "GET /exchanges/operations/{operation_id}",
        "GET /exchanges/sync/{syncId}",
        "GET /exchanges/foreign-orders",
        "GET /fred/indicators",
        *(f"GET /portfolio/{what}" for what in ("positions", "trades", "fees", "equity", "performance")),
        "GET /risk/limits",
        "GET /risk/kill-switch",
        "GET /bitget/orders/open",
        "GET /bitget/account/assets",
        "GET /gateio-account/spot/assets",
        "GET /mexc/orders/open",
        "GET /mexc/account/assets",
        "GET /events",
    },
    For.TRADERS: {
        "POST /exchanges/place-order",
        "POST /exchanges/place-oco-order",
        "DELETE /exchanges/cancel-order",
        "DELETE /exchanges/cancel-all-orders",
        "POST /exchanges/sync",
        "PUT /exchanges/settings",
        "POST /risk/kill-switch",
        "POST /bitget/orders",
        "DELETE /bitget/orders",
        "POST /gateio-account/wallet/transfers",
        "POST /mexc/orders",
        "POST /mexc/orders/batch",
        "DELETE /mexc/orders",
    },
    For.KEEPERS: {
        "POST /api-credentials",
        "PATCH /api-credentials/{credential_id}",
        "DELETE /api-credentials/{credential_id}",
        "PATCH /api-credentials/{credential_id}/toggle",
    },
    For.PERSONS: {
        "POST /auth/password",
        "GET /auth/sessions",
        "DELETE /auth/sessions",
        "DELETE /auth/sessions/{session_id}",
        "GET /auth/tokens",
        "POST /auth/tokens",
        "DELETE /auth/tokens/{token_id}",
        "PUT /risk/limits",
        "DELETE /risk/kill-switch",
    },
    For.ADMINS: {
        "POST /exchanges/signals",
        "GET /exchanges/signals",
        "GET /exchanges/signals/{signal_id}",
        "GET /risk/users/{user_id}/limits",
        "PUT /risk/users/{user_id}/limits",
        "GET /risk/kill-switches",
        "POST /risk/kill-switches",
        "DELETE /risk/kill-switches",
    },
}
NOBODY = (401, "UNAUTHENTICATED")
REFUSED: dict[str, dict[For, tuple[int, str]]] = {
    "nobody": dict.fromkeys(set(For) - {For.EVERYBODY}, NOBODY),
    "reading program": {
        For.TRADERS: (403, "SCOPE_MISSING"),
        For.KEEPERS: (403, "SCOPE_MISSING"),
        For.PERSONS: (403, "LOGIN_REQUIRED"),
        For.ADMINS: (403, "ADMIN_ONLY"),
    },
    "trader": {For.ADMINS: (403, "ADMIN_ONLY")},
    "admin": {},
}
"""Who is turned away where, and how; everybody else is let in."""


async def operations(client: Any) -> dict[str, Any]:
    """Every operation of the running app, by method and path."""
    paths = (await client.ask("GET", "/openapi.json")).body["paths"]
    return {f"{method.upper()} {path}": found for path, methods in paths.items() for method, found in methods.items()}


@pytest.fixture
async def tokens(house: Any, stranger: Any) -> dict[str, str]:
    """A token of each kind of caller."""
    for exchange in Exchange:
        house.serve(exchange)
    await stranger.sign_in("trader@example.com")
    made = await stranger.ask("POST", "/auth/tokens", {"name": "reads", "scopes": ["read"]})
    found = {"nobody": "", "trader": stranger.token, "reading program": made.body["data"]["token"]}
    await stranger.sign_in("admin@example.com")
    await house.users.set_role("admin@example.com", Role.ADMIN)
    house.parts.callers.forget()
    return found | {"admin": stranger.token}


async def test_the_table_names_every_route_of_the_running_app_and_no_other(stranger: Any) -> None:
    listed = [name for names in TABLE.values() for name in names]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(await operations(stranger))


@pytest.mark.parametrize("who", REFUSED)
async def test_each_caller_is_let_in_where_the_table_says_and_turned_away_elsewhere(
    stranger: Any, tokens: dict[str, str], who: str
) -> None:
    stranger.token, wrong = tokens[who], {}
    for whom, names in TABLE.items():
        for name in sorted(names):
            method, path = name.split()
            reply = await stranger.ask(method, re.sub(r"\{\w+\}", "8a1e3f52", path), None if method == "GET" else {})
            answered = (reply.status, (reply.body or {}).get("code"))
            expected = REFUSED[who].get(whom)
            if answered != expected if expected else reply.status in {401, 403} or reply.status >= 500:
                wrong[name] = answered
    assert not wrong, f"{who}: {wrong}"


NEEDED = {
    "exchange": "BINANCE",
    "symbol": "BTCUSDT",
    "orderId": "1",
    "since": "0",
    "scope": "mine",
}
BODIES: dict[str, dict[str, Any]] = {
    "POST /exchanges/place-order": {"exchange": "BINANCE", "symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1},
    "POST /exchanges/place-oco-order": {
        "exchange": "BINANCE",
        "symbol": "BTCUSDT",
        "sizePct": 1,
        "aboveType": "LIMIT_MAKER",
        "abovePrice": "105000",
        "belowType": "STOP_LOSS",
        "belowStopPrice": "95000",
    },
    "POST /bitget/orders": {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1},
    "POST /mexc/orders": {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "50"},
    "POST /gateio-account/wallet/transfers": dict(TRANSFER),
}
EMPTY = re.compile(r"GET /portfolio/")
"""What keeps histories also of keys that are gone: a foreign id finds nothing there."""


async def test_a_foreign_id_is_as_good_as_none_and_shows_nothing(house: Any, stranger: Any) -> None:
    for exchange in set(Exchange) - {Exchange.BINANCE}:
        house.serve(exchange)
    user_id = await stranger.sign_in("owner@example.com")
    account = await stranger.store_key()
    bought = (await stranger.buy()).body["data"]
    token = (await stranger.ask("POST", "/auth/tokens", {"name": "bot", "scopes": ["read"]})).body["data"]["id"]
    session = (await stranger.ask("GET", "/auth/sessions")).body["data"][0]["id"]
    sync = (await stranger.ask("POST", "/exchanges/sync")).body["data"]["syncId"]
    known = {"credential_id": account, "operation_id": bought["operationId"], "token_id": token}
    known |= {"session_id": session, "syncId": sync}
    foreign = {user_id, *known.values(), bought["clientOrderId"], bought["orderGroupId"]}
    await stranger.sign_in("other@example.com")
    for name, operation in (await operations(stranger)).items():
        method, path = name.split()
        placed = {each for each in known if f"{{{each}}}" in path}
        asked = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
        if placed or "credentialId" in asked:
            url = path.format(**known) + _query(asked & set(NEEDED), account if "credentialId" in asked else None)
            reply = await stranger.ask(method, url, {} if method == "PATCH" else None)
        elif name in BODIES:
            reply = await stranger.ask(method, path, BODIES[name] | {"credentialId": account})
        else:
            continue
        assert reply.status == (200 if EMPTY.match(name) else 404), (name, reply)
        assert not [each for each in foreign if each in reply.text], (name, reply.text)
    for name in sorted(TABLE[For.READERS] | {"GET /auth/sessions", "GET /auth/tokens"}):
        path = name.split()[1]
        if "{" not in path:
            reply = await stranger.ask("GET", path + ("?since=0" if path == "/events" else ""))
            assert not [each for each in foreign if each in reply.text], name


def _query(names: set[str], account: str | None) -> str:
    parts = [f"{name}={NEEDED[name]}" for name in sorted(names)] + ([f"credentialId={account}"] if account else [])
    return "?" + "&".join(parts) if parts else ""
