"""Transfers kept in memory."""

from gateway.ports import Answer
from gateway.trading.moving import Moved


class MemoryTransfers:
    """The store of transfers."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], Moved] = {}

    async def find(self, user_id: str, key: str) -> Moved | None:
        return self._rows.get((user_id, key))

    async def begin(self, user_id: str, key: str, request_hash: str, now_ms: int) -> bool:
        if (user_id, key) in self._rows:
            return False
        self._rows[user_id, key] = Moved(request_hash=request_hash)
        return True

    async def finish(self, user_id: str, key: str, answer: Answer) -> None:
        self._rows[user_id, key] = Moved(request_hash=self._rows[user_id, key].request_hash, answer=answer)

    async def forget(self, user_id: str, key: str) -> None:
        del self._rows[user_id, key]
