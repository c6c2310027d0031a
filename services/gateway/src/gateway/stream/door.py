"""Who may listen, over how many connections, and for how long: the same for both kinds of socket."""

import asyncio
from collections import defaultdict

import structlog

from common.errors import Refused, Unavailable
from gateway.auth.callers import Callers, permitted
from gateway.auth.identity import Scope
from gateway.stream.hub import Hub
from gateway.stream.metrics import CONNECTIONS
from gateway.stream.session import Ending, Limits, Session, Sink

_log = structlog.get_logger(__name__)


class Door:
    """Lets connections in, looks at their tokens again, and shows out whose token is no longer good."""

    def __init__(self, callers: Callers, hub: Hub, limits: Limits) -> None:
        self._callers = callers
        self._hub = hub
        self._limits = limits
        self._sessions: defaultdict[str, set[Session]] = defaultdict(set)

    @property
    def open(self) -> int:
        """How many connections there are on this instance."""
        return sum(map(len, self._sessions.values()))

    async def enter(self, token: str, sink: Sink) -> Session:
        """A session for whoever this token speaks for. Raises Refused (401, 403, 429) or Unavailable."""
        user_id = await self._user(token)
        if len(self._sessions[user_id]) >= self._limits.connections_per_user:
            raise _too_many(self._limits.connections_per_user)
        session = Session(user_id, token, self._hub, sink, self._limits)
        session.on_closed = lambda: self._left(session)
        self._sessions[user_id].add(session)
        CONNECTIONS.inc()
        return session

    async def renew(self, session: Session, token: str) -> None:
        """Go on with a fresh token of the same user. Raises Refused (401, 403) or Unavailable."""
        if await self._user(token) != session.user_id:
            raise Refused(
                code="OTHER_USER",
                title="Not allowed",
                field="token",
                rule="A connection belongs to one user.",
                fix="Open another connection for this token.",
                status=403,
            )
        session.token = token

    async def watch(self) -> None:
        """Look at every token again, for ever."""
        while True:
            await asyncio.sleep(self._limits.recheck_s)
            await self.recheck()

    async def recheck(self) -> None:
        """End the connections whose token has expired or was revoked. A store that is away ends nobody's."""
        by_token: defaultdict[str, list[Session]] = defaultdict(list)
        for sessions in self._sessions.values():
            for session in sessions:
                by_token[session.token].append(session)
        for token, sessions_of_it in by_token.items():
            try:
                await self._user(token)
            except Refused:
                for session in sessions_of_it:
                    if session.token == token:
                        session.end(Ending.UNAUTHENTICATED)
            except Unavailable as error:
                _log.info("tokens_not_looked_at", error=str(error))
                return

    async def _user(self, token: str) -> str:
        return permitted(await self._callers.of(token), Scope.READ).user_id

    def _left(self, session: Session) -> None:
        sessions = self._sessions.get(session.user_id, set())
        if session not in sessions:
            return
        CONNECTIONS.dec()
        sessions.discard(session)
        if not sessions:
            del self._sessions[session.user_id]


def _too_many(most: int) -> Refused:
    ending = Ending.TOO_MANY_CONNECTIONS
    return Refused(
        code=ending.name,
        title="Too many connections",
        field=None,
        rule=f"A user has at most {most} connections on one gateway instance.",
        fix=ending.fix,
        status=429,
    )
