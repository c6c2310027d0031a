"""Users' trading defaults kept in memory."""

from common.exchanges import Exchange
from gateway.trading.defaults import NOTHING
from gateway.trading.plans import Wanted


class MemoryDefaults:
    """The store of defaults."""

    def __init__(self) -> None:
        self._wanted: dict[tuple[str, Exchange], Wanted] = {}

    async def of(self, user_id: str, exchange: Exchange) -> Wanted | None:
        return self._wanted.get((user_id, exchange))

    async def put(self, user_id: str, exchange: Exchange, wanted: Wanted, now_ms: int) -> None:
        self._wanted.pop((user_id, exchange), None)
        if wanted != NOTHING:
            self._wanted[user_id, exchange] = wanted
