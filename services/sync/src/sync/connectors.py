"""The connectors' internal reads as sync uses them: one question at a time per exchange, spaced."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeVar
from urllib.parse import quote

import structlog

from common.accounts import BalanceChanged
from common.clock import Clock
from common.codec import decode, encode
from common.connector.outcomes import OrderFate, OrderQuestion
from common.errors import CgtError, Unavailable, UnreadableMessage
from common.exchanges import Exchange
from common.instruments import ZERO
from common.orders import OrderFilled, OrderSnapshot
from common.service.client import InternalService

T = TypeVar("T")

_log = structlog.get_logger(__name__)

ANSWER_TIMEOUT_S: Final = 30.0
"""A listing may take pages, and waits behind everything that trades."""


class NotAnswered(CgtError):
    """The exchange refused a question about an account: its key was revoked, or may not do this."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Pace:
    """Lets one question through at a time, and none sooner than `spacing_ms` after the last began."""

    def __init__(self, spacing_ms: int, clock: Clock) -> None:
        self._spacing_ms = spacing_ms
        self._clock = clock
        self._next_ms = 0
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for our turn."""
        async with self._turn:
            wait_ms = self._next_ms - self._clock.now_ms()
            if wait_ms > 0:
                await asyncio.sleep(wait_ms / 1000)
            self._next_ms = self._clock.now_ms() + self._spacing_ms


class HttpReads:
    """Reads of all exchanges. Every method raises Unavailable for silence, NotAnswered for a no about the account."""

    def __init__(self, services: Mapping[Exchange, InternalService], paces: Mapping[Exchange, Pace]) -> None:
        self._services = services
        self._paces = paces

    async def open_orders(self, exchange: Exchange, account_id: str, symbol: str) -> tuple[OrderSnapshot, ...]:
        """Everything open on the symbol, placed by us or by hand."""
        path = f"/accounts/{quote(account_id, safe='')}/open-orders"
        return await self._ask(exchange, "GET", path, tuple[OrderSnapshot, ...], query={"symbol": symbol})

    async def my_trades(
        self, exchange: Exchange, account_id: str, symbol: str, since_ms: int
    ) -> tuple[OrderFilled, ...]:
        """The account's trades since then, oldest first."""
        path = f"/accounts/{quote(account_id, safe='')}/my-trades"
        query = {"symbol": symbol, "since_ms": str(since_ms)}
        return await self._ask(exchange, "GET", path, tuple[OrderFilled, ...], query=query)

    async def fate(self, exchange: Exchange, question: OrderQuestion) -> OrderFate:
        """What became of one order, by the exchange's own rules."""
        path = f"/accounts/{quote(question.ref.account_id, safe='')}/fates"
        return await self._ask(exchange, "POST", path, OrderFate, body=encode(question))

    async def totals(self, exchange: Exchange, account_id: str) -> dict[str, Decimal]:
        """By asset, what the account has, free and locked. Raises Unavailable for an answer without any asset, too."""
        path = f"/accounts/{quote(account_id, safe='')}/balances"
        balances = (await self._ask(exchange, "GET", path, BalanceChanged)).balances
        if not balances:
            raise Unavailable(f"the balances of {account_id}")  # A position was bought with something, and left more.
        return {each.asset: (each.free or ZERO) + (each.locked or ZERO) for each in balances}

    async def _ask(self, exchange: Exchange, method: str, path: str, type_: type[T], **request: Any) -> T:
        service = self._services.get(exchange)
        if service is None:
            raise NotAnswered("EXCHANGE_NOT_SERVED", f"no connector of {exchange.value} is known here")
        await self._paces[exchange].turn()
        reply = await service.ask(method, path, **request)
        if reply.status < 300:
            return _read(service.name, reply.body, type_)
        problem = reply.problem()
        if reply.status in _ABOUT_THE_ACCOUNT:
            raise NotAnswered(str(problem.get("code", reply.status)), str(problem.get("detail", "no reason given")))
        raise Unavailable(service.name)


def _read(name: str, body: bytes, type_: type[T]) -> T:
    try:
        return decode(body, type_)
    except UnreadableMessage as error:
        _log.error("answer_unreadable", service=name, error=error.reason)
        raise Unavailable(name) from error


_ABOUT_THE_ACCOUNT: Final = frozenset({400, 401, 403, 404})
