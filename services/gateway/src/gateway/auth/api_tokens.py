"""Tokens for programs: named, limited to scopes, expiring; shown once and kept as a hash."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from common.clock import Clock
from common.ids import new_id
from gateway.auth import refusals, trail
from gateway.auth.identity import Caller, Role, Scope
from gateway.auth.records import Added, ApiToken, ApiTokenStore
from gateway.auth.tokens import api_token, token_hash

MOST: Final = 50
"""How many a user may have."""
_DAY_MS: Final = 86_400_000
_HINT: Final = 4


class Issued(NamedTuple):
    """A new token and its secret, which nobody can show a second time."""

    token: ApiToken
    secret: str


class ApiTokens:
    """Issues, lists and revokes the caller's own tokens."""

    def __init__(self, store: ApiTokenStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def issue(self, caller: Caller, name: str, scopes: frozenset[Scope], days: int) -> Issued:
        """A token that expires after so many days. Raises Refused (403, 409)."""
        if Scope.ADMIN in scopes and caller.role is not Role.ADMIN:
            raise refusals.admin_scope()
        secret, now_ms = api_token(), self._clock.now_ms()
        token = ApiToken(
            token_id=new_id(),
            user_id=caller.user_id,
            name=name,
            scopes=scopes,
            token_hash=token_hash(secret),
            hint=secret[-_HINT:],
            created_ms=now_ms,
            expires_ms=now_ms + days * _DAY_MS,
        )
        match await self._store.add(token, MOST):
            case Added.NAME_TAKEN:
                raise refusals.name_taken()
            case Added.TOO_MANY:
                raise refusals.too_many_tokens(MOST)
            case Added.DONE:
                trail.token_made(token)
                return Issued(token, secret)

    async def of_user(self, user_id: str) -> Sequence[ApiToken]:
        """The user's tokens, the newest first."""
        return await self._store.of_user(user_id)

    async def revoke(self, user_id: str, token_id: str) -> None:
        """The token works no more. Raises Refused (404), the same for a foreign one and for none."""
        if not await self._store.remove(user_id, token_id):
            raise refusals.token_not_found()
        trail.token_revoked(user_id, token_id)
