"""A Bearer token to who is calling. Raises what the public surface answers with: 401 for a token that is no good."""

from typing import Protocol

from common.clock import Clock
from common.errors import Refused
from gateway.auth.identity import Caller, Role
from gateway.auth.tokens import BadToken, TokenRules, claims_of


class RoleStore(Protocol):
    """What users are."""

    async def role_of(self, user_id: str) -> Role | None:
        """None for a user who does not exist."""


class Callers:
    """Recognises callers. The role is read from the store, so that one taken away is gone at once."""

    def __init__(self, roles: RoleStore, rules: TokenRules, clock: Clock) -> None:
        self._roles = roles
        self._rules = rules
        self._clock = clock

    async def of(self, token: str) -> Caller:
        """Who calls with this token. Raises Refused (401) or Unavailable."""
        try:
            claims = claims_of(token, self._rules, self._clock.now_ms())
        except BadToken:
            raise unauthenticated("The access token has expired or is not ours.") from None
        role = await self._roles.role_of(claims.user_id)
        if role is None:
            raise unauthenticated("The access token's user does not exist.")
        return Caller(user_id=claims.user_id, role=role, session_id=claims.session_id)


def unauthenticated(rule: str) -> Refused:
    """Nobody we know is calling."""
    return Refused(
        code="UNAUTHENTICATED",
        title="Not authenticated",
        field="Authorization",
        rule=rule,
        fix="Send Authorization: Bearer <access_token> from POST /auth/login or /auth/refresh.",
        status=401,
    )
