"""`python -m benchmarks.placing`: how long an order takes to be answered, through us and straight at the exchange.

Both place the same resting buy, one after the other in turns. Through us it is checked, sized, given its exits, stored,
decided, sent and heard of again before it is answered.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

import aiohttp
from rich.console import Console
from rich.table import Table

from benchmarks.paper import ROOMY
from benchmarks.running import on_a_stack
from benchmarks.signing import rest_body
from benchmarks.stats import median, spread
from cgt.trader import Trader
from common.bus.brokers import BrokerKind
from common.errors import CgtError
from common.runtime.stack import Stack
from common.testing.crowd import Member, gather_crowd

NEEDED = ("paper-exchange", "credentials-vault", "binance-connector", "order-engine", "gateway")
OURS, DIRECT = "through us", "straight"
_ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001", "price": "90000"}
_WARM_UP = 5
_WITHIN_S = 60.0


async def measure(stack: Stack, orders: int, console: Console) -> None:
    """Take turns, and print the table."""
    (member,) = await gather_crowd(stack, 1, USDT="100000000")
    took: dict[str, list[float]] = {OURS: [], DIRECT: []}
    async with Trader(stack.gateway_url) as trader, aiohttp.ClientSession() as http:
        await _sign_in(stack, trader)
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            OURS: lambda: _through_us(trader),
            DIRECT: lambda: _straight(http, stack.paper_binance_url, member),
        }
        for number in range(orders + _WARM_UP):
            for who, place in ways.items():
                begun = time.perf_counter()
                await place()
                if number >= _WARM_UP:
                    took[who].append((time.perf_counter() - begun) * 1000)
    _show(took, console)


async def _sign_in(stack: Stack, trader: Trader) -> None:
    await trader.sign_in(f"bench-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16))
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        url = f"{stack.paper_control_url}/control/binance/accounts"
        async with http.post(url, json={"balances": {"USDT": "100000000"}}) as answer:
            account = await answer.json()
    key = {"exchange": "BINANCE", "apiKey": account["api_key"], "secretKey": account["secret"], "label": "bench"}
    await trader.post("/api-credentials", {**key, "activeTrading": True})


async def _through_us(trader: Trader) -> None:
    order = {**_ORDER, "exchange": "BINANCE", "tpLevels": [104_000], "sl": 85_000}
    placed = await trader.post_patiently("/exchanges/place-order", order, within_s=_WITHIN_S)
    if placed.get("status") != "NEW":
        raise CgtError(f"the order was not answered by the exchange: {placed}")


async def _straight(http: aiohttp.ClientSession, url: str, member: Member) -> None:
    params = {**_ORDER, "timeInForce": "GTC"}
    headers = {"X-MBX-APIKEY": member.api_key, "Content-Type": "application/x-www-form-urlencoded"}
    body = rest_body(params, member.secret)
    async with http.post(f"{url}/api/v3/order", data=body, headers=headers) as answer:
        if answer.status != 200:
            raise CgtError(f"an order straight at the exchange answered {answer.status}: {await answer.text()}")
        await answer.read()


def _show(took: dict[str, list[float]], console: Console) -> None:
    table = Table(title="From asking for an order to its answer, ms")
    for name in ("", "p50", "p90", "p99", "max", "n"):
        table.add_column(name, justify="right" if name else "left")
    for who, values in took.items():
        found = spread(values)
        table.add_row(who, *(f"{each:.1f}" for each in (found.p50, found.p90, found.p99, found.max)), str(found.count))
    console.print(table)
    ratio = median([ours / direct for ours, direct in zip(took[OURS], took[DIRECT], strict=True)])
    console.print(f"{OURS} / {DIRECT}: {ratio:.1f} (median over the orders)")


def main(argv: Sequence[str], broker: str) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.placing", description="Measure the answer to an order.")
    parser.add_argument("--orders", type=int, default=100)
    asked = parser.parse_args(argv)

    async def measured(stack: Stack, console: Console) -> None:
        await measure(stack, asked.orders, console)

    unpaced = {"CGT_USER_ORDERS_A_SECOND": "1000"}
    return on_a_stack(broker, measured, NEEDED, {**ROOMY, **unpaced})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
