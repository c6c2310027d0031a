"""Many traders at once: accounts of the paper exchange whose keys lie in the vault, without a person logging in.

What a person does on the way (a password's hash, a look at the exchange with the new key) is proven elsewhere and would
take most of the time of a test that needs hundreds.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from common.ids import new_id
from common.runtime.stack import Stack
from common.service.auth import ServiceAuth

ROOMY: Final = {
    "CGT_PAPER_WEIGHT_PER_MINUTE": "100000000",
    "CGT_PAPER_ORDERS_PER_10S": "10000000",
    "CGT_PAPER_ORDERS_PER_DAY": "100000000",
}
"""Settings of a paper exchange whose limits a crowd behind one address does not meet."""
_AT_ONCE: Final = 16


@dataclass(frozen=True)
class Member:
    """One trader: its account on the exchange, and what the vault calls it."""

    uid: int
    api_key: str
    secret: str
    account_id: str
    user_id: str


async def gather_crowd(stack: Stack, count: int, *, exchange: str = "binance", **balances: str) -> Sequence[Member]:
    """As many traders, each with an account that trades; returns when their private streams are live."""
    auth = ServiceAuth("gateway", stack.secrets.service_keys["gateway"])
    room = asyncio.Semaphore(_AT_ONCE)
    async with aiohttp.ClientSession(raise_for_status=True) as http:

        async def join() -> Member:
            async with room:
                return await _join(http, stack, auth, exchange, balances or {"USDT": "10000"})

        members = await asyncio.gather(*(join() for _ in range(count)))
        # A gauge of another process offers nothing to await.
        while await _live(http, stack.urls[f"{exchange}-connector"]) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    return members


async def _join(
    http: aiohttp.ClientSession, stack: Stack, auth: ServiceAuth, exchange: str, balances: dict[str, str]
) -> Member:
    opening = f"{stack.paper_control_url}/control/{exchange}/accounts"
    async with http.post(opening, json={"balances": balances}) as answer:
        opened = await answer.json()
    user_id = new_id()
    key: dict[str, Any] = {
        "user_id": user_id,
        "exchange": exchange,
        "api_key": opened["api_key"],
        "secret": opened["secret"],
    }
    if opened.get("passphrase"):
        key["passphrase"] = opened["passphrase"]
    storing, headers = f"{stack.urls['credentials-vault']}/accounts", auth.header("credentials-vault")
    async with http.post(storing, json=key, headers=headers) as answer:
        stored = await answer.json()
    return Member(opened["uid"], opened["api_key"], opened["secret"], stored["account_id"], user_id)


async def _live(http: aiohttp.ClientSession, connector: str) -> float:
    async with http.get(f"{connector}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
        live = [family for family in families if family.name == "cgt_accounts_live"]
        return sum(sample.value for family in live for sample in family.samples)
