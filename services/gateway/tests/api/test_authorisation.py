"""Every endpoint of the API document against every kind of caller."""

import re
from collections.abc import Iterator
from typing import Any

PUBLIC = re.compile(
    r"/auth/(register|login|refresh|logout)"
    r"|/(binance|mexc|bitget/spot|gateio/spot)/"
    r"(tickers|klines|candles|candlesticks|depth|orderbook|order_book|trades|symbols|currencies)"
)


async def operations(client: Any) -> list[tuple[str, str, bool]]:
    """Method, path with some id in it, and whether the document asks for a token."""
    document = (await client.ask("GET", "/openapi.json")).body
    return list(_operations(document["paths"]))


def _operations(paths: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    for path, methods in paths.items():
        for method, described in methods.items():
            yield method.upper(), re.sub(r"\{[a-z_]+\}", "8a1e3f52", path), bool(described.get("security"))


async def answers(client: Any, token: str, asked: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, str]]:
    """Status and code of each, to a caller with this token."""
    client.token, found = token, {}
    for method, path in asked:
        reply = await client.ask(method, path, None if method == "GET" else {})
        found[method, path] = (reply.status, (reply.body or {}).get("code", ""))
    return found


async def test_only_market_data_and_logging_in_are_for_everybody(stranger: Any) -> None:
    known = await operations(stranger)
    assert {path for _, path, secured in known if not secured} == {
        path for _, path, _ in known if PUBLIC.fullmatch(path)
    }


async def test_without_a_good_token_every_other_door_is_closed(house: Any, stranger: Any) -> None:
    secured = [(method, path) for method, path, secured in await operations(stranger) if secured]
    assert len(secured) > 20
    for token in ("", "rubbish", "cgt_rubbish"):
        assert set((await answers(stranger, token, secured)).values()) == {(401, "UNAUTHENTICATED")}


async def test_a_token_without_its_scope_opens_no_door_and_with_every_scope_no_persons_or_admins(user: Any) -> None:
    secured = [(method, path) for method, path, secured in await operations(user) if secured]
    looks = [each for each in secured if each[0] == "GET"]
    changes = [each for each in secured if each[0] != "GET"]
    made = {}
    for scopes in (("read",), ("trade", "credentials"), ("read", "trade", "credentials")):
        body = {"name": " ".join(scopes), "scopes": scopes}
        made[scopes] = (await user.ask("POST", "/auth/tokens", body)).body["data"]["token"]
    reader, trader, everything = made.values()
    refused = await answers(user, reader, changes) | await answers(user, trader, looks)
    assert {status for status, _ in refused.values()} == {403}, refused
    passed = await answers(user, everything, secured)
    assert {code for status, code in passed.values() if status == 403} <= {"LOGIN_REQUIRED", "ADMIN_ONLY"}
    assert {path for (_, path), (_, code) in passed.items() if code == "LOGIN_REQUIRED"} == {
        "/auth/password",
        "/auth/sessions",
        "/auth/sessions/8a1e3f52",
        "/auth/tokens",
        "/auth/tokens/8a1e3f52",
        "/risk/kill-switch",
        "/risk/limits",
    }
    assert not [each for each, (status, _) in passed.items() if status in {401, 500}]
