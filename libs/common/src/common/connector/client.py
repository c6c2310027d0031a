"""Performs calls: takes their cost from the limits, signs, sends, reads, and repeats what is provably safe to repeat.

Safe are refusals for the clock (after measuring it) and for limits (after the wait they name), connections that never
came about, and questions. An order whose fate is unknown is never repeated here.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from common.accounts import Credentials
from common.clock import Clock
from common.connector.clocksync import ExchangeClock
from common.connector.metrics import COMMAND_TO_REQUEST, RATE_WAITING, REQUEST_TO_REPLY
from common.connector.ports import (
    Call,
    HttpRequest,
    LimitScope,
    RateLimit,
    Rejected,
    Reply,
    SignedRequest,
    Unknown,
    Usage,
)
from common.connector.rates import Priority, RateGate
from common.connector.rest import NotSent
from common.errors import CgtError, ErrorCategory, Unavailable
from common.exchanges import Exchange
from common.metrics import HOP, since_s, stopwatch

T = TypeVar("T")

READ_PATIENCE_MS: Final = 10_000
_READ_ATTEMPTS: Final = 3
_CLOCK_ATTEMPTS: Final = 3


class KeyRefused(CgtError):
    """The account has no usable key: revoked, deleted, or refused by the exchange."""

    def __init__(self, account_id: str, reason: str) -> None:
        super().__init__(f"no usable key for account {account_id}: {reason}")
        self.account_id = account_id
        self.reason = reason


class Keys(Protocol):
    """Where credentials come from."""

    def held(self, account_id: str) -> Credentials | None:
        """The account's credentials if they are at hand and valid."""
        ...

    async def credentials(self, account_id: str) -> Credentials:
        """The account's credentials. Raises KeyRefused, or Unavailable when they cannot be had now."""
        ...

    def refused(self, account_id: str, reason: str) -> None:
        """The exchange refused this account's key."""
        ...


class Route(Protocol):
    """A way to the exchange: REST, or a socket that takes orders."""

    async def send(self, request: HttpRequest, credentials: Credentials | None) -> Reply | NotSent | Unknown: ...


class Words(Protocol):
    """The part of a dialect that sending needs."""

    exchange: Exchange

    def sign(self, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest: ...

    def usage(self, reply: Reply) -> Usage: ...


class Sender(Protocol):
    """Sends signed bytes over REST."""

    async def send(self, signed: SignedRequest) -> Reply | NotSent | Unknown: ...


def signed(dialect: Words, request: HttpRequest, credentials: Credentials | None, now_ms: int) -> SignedRequest:
    """A request with its signature. Raises KeyRefused when the secret is none."""
    try:
        return dialect.sign(request, credentials, now_ms)
    except CgtError as error:
        raise KeyRefused("" if credentials is None else credentials.account_id, str(error)) from None


class RestRoute:
    """Signs at the last moment, with the exchange's time, and sends over REST."""

    def __init__(self, dialect: Words, sender: Sender, clock: Clock) -> None:
        self._dialect = dialect
        self._sender = sender
        self._clock = clock

    async def send(self, request: HttpRequest, credentials: Credentials | None) -> Reply | NotSent | Unknown:
        """One request, one answer. Raises KeyRefused when the key cannot sign."""
        return await self._sender.send(signed(self._dialect, request, credentials, self._clock.now_ms()))


class ExchangeClient:
    """The one door to an exchange for everything that asks or orders."""

    def __init__(
        self, dialect: Words, rest: Route, keys: Keys, gate: RateGate, clock: ExchangeClock, local: Clock
    ) -> None:
        self._dialect = dialect
        self._rest = rest
        self._orders: Route | None = None
        self._keys = keys
        self._gate = gate
        self._clock = clock
        self._local = local
        self._to_request = HOP.labels(COMMAND_TO_REQUEST)
        self._to_reply = HOP.labels(REQUEST_TO_REPLY)
        self._waiting = RATE_WAITING.labels(dialect.exchange)

    def with_keys(self, keys: Keys) -> "ExchangeClient":
        """The same door with other keys."""
        return ExchangeClient(self._dialect, self._rest, keys, self._gate, self._clock, self._local)

    def now_ms(self) -> int:
        """The time by which validity is counted: our own clock's."""
        return self._local.now_ms()

    def route_orders(self, route: Route) -> None:
        """Send requests that have a channel over this route instead of REST."""
        self._orders = route

    def replace_limits(self, limits: tuple[RateLimit, ...]) -> None:
        """The limits as the exchange announces them."""
        if limits:
            self._gate.replace_limits(limits)

    async def ask(
        self,
        call: Call[T],
        account_id: str | None,
        *,
        priority: Priority = Priority.QUERY,
        patience_ms: int = READ_PATIENCE_MS,
    ) -> T | Rejected | Unknown:
        """A question: repeated when its answer is lost."""
        answer: T | Rejected | Unknown = Unknown("not_asked", "")
        deadline_ms = self._local.now_ms() + patience_ms
        for attempt in range(_READ_ATTEMPTS):
            answer = await self.perform(call, account_id, priority=priority, valid_until_ms=deadline_ms)
            if not isinstance(answer, Unknown) or self._local.now_ms() >= deadline_ms:
                break
            await asyncio.sleep(0.05 * 4**attempt)
        return answer

    async def perform(
        self,
        call: Call[T],
        account_id: str | None,
        *,
        priority: Priority,
        valid_until_ms: int,
        started: float | None = None,
        may_send: Callable[[], None] = lambda: None,
    ) -> T | Rejected | Unknown:
        """One call to its end. Nothing leaves after `valid_until_ms` (our clock): that is Rejected(EXPIRED).

        Of a call that goes on after it has changed something, what cannot be sent any more is Unknown. `may_send` is
        asked at the last moment before every request, after all waiting; what it raises ends the call.
        """
        clock_attempts = 0
        acted = False
        pause_s = 0.05
        while True:
            reply = await self._exchange(call.request, account_id, priority, valid_until_ms, started, may_send)
            if isinstance(reply, Unknown | Rejected):
                return Unknown(reply.code, reply.reason) if acted else reply
            if isinstance(reply, NotSent):
                if self._local.now_ms() + pause_s * 1000 >= valid_until_ms:
                    late = Rejected(ErrorCategory.EXPIRED, reply.code, reply.reason)
                    return Unknown(late.code, late.reason) if acted else late
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
                continue
            answer = call.read(reply, self._local.now_ms())
            if isinstance(answer, Call):
                acted = acted or not call.request.read
                call = answer
                continue
            if isinstance(answer, Rejected):
                if answer.category is ErrorCategory.CLOCK and clock_attempts < _CLOCK_ATTEMPTS:
                    clock_attempts += 1
                    await self._clock.sync()
                    continue
                if answer.category is ErrorCategory.RATE_LIMITED:
                    # Where the whole address must wait the gate knows it from the headers already.
                    self._gate.observed(account_id, _account_stop(answer))
                    continue
                if answer.category is ErrorCategory.AUTH and account_id is not None:
                    self._keys.refused(account_id, f"{answer.code} {answer.reason}")
            elif not isinstance(answer, Unknown):
                self._gate.accepted(call.request)
            return answer

    async def _exchange(
        self,
        request: HttpRequest,
        account_id: str | None,
        priority: Priority,
        valid_until_ms: int,
        started: float | None,
        may_send: Callable[[], None],
    ) -> Reply | NotSent | Unknown | Rejected:
        """Take the cost, find the key, send once."""
        credentials = None
        if request.signed:
            assert account_id is not None, "a signed request belongs to an account"
            credentials = self._keys.held(account_id)
            if credentials is None:
                try:
                    credentials = await self._credentials(account_id, valid_until_ms)
                except KeyRefused as error:
                    return Rejected(ErrorCategory.AUTH, "key", error.reason)
                except Unavailable as error:
                    return Rejected(ErrorCategory.EXPIRED, "vault", str(error))
        if not self._gate.try_take(request, account_id, priority):
            self._waiting.set(self._gate.waiting + 1)
            if not await self._gate.take(request, account_id, priority, valid_until_ms - self._local.now_ms()):
                return Rejected(ErrorCategory.EXPIRED, "rate_limited", "no room in the exchange's limits in time")
        if self._local.now_ms() > valid_until_ms:
            return Rejected(ErrorCategory.EXPIRED, "late", "its validity passed while it waited")
        # A route stamps and signs before it waits for anything: what leaves later than this the exchange finds too old.
        may_send()
        route = self._orders if self._orders is not None and request.channel else self._rest
        if started is not None:
            self._to_request.observe(since_s(started))
        written = stopwatch()
        try:
            reply = await route.send(request, credentials)
        except KeyRefused as error:
            self._keys.refused(error.account_id, error.reason)
            return Rejected(ErrorCategory.AUTH, "key", error.reason)
        self._to_reply.observe(since_s(written))
        if isinstance(reply, Reply):
            self._gate.observed(account_id, self._dialect.usage(reply))
        return reply

    async def _credentials(self, account_id: str, valid_until_ms: int) -> Credentials:
        pause_s = 0.05
        while True:
            try:
                return await self._keys.credentials(account_id)
            except Unavailable:
                if self._local.now_ms() + pause_s * 1000 >= valid_until_ms:
                    raise
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 1.0)


def _account_stop(answer: Rejected) -> Usage:
    return Usage(retry_after_ms=answer.retry_after_ms or 0, retry_scope=LimitScope.ACCOUNT)
