"""Bad input is answered with field, rule and fix; nothing reaches the exchange and nothing is half written."""

from typing import Any

import aiohttp
import asyncpg
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

GOOD = {
    "exchange": "BINANCE",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "0.01",
    "tpLevels": [104_000, 106_000],
    "sl": 95_000,
}

MISTAKES: list[tuple[str, dict[str, Any], int, str]] = [
    ("unknown exchange", {"exchange": "KRAKEN"}, 400, "exchange"),
    ("unknown symbol", {"symbol": "NOPEUSDT"}, 400, "symbol"),
    ("unknown side", {"side": "LONG"}, 400, "side"),
    ("size zero", {"quantity": "0"}, 400, "quantity"),
    ("size above the balance", {"quantity": "50"}, 400, "quantity"),
    ("target below the price", {"tpLevels": [90_000]}, 400, "tpLevels"),
    ("stop above the price", {"sl": 101_000}, 400, "sl"),
    ("targets out of order", {"tpLevels": [106_000, 104_000]}, 400, "tpLevels"),
    ("shares that do not sum", {"tpShares": [0.5, 0.6]}, 400, "tpShares"),
    ("too small for any slice", {"quantity": "0.00004"}, 400, "quantity"),
    ("two sizes", {"sizePct": 0.1, "sizeUsd": 50, "quantity": None}, 400, "sizeUsd"),
    ("an unknown field", {"leverage": 10}, 400, "leverage"),
    ("a limit order without a price", {"type": "LIMIT"}, 400, "price"),
]


@pytest.mark.parametrize(("what", "change", "status", "field"), MISTAKES, ids=[m[0] for m in MISTAKES])
async def test_a_mistake_names_field_rule_and_fix_and_sends_nothing(
    desk: Any, what: str, change: dict[str, Any], status: int, field: str
) -> None:
    async with desk.user() as user:
        body = {name: value for name, value in (GOOD | change).items() if value is not None}
        answered, problem = await _post(desk, user, body)
        assert answered == status, (what, problem)
        assert problem["field"].partition(".")[0] == field, (what, problem)
        assert problem["rule"]
        assert problem["fix"]
        assert problem["code"]
        assert (await desk.account(user)).orders == []
        assert await _intents(desk, user) == 0


async def test_malformed_json_and_strange_tokens_are_refused_as_problems(desk: Any) -> None:
    url = f"{desk.stack.gateway_url}/exchanges/place-order"
    async with desk.user() as user, aiohttp.ClientSession() as http:
        own = user.trader.authorization
        async with http.post(url, data=b'{"symbol": ', headers={**own, "content-type": "application/json"}) as answer:
            assert answer.status == 400
            assert answer.content_type == "application/problem+json"
        for token in ("", "Bearer nonsense", "Bearer eyJhbGciOiJub25lIn0.e30."):
            async with http.post(url, json=GOOD, headers={"Authorization": token}) as answer:
                assert answer.status == 401
                assert answer.content_type == "application/problem+json"
        assert (await desk.account(user)).orders == []


async def test_somebody_elses_key_cannot_be_used_and_is_not_even_confirmed_to_exist(desk: Any) -> None:
    async with desk.user() as owner, desk.user() as thief:
        answered, problem = await _post(desk, thief, GOOD | {"credentialId": owner.credential_id})
        assert answered == 404, problem
        assert (await desk.account(owner)).orders == []
        assert (await desk.account(thief)).orders == []


async def _post(desk: Any, user: Any, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    url = f"{desk.stack.gateway_url}/exchanges/place-order"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=user.trader.authorization) as answer:
        assert answer.content_type == "application/problem+json", await answer.text()
        return answer.status, await answer.json(content_type=None)


async def _intents(desk: Any, user: Any) -> int:
    """What the gateway has written down for this user's account."""
    connection = await asyncpg.connect(desk.stack.database_url)
    try:
        return int(
            await connection.fetchval("SELECT count(*) FROM gateway.intents WHERE account_id = $1", user.credential_id)
        )
    finally:
        await connection.close()
