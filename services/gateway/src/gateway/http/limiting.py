"""Lets each caller ask so often and not more, and says in every answer how often that is.

The buckets are each instance's own: with N instances behind one address a user has N times as much. A shared count
would put the database into the path of every request and let its silence decide over cancels. What needs a common
count has one elsewhere: passwords in `auth.lockout`, orders under way in the store, exchanges' budgets in the
connectors.
"""

from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.clock import Clock
from common.errors import Refused, Unavailable
from gateway.auth.callers import Callers
from gateway.auth.lockout import network_of
from gateway.problems import refused_response
from gateway.rates import PROTECTIVE_FACTOR, Buckets, Kind, Rates, kind_of, too_many_requests

UNLIMITED: Final = frozenset({"/health", "/health/live", "/metrics"})
"""Asked by supervisors, which must not be told to come back later."""


class RateLimit:
    """One bucket per user, and per address for those who are nobody we know."""

    def __init__(self, app: ASGIApp, callers: Callers, rates: Rates, clock: Clock) -> None:
        self._app = app
        self._callers = callers
        self._rates = rates
        self._clock = clock
        self._buckets = Buckets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        user_id, kind = await self._user(scope), kind_of(scope["method"], scope["path"])
        caller, a_minute = (f"user:{user_id}", self._rates.user) if user_id else (_address(scope), self._rates.address)
        standing = self._buckets.take(caller, kind, a_minute, self._clock.now_ms())

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(standing.headers)
            await send(message)

        if standing.wait_ms == 0:
            await self._app(scope, receive, counted)
        else:
            refused = too_many_requests(_rule(a_minute, kind, user=user_id is not None), standing.wait_ms)
            await refused_response(refused)(scope, receive, counted)

    async def _user(self, scope: Scope) -> str | None:
        """Who asks; None for strangers, and while nobody can say who it is."""
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        try:
            return (await self._callers.of(token.strip())).user_id
        except (Refused, Unavailable):
            return None


def _address(scope: Scope) -> str:
    host, _ = scope.get("client") or ("", 0)
    return f"address:{network_of(host)}"


def _rule(a_minute: int, kind: Kind, *, user: bool) -> str:
    who = "A user" if user else "An address without a token"
    if kind is Kind.PROTECTIVE:
        return f"{who} may cancel and protect {a_minute * PROTECTIVE_FACTOR} times a minute."
    return f"{who} may ask {a_minute} times a minute."
