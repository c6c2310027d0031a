"""The parts the routers are built from, and who is calling."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from common.clock import Clock
from common.errors import Refused
from common.exchanges import Exchange
from gateway.accounts import Accounts
from gateway.auth.callers import Callers, unauthenticated
from gateway.auth.identity import Caller, Role
from gateway.auth.sessions import Sessions
from gateway.ports import Connector, IntentStore, Ledger, Vault
from gateway.risk.entries import Entries
from gateway.risk.ports import RiskStore
from gateway.trading.operations import Operations
from gateway.trading.refusals import invalid
from gateway.trading.service import Trading


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the REST surface speaks to."""

    clock: Clock
    callers: Callers
    sessions: Sessions
    vault: Vault
    accounts: Accounts
    connectors: Mapping[Exchange, Connector]
    ledger: Ledger
    intents: IntentStore
    operations: Operations
    trading: Trading
    risk: RiskStore
    entries: Entries
    intent_valid_ms: int
    allow_withdrawal_keys: bool

    def connector(self, exchange: Exchange) -> Connector:
        """The exchange's connector. Raises Refused where none is running."""
        try:
            return self.connectors[exchange]
        except KeyError:
            served = ", ".join(each.value.upper() for each in self.connectors)
            rule = f"{exchange.value.upper()} is not served here; {served} is."
            raise invalid("exchange", rule, f"Use {served}.", code="EXCHANGE_NOT_SERVED") from None


_bearer = HTTPBearer(auto_error=False, description="The access token of POST /auth/login.")


_Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def caller_of(parts: Parts) -> Callable[..., Awaitable[str]]:
    """The dependency that says which user is calling, or answers 401."""

    async def caller(credentials: _Credentials) -> str:
        return (await _calling(parts, credentials)).user_id

    return caller


def admin_of(parts: Parts) -> Callable[..., Awaitable[str]]:
    """The dependency that says which admin is calling, or answers 401, and 403 to everybody else."""

    async def admin(credentials: _Credentials) -> str:
        caller = await _calling(parts, credentials)
        if caller.role is not Role.ADMIN:
            raise Refused(
                code="ADMIN_ONLY",
                title="Not allowed",
                field="Authorization",
                rule="Only an admin may do this.",
                fix="Ask the operator to run `python -m gateway admin grant <email>`.",
                status=403,
            )
        return caller.user_id

    return admin


async def _calling(parts: Parts, credentials: HTTPAuthorizationCredentials | None) -> Caller:
    if credentials is None:
        raise unauthenticated("The request has no access token.")
    return await parts.callers.of(credentials.credentials)
