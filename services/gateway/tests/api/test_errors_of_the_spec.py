"""The spec's table of errors: each title with its status, and what to do about it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.ports import KeyCheck

BALANCE = "/exchanges/balance"


async def no_exchange(house: Any, user: Any) -> Any:
    return await user.ask("GET", BALANCE)


async def too_much(house: Any, user: Any) -> Any:
    await user.store_key()
    return await user.buy(sizePct=None, sizeUsd=5_000)


async def no_key(house: Any, user: Any) -> Any:
    return await user.ask("GET", BALANCE + "?exchange=BINANCE")


async def too_little(house: Any, user: Any) -> Any:
    await user.store_key()
    return await user.buy(sizePct=None, sizeUsd=2)


async def wrong_secret(house: Any, user: Any) -> Any:
    house.connector.verdict = KeyCheck(ok=False, can_trade=False, can_withdraw=None)
    keys = {"exchange": "BINANCE", "apiKey": "the-api-key-of-a-trader", "secretKey": "not-its-secret"}
    return await user.ask("POST", "/api-credentials", keys)


@pytest.mark.parametrize(
    ("title", "status", "field", "provoke"),
    [
        ("Exchange parameter required", 400, "exchange", no_exchange),
        ("Insufficient balance", 400, "sizeUsd", too_much),
        ("Credentials not found", 404, "credentialId", no_key),
        ("Order value too low", 400, "sizeUsd", too_little),
        ("Signature validation failed", 401, "apiKey", wrong_secret),
    ],
)
async def test_each_error_of_the_spec_is_answered_as_it_says(
    house: Any, user: Any, title: str, status: int, field: str, provoke: Callable[[Any, Any], Awaitable[Any]]
) -> None:
    reply = await provoke(house, user)
    assert (reply.status, reply.body["title"], reply.body["field"]) == (status, title, field)
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.body["rule"]
    assert reply.body["fix"]
    assert reply.body["outcome"] == "not_sent"


@pytest.mark.parametrize(
    ("body", "field", "rule", "fix"),
    [
        (b'{"symbol": ', "body", "from character 11 on", "Correct it"),
        (b"", "body", "a JSON object", "Content-Type: application/json"),
        (b"symbol=BTCUSDT", "body", "JSON document", "Correct it"),
        (b'"BTCUSDT"', "body", "a JSON object", "Content-Type: application/json"),
        (b'{"side": "BUY", "quantity": "1"}', "symbol", "symbol is required.", "Add symbol to the body."),
        (b'{"symbol": "BTCUSDT", "side": "LONG"}', "side", "'BUY' or 'SELL'.", "Correct side in the body"),
        (b'{"symbol": "BTCUSDT", "side": "BUY"}', "sizePct", "0 are given", "Add one of them"),
        (b'{"symbol": "BTCUSDT", "side": "BUY", "leverage": 5}', "leverage", "no field of this name", "Leave leverage"),
    ],
)
async def test_a_body_of_the_wrong_shape_is_told_what_is_wrong_with_it(
    user: Any, body: bytes, field: str, rule: str, fix: str
) -> None:
    await user.store_key()
    reply = await user.ask("POST", "/exchanges/place-order?exchange=BINANCE", raw=body)
    assert (reply.status, reply.body["field"]) == (400, field)
    assert rule in reply.body["rule"]
    assert fix in reply.body["fix"]


async def test_a_path_that_is_none_and_a_method_that_it_does_not_have_say_where_to_look(user: Any) -> None:
    nowhere = await user.ask("GET", "/exchanges/palce-order")
    assert (nowhere.status, nowhere.body["fix"]) == (404, "Look the path up in /api-docs.")
    other = await user.ask("GET", "/exchanges/place-order")
    assert (other.status, other.body["fix"]) == (405, "Use POST, or look the path up in /api-docs.")
