"""The four exchanges beside each other: fill to protection, and MEXC's stop that the engine holds.

`python -m benchmarks.venues --exchange mexc`: the exchange named, and Binance beside it in the same run. Every turn has
new traders, who place their entries through the gateway; the entries rest and are then filled one after the other.
"""

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.running import NotMeasured, on_a_stack
from benchmarks.stats import median, spread
from cgt.trader import HttpJson, Trader
from common.bus.brokers import BrokerKind
from common.exchanges import Exchange
from common.runtime.stack import Stack

PROTECTING: Final[Mapping[Exchange, frozenset[str]]] = {
    Exchange.BINANCE: frozenset({"POST /api/v3/orderList/oco", "orderList.place.oco"}),
    Exchange.BITGET: frozenset({"POST /api/v2/spot/trade/place-plan-order"}),
    Exchange.GATEIO: frozenset({"POST /api/v4/spot/price_orders"}),
    Exchange.MEXC: frozenset({"POST /api/v3/order"}),
}
"""What the paper exchange calls the requests that protect."""
REQUESTS: Final = {Exchange.BINANCE: 2, Exchange.BITGET: 4, Exchange.GATEIO: 4, Exchange.MEXC: 2}
"""How many of them a fill calls for: two lists, two pairs of triggers, two targets."""

_SYMBOL: Final = "BTCUSDT"
_START_PX: Final = 98_000
_ENTRY: Final = {"symbol": _SYMBOL, "side": "BUY", "type": "LIMIT", "price": 97_000, "quantity": "0.01"}
_TARGETS: Final = [104_000, 106_000]
_HIGHEST_STOP: Final = 95_000
_PER_SECOND: Final = 4
_WITHIN_S: Final = 60.0
_MS: Final = 1_000_000


@dataclass
class Turn:
    """What one turn of one exchange measured, in ms from the frame to the request as the exchange stamped them."""

    exchange: Exchange
    first_ms: list[float] = field(default_factory=list)
    last_ms: list[float] = field(default_factory=list)
    stop_ms: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Seat:
    """One trader with an account at the exchange."""

    trader: Trader
    exchange: Exchange
    uid: int
    stop: int


async def run(exchanges: Sequence[Exchange], rounds: int, fills: int, stack: Stack, console: Console) -> list[Turn]:
    """All exchanges in turn, in every round. Raises NotMeasured, Refused."""
    turns = []
    async with HttpJson(stack.paper_control_url) as paper:
        for number in range(rounds):
            shift = number % len(exchanges)
            for exchange in (*exchanges[shift:], *exchanges[:shift]):
                turn = await _turn(exchange, fills, stack, paper)
                turns.append(turn)
                said = f"p50 {spread(turn.last_ms).p50:8.2f}  max {spread(turn.last_ms).max:8.2f} ms"
                console.print(f"  round {number + 1}  {exchange.value:<8} {said}", highlight=False)
    return turns


async def _turn(exchange: Exchange, fills: int, stack: Stack, paper: HttpJson) -> Turn:
    control = f"/control/{exchange.value}"
    await paper.post(f"{control}/price", {"symbol": _SYMBOL, "price": str(_START_PX)})
    async with AsyncExitStack() as room:
        seats = [
            await room.enter_async_context(_seat(exchange, _HIGHEST_STOP - 100 * number, stack, paper))
            for number in range(fills)
        ]
        entries = [await _entry(seat) for seat in seats]
        await paper.post(f"{control}/timings/reset", {})
        await paper.post(f"{control}/fills", {"orders": entries, "per_second": _PER_SECOND})
        turn = Turn(exchange)
        filled, protecting = await _protected(exchange, seats, paper)
        for seat in seats:
            turn.first_ms.append((protecting[seat.uid][0] - filled[seat.uid]) / _MS)
            turn.last_ms.append((protecting[seat.uid][REQUESTS[exchange] - 1] - filled[seat.uid]) / _MS)
        if exchange is Exchange.MEXC:
            turn.stop_ms = [await _stopped(seat, paper) for seat in seats]
    return turn


@asynccontextmanager
async def _seat(exchange: Exchange, stop: int, stack: Stack, paper: HttpJson) -> AsyncIterator[Seat]:
    account = await paper.post(f"/control/{exchange.value}/accounts", {"balances": {"USDT": "100000"}})
    key = {"apiKey": account["api_key"], "secretKey": account["secret"], "label": "bench", "activeTrading": True}
    if account.get("passphrase"):
        key["passphrase"] = account["passphrase"]
    async with Trader(stack.gateway_url) as trader:
        await trader.sign_in(f"bench-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(16))
        stored = {"exchange": exchange.value.upper(), **key}
        await trader.post_patiently("/api-credentials", stored, within_s=_WITHIN_S)
        yield Seat(trader, exchange, account["uid"], stop)


async def _entry(seat: Seat) -> dict[str, Any]:
    order = {**_ENTRY, "exchange": seat.exchange.value.upper(), "tpLevels": _TARGETS, "sl": seat.stop}
    # An account's stream has just begun, or MEXC's limits are used up: then the answer is "later".
    placed = await seat.trader.post_patiently("/exchanges/place-order", order, within_s=_WITHIN_S)
    return {"uid": seat.uid, "order_id": placed["orderId"], "symbol": _SYMBOL}


async def _protected(
    exchange: Exchange, seats: Sequence[Seat], paper: HttpJson
) -> tuple[dict[int, int], dict[int, list[int]]]:
    """When each account's fill was written, and when each of its protecting requests was read."""
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        timings = await paper.get(f"/control/{exchange.value}/timings")
        filled: dict[int, int] = {}
        for fill in timings["fills"]:
            filled.setdefault(fill["uid"], fill["written_ns"])
        protecting: dict[int, list[int]] = {seat.uid: [] for seat in seats}
        for request in timings["requests"]:
            if request["call"] in PROTECTING[exchange] and request["uid"] in protecting:
                protecting[request["uid"]].append(request["read_ns"])
        if all(len(read) >= REQUESTS[exchange] for read in protecting.values()) and len(filled) >= len(seats):
            return filled, protecting
        await asyncio.sleep(0.5)
    raise NotMeasured(f"not every fill on {exchange.value} was protected within {_WITHIN_S:g} s")


async def _stopped(seat: Seat, paper: HttpJson) -> float:
    """From the frame of the first book ticker through the stop to the market sell, in ms."""
    control = f"/control/{seat.exchange.value}"
    await paper.post(f"{control}/timings/reset", {})
    await paper.post(f"{control}/price", {"symbol": _SYMBOL, "price": str(seat.stop - 20), "gap": True})
    deadline = time.monotonic() + _WITHIN_S
    while time.monotonic() < deadline:
        timings = await paper.get(f"{control}/timings")
        through = [book["written_ns"] for book in timings["books"] if float(book["bid_px"]) <= seat.stop]
        sold = [
            request["read_ns"]
            for request in timings["requests"]
            if request["uid"] == seat.uid and request["call"] in PROTECTING[seat.exchange]
        ]
        if through and sold:
            return float(sold[0] - through[0]) / _MS
        await asyncio.sleep(0.2)
    raise NotMeasured(f"the stop at {seat.stop} was not met within {_WITHIN_S:g} s")


def show(turns: Sequence[Turn], exchanges: Sequence[Exchange], console: Console) -> None:
    """The table: every exchange beside Binance."""
    table = Table(title="From the fill to the last protecting request, ms")
    for name in ("exchange", "requests", "first p50", "last p50", "last p99", "x Binance", "stop p50", "stop p99", "n"):
        table.add_column(name, justify="left" if name == "exchange" else "right")
    beside = [spread(turn.last_ms).p50 for turn in turns if turn.exchange is Exchange.BINANCE]
    for exchange in exchanges:
        mine = [turn for turn in turns if turn.exchange is exchange]
        first = spread([each for turn in mine for each in turn.first_ms])
        last = spread([each for turn in mine for each in turn.last_ms])
        stop = spread([each for turn in mine for each in turn.stop_ms])
        ratio = median([spread(turn.last_ms).p50 / base for turn, base in zip(mine, beside, strict=True)])
        stops = (f"{stop.p50:.2f}", f"{stop.p99:.2f}") if stop.count else ("", "")
        table.add_row(
            exchange.value, str(REQUESTS[exchange]), f"{first.p50:.2f}", f"{last.p50:.2f}", f"{last.p99:.2f}",
            f"{ratio:.2f}", *stops, str(last.count),
        )  # fmt: skip
    console.print(table)
    console.print(
        "stop: from the frame of the book ticker through the stop to the market sell, which the engine sends."
    )


def main(argv: Sequence[str], broker: str) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.venues", description="Measure fill to protection.")
    names = [exchange.value for exchange in Exchange]
    parser.add_argument("--exchange", choices=[*names, "all"], default="all", help="which, with Binance beside it")
    parser.add_argument("--rounds", type=int, default=3, help="how often every exchange takes a turn")
    parser.add_argument("--fills", type=int, default=10, help="fills of one turn")
    asked = parser.parse_args(argv)
    exchanges = tuple(
        exchange for exchange in Exchange if asked.exchange in {exchange.value, "all"} or exchange is Exchange.BINANCE
    )

    async def measure(stack: Stack, console: Console) -> None:
        show(await run(exchanges, asked.rounds, asked.fills, stack, console), exchanges, console)

    return on_a_stack(broker, measure)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("CGT_BROKER", BrokerKind.EMBEDDED)))
