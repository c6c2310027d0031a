"""Moves money once per Idempotency-Key, although the exchange knows no id of ours for a transfer.

That a transfer leaves is written down before it does. If its answer is lost nobody can find out what became of it, so
the same key is never sent again: whoever repeats it is told to look at the balances.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec
import orjson

from common.errors import Refused
from gateway.ports import Answer
from gateway.problems import TYPE_PREFIX, GatewayProblem, Outcome
from gateway.trading.service import Ticket, key_reused

_CONFLICT: Final = 409


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer that was begun under a key; without an answer its outcome is unknown."""

    request_hash: str
    answer: Answer | None = None


class TransferStore(Protocol):
    """Transfers by user and key. Every method raises Unavailable."""

    async def find(self, user_id: str, key: str) -> Moved | None: ...

    async def begin(self, user_id: str, key: str, request_hash: str, now_ms: int) -> bool:
        """Write down that it leaves; False when one with this key was begun before."""

    async def finish(self, user_id: str, key: str, answer: Answer) -> None:
        """Keep the answer."""

    async def forget(self, user_id: str, key: str) -> None:
        """It provably did not happen."""


class Transfers:
    """Carries transfers out."""

    def __init__(self, store: TransferStore) -> None:
        self._store = store

    async def once(
        self,
        ticket: Ticket,
        now_ms: int,
        check: Callable[[], Awaitable[None]],
        move: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The answer to a transfer: checked and sent if its key is new or there is none, repeated if it is not.

        Raises Refused, and Unavailable when its outcome is unknown.
        """
        key = ticket.idempotency_key
        if key is None:
            await check()
            return await move()
        known = await self._store.find(ticket.user_id, key)
        if known is None:
            await check()
            if await self._store.begin(ticket.user_id, key, ticket.request_hash, now_ms):
                return await self._move(ticket.user_id, key, move)
            known = await self._store.find(ticket.user_id, key)
        if known is not None and known.request_hash != ticket.request_hash:
            raise key_reused()
        return known.answer if known is not None and known.answer is not None else _unknown()

    async def _move(self, user_id: str, key: str, move: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await move()
        except Refused:
            await self._store.forget(user_id, key)
            raise
        await self._store.finish(user_id, key, answer)
        return answer


def _unknown() -> Answer:
    problem = GatewayProblem(
        type=TYPE_PREFIX + "transfer-unknown",
        title="Outcome of the transfer is not known",
        status=_CONFLICT,
        detail="A transfer with this Idempotency-Key is under way, or its answer was lost. It is not sent again.",
        code="TRANSFER_UNKNOWN",
        field="Idempotency-Key",
        rule="A transfer whose answer was lost is never repeated.",
        fix="Look at the balances; if it did not happen, send it with a new key.",
        outcome=Outcome.UNKNOWN,
    )
    return Answer(status=_CONFLICT, body=orjson.dumps(problem.model_dump(mode="json", exclude_none=True)))
