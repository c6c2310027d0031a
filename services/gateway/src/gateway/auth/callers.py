"""A Bearer token to who is calling: the access token of a log-in, or the API token of a program.

What was found is believed for a moment (`check_ms`), so that a busy caller costs the database one look per moment; a
session or token that is revoked, or a role taken away, is gone everywhere once that moment is over.
"""

from typing import Final

from common.clock import Clock
from gateway.auth import refusals
from gateway.auth.identity import Caller, Scope
from gateway.auth.records import ApiTokenStore, Known, SessionStore
from gateway.auth.tokens import API_TOKEN_PREFIX, BadToken, TokenRules, claims_of, token_hash

MOST_REMEMBERED: Final = 20_000


class Callers:
    """Recognises callers."""

    def __init__(
        self, sessions: SessionStore, tokens: ApiTokenStore, rules: TokenRules, clock: Clock, check_ms: int
    ) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._rules = rules
        self._clock = clock
        self._check_ms = check_ms
        self._remembered: dict[str, Known] = {}

    async def of(self, token: str) -> Caller:
        """Who calls with this token. Raises Refused (401) or Unavailable."""
        now_ms = self._clock.now_ms()
        if token.startswith(API_TOKEN_PREFIX):
            key = token_hash(token)
            caller = self._recent(key, now_ms) or self._found(key, await self._tokens.caller(key, now_ms), now_ms)
            if caller is None:
                raise refusals.unauthenticated("The API token is unknown, has expired or was revoked.")
            return caller
        try:
            key = claims_of(token, self._rules, now_ms).session_id
        except BadToken:
            raise refusals.unauthenticated("The access token has expired or is not ours.") from None
        caller = self._recent(key, now_ms) or self._found(key, await self._sessions.caller(key, now_ms), now_ms)
        if caller is None:
            raise refusals.unauthenticated("The session has ended.")
        return caller

    def forget(self) -> None:
        """Believe nothing any more: what has just been revoked here ends here at once."""
        self._remembered.clear()

    def _recent(self, key: str, now_ms: int) -> Caller | None:
        known = self._remembered.get(key)
        return known.caller if known is not None and known.expires_ms > now_ms else None

    def _found(self, key: str, known: Known | None, now_ms: int) -> Caller | None:
        self._remembered.pop(key, None)
        if known is None:
            return None
        if len(self._remembered) >= MOST_REMEMBERED:
            self._remembered.clear()
        until_ms = min(known.expires_ms, now_ms + self._check_ms)
        self._remembered[key] = Known(caller=known.caller, expires_ms=until_ms)
        return known.caller


def permitted(caller: Caller, scope: Scope) -> Caller:
    """The caller, if its token has the scope. Raises Refused (403)."""
    if scope in caller.scopes:
        return caller
    raise refusals.scope_missing(scope, caller.scopes)
