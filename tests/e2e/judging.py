"""What a test sees of an account on any of the four exchanges: whether what is held is protected, sold, gone."""

import asyncio
from decimal import Decimal
from typing import Any

from cgt.trader import Refused

DUST = Decimal("0.00006")
"""Less than five dollars of it at these prices: no exchange takes an order for so little."""


async def protected(desk: Any, user: Any, within_s: float = 60.0) -> Any:
    """Wait until stops cover what is held: on the exchange by its own books, with the engine by what the API shows."""

    async def look() -> tuple[Decimal, Decimal, Any]:
        books = await desk.books(user)
        if user.exchange == "mexc":
            orders = await _open_orders(user)
            stops = [Decimal(str(o["origQty"])) for o in orders if o.get("residency") == "engine"]
        else:
            stops = [qty for px, qty in books.waiting if px < 99_000]
        return books.held, sum(stops, Decimal(0)), books

    def covered(seen: tuple[Decimal, Decimal, Any]) -> bool:
        held, stopped, _ = seen
        return held > DUST and 0 <= held - stopped < Decimal("0.00001")

    _, _, books = await desk.eventually(look, covered, "what is held is protected", within_s)
    return books


async def _open_orders(user: Any) -> list[dict[str, Any]]:
    """What the API shows, at a pace that MEXC's limits allow."""
    await asyncio.sleep(0.5)
    try:
        return list(await user.trader.get("/exchanges/open-orders", exchange="MEXC"))
    except Refused as refused:
        if not refused.retryable:
            raise
        return []


async def flat(desk: Any, user: Any, within_s: float = 90.0) -> Any:
    """Wait until nothing but dust is held and nothing waits to sell."""
    return await desk.eventually(
        lambda: desk.books(user), lambda b: b.held < DUST and not b.waiting, "the position is flat", within_s
    )


async def waiting_for(desk: Any, user: Any) -> int:
    """How many orders wait or rest to sell."""
    return len((await desk.books(user)).waiting)


async def covered(desk: Any, user: Any, within_s: float) -> Any:
    """Protected, on whichever exchange."""
    if user.exchange != "binance":
        return await protected(desk, user, within_s)
    await desk.until_protected(user, within_s)
    return await desk.books(user)


def sold_once(books: Any) -> bool:
    """Whether no more was sold than one purchase of it brought."""
    sold = sum((qty for side, qty in books.trades if side == "SELL"), Decimal(0))
    bought = sum((qty for side, qty in books.trades if side == "BUY"), Decimal(0))
    return bool(0 < sold <= bought <= Decimal("0.01"))
