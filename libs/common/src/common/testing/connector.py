"""Fakes for tests of connectors: a wire that answers as told, keys, a bus that can fail. They work, and they ship."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from common.accounts import Credentials
from common.bus.messages import Outgoing
from common.clock import FixedClock
from common.connector.client import ExchangeClient, KeyRefused, RestRoute
from common.connector.clocksync import ExchangeClock
from common.connector.ports import Call, HttpRequest, Rejected, Reply, SignedRequest, Unknown, Usage
from common.connector.rates import RateGate
from common.connector.rest import NotSent
from common.errors import ErrorCategory, Unavailable
from common.exchanges import Exchange

Answer = Reply | NotSent | Unknown


async def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Wait for a condition that other tasks bring about; its value."""
    async with asyncio.timeout(timeout_s):
        while not (value := condition()):  # noqa: ASYNC110  any condition, told by nobody
            await asyncio.sleep(0.001)
    return value


class FakeWire:
    """Answers requests in the order told, then with 200 and an empty body."""

    def __init__(self) -> None:
        self.sent: list[SignedRequest] = []
        self.answers: list[Answer] = []

    async def send(self, signed: SignedRequest) -> Answer:
        self.sent.append(signed)
        return self.answers.pop(0) if self.answers else Reply(status=200)


class FakeWords:
    """The little of a dialect that the client itself needs."""

    exchange = Exchange.BINANCE

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
        key = "" if credentials is None else credentials.api_key
        return SignedRequest(method=request.method, target=f"{request.path}?t={now_ms}&k={key}")

    def usage(self, reply: Reply) -> Usage:
        told = reply.headers.get("retry-after")
        return Usage(retry_after_ms=None if told is None else int(told))


class MemoryKeys:
    """Keys for everybody but those refused."""

    def __init__(self) -> None:
        self.refusals: dict[str, str] = {}

    def held(self, account_id: str) -> Credentials | None:
        return None if account_id in self.refusals else a_key(account_id)

    async def credentials(self, account_id: str) -> Credentials:
        if account_id in self.refusals:
            raise KeyRefused(account_id, self.refusals[account_id])
        return a_key(account_id)

    def refused(self, account_id: str, reason: str) -> None:
        self.refusals[account_id] = reason


def a_key(account_id: str, *, key_version: int = 1, expires_at_ms: int = 2**53) -> Credentials:
    return Credentials(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        api_key=f"key-of-{account_id}",
        secret=f"secret-of-{account_id}",
        passphrase=None,
        key_version=key_version,
        expires_at_ms=expires_at_ms,
    )


class FakeExchange:
    """A client on a fake wire, and everything around it."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.wire = FakeWire()
        self.keys = MemoryKeys()
        self.server_ms: int | None = self.clock.now_ms()
        self.synced = 0
        self.exchange_clock = ExchangeClock(self._time, self.clock, exchange="test")
        self.gate = RateGate((), self.clock)
        route = RestRoute(FakeWords(), self.wire, self.exchange_clock)
        self.client = ExchangeClient(FakeWords(), route, self.keys, self.gate, self.exchange_clock, self.clock)

    async def _time(self) -> int | None:
        self.synced += 1
        return self.server_ms

    def valid_until(self, ms: int = 10_000) -> int:
        return self.clock.now_ms() + ms


def a_call(*, read: bool = False) -> Call[Any]:
    """A call whose replies mean what their status says."""
    request = HttpRequest(method="GET" if read else "POST", path="/order", signed=True, read=read)
    return Call(request, meaning)


def meaning(reply: Reply, now_ms: int) -> Any:
    match reply.status:
        case 200:
            return "done"
        case 408:
            return Rejected(ErrorCategory.CLOCK, "-1021", "outside of the window")
        case 429:
            return Rejected(ErrorCategory.RATE_LIMITED, "-1003", "too many", 5)
        case 401:
            return Rejected(ErrorCategory.AUTH, "-2015", "no such key")
        case 400:
            return Rejected(ErrorCategory.FILTER, "-1013", "lot")
        case _:
            return Unknown(str(reply.status), "who knows")


class MemoryBus:
    """Keeps what is published; fails while it is told to."""

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self.down = False
        self.defect: Exception | None = None
        self.attempts = 0

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        self.attempts += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("the broker")
        if self.defect is not None:
            raise self.defect
        self.messages += messages
