"""The ledger's reading of what it stored; the pool is a double."""

from typing import Any

from common.codec import encode
from order_engine.store import Ledger
from order_engine.testing.builders import opened


class Pool:
    """Rows as the database would give them."""

    def __init__(self, docs: dict[str, str]) -> None:
        self._docs = docs

    async def fetch(self, sql: str, *values: Any) -> list[dict[str, str]]:
        return [{"bracket_id": bracket_id, "doc": doc} for bracket_id, doc in self._docs.items()]


async def test_a_bracket_that_cannot_be_read_does_not_keep_its_shard_from_being_loaded() -> None:
    sound = opened()
    ledger = Ledger(Pool({"broken": '{"bracket_id": 7}', sound.bracket_id: encode(sound).decode()}))
    assert await ledger.open_brackets(0) == [sound]
