"""The parts the routers are built from, and who is calling."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from common.clock import Clock
from common.exchanges import Exchange
from gateway.accounts import Accounts
from gateway.auth import refusals
from gateway.auth.api_tokens import ApiTokens
from gateway.auth.callers import Callers, permitted
from gateway.auth.identity import Caller, Role, Scope
from gateway.auth.records import SessionStore, UserStore
from gateway.auth.sessions import Sessions
from gateway.pacing import Pacer
from gateway.portfolio.views import Portfolio
from gateway.ports import Connector, IntentStore, Ledger, Vault
from gateway.risk.entries import Entries
from gateway.risk.ports import RiskStore
from gateway.signals.taking import Signals
from gateway.stream.door import Door
from gateway.stream.joined import EventStream
from gateway.syncing.indicators import IndicatorViews
from gateway.syncing.ports import Sync
from gateway.trading.defaults import DefaultsStore
from gateway.trading.moving import Transfers
from gateway.trading.operations import Operations
from gateway.trading.refusals import invalid
from gateway.trading.service import Trading


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the REST surface speaks to."""

    clock: Clock
    callers: Callers
    users: UserStore
    sessions: Sessions
    session_store: SessionStore
    api_tokens: ApiTokens
    vault: Vault
    accounts: Accounts
    connectors: Mapping[Exchange, Connector]
    ledger: Ledger
    portfolio: Portfolio
    intents: IntentStore
    operations: Operations
    trading: Trading
    pacer: Pacer
    risk: RiskStore
    entries: Entries
    signals: Signals
    transfers: Transfers
    defaults: DefaultsStore
    stream: EventStream
    door: Door
    intent_valid_ms: int
    allow_withdrawal_keys: bool
    sync: Sync | None = None
    """None where no sync service runs."""
    indicators: IndicatorViews | None = None

    def connector(self, exchange: Exchange) -> Connector:
        """The exchange's connector. Raises Refused where none is running."""
        try:
            return self.connectors[exchange]
        except KeyError:
            served = ", ".join(each.value.upper() for each in self.connectors)
            rule = f"{exchange.value.upper()} is not served here; {served} is."
            raise invalid("exchange", rule, f"Use {served}.", code="EXCHANGE_NOT_SERVED") from None


_bearer = HTTPBearer(
    auto_error=False, description="The access token of POST /auth/login, or an API token of POST /auth/tokens."
)
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
_SAFE: Final = frozenset({"GET", "HEAD"})


def calling_of(parts: Parts, changes: Scope = Scope.TRADE) -> Callable[..., Awaitable[Caller]]:
    """The dependency that says who is calling, or answers 401.

    An API token needs the scope `read` to look and `changes` for everything else; 403 without it.
    """

    async def calling(request: Request, credentials: _Credentials) -> Caller:
        needed = Scope.READ if request.method in _SAFE else changes
        return permitted(await _caller(parts, credentials), needed)

    return calling


def caller_of(parts: Parts, changes: Scope = Scope.TRADE) -> Callable[..., Awaitable[str]]:
    """As `calling_of`, for those who only want to know which user it is."""
    calling = calling_of(parts, changes)

    async def caller(request: Request, credentials: _Credentials) -> str:
        return (await calling(request, credentials)).user_id

    return caller


def session_of(parts: Parts) -> Callable[..., Awaitable[Caller]]:
    """The dependency of what only a person who has logged in may do: 401, and 403 to an API token."""

    async def session(credentials: _Credentials) -> Caller:
        caller = await _caller(parts, credentials)
        if caller.session_id is None:
            raise refusals.login_required()
        return caller

    return session


def admin_of(parts: Parts) -> Callable[..., Awaitable[str]]:
    """The dependency that says which admin is calling: 401, and 403 to others and to tokens without the scope."""

    async def admin(credentials: _Credentials) -> str:
        caller = await _caller(parts, credentials)
        if caller.role is not Role.ADMIN:
            raise refusals.admin_only()
        return permitted(caller, Scope.ADMIN).user_id

    return admin


async def _caller(parts: Parts, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    if credentials is None:
        raise refusals.unauthenticated()
    return await parts.callers.of(credentials.credentials)
