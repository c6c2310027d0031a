"""The parts the routers are built from, and who is calling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from common.clock import Clock
from common.errors import Refused
from common.exchanges import Exchange
from gateway.accounts import Accounts
from gateway.auth.sessions import Sessions
from gateway.auth.tokens import BadToken, TokenRules, user_of
from gateway.ports import Connector, IntentStore, Ledger, Vault
from gateway.trading.operations import Operations
from gateway.trading.refusals import invalid
from gateway.trading.service import Trading


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the REST surface speaks to."""

    clock: Clock
    token_rules: TokenRules
    sessions: Sessions
    vault: Vault
    accounts: Accounts
    connectors: Mapping[Exchange, Connector]
    ledger: Ledger
    intents: IntentStore
    operations: Operations
    trading: Trading
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


def caller_of(parts: Parts) -> Callable[..., str]:
    """The dependency that says which user is calling, or answers 401."""

    def caller(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
        if credentials is None:
            raise _unauthenticated("The request has no access token.")
        return authenticated(credentials.credentials, parts.token_rules, parts.clock)

    return caller


def authenticated(token: str, rules: TokenRules, clock: Clock) -> str:
    """The user of an access token. Raises Refused (401)."""
    try:
        return user_of(token, rules, clock.now_ms())
    except BadToken:
        raise _unauthenticated("The access token has expired or is not ours.") from None


def _unauthenticated(rule: str) -> Refused:
    return Refused(
        code="UNAUTHENTICATED",
        title="Not authenticated",
        field="Authorization",
        rule=rule,
        fix="Send Authorization: Bearer <access_token> from POST /auth/login or /auth/refresh.",
        status=401,
    )
