"""The sync service over its internal API, and its published view."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import asyncpg
import msgspec

from common.checks import Report
from common.codec import decode, encode
from common.db.errors import typed_errors
from common.errors import Unavailable
from common.service.client import InternalService
from gateway.ports import Account, After
from gateway.syncing.ports import ForeignOrder

_FOREIGN: Final = """
SELECT * FROM sync.foreign_orders_v1 WHERE account_id = ANY($1)
  AND ($3::text IS NULL OR (exchange, symbol, order_id, account_id) > ($3, $4::text, $5::text, $6::text))
ORDER BY exchange, symbol, order_id, account_id LIMIT $2
"""


class _Begun(msgspec.Struct, frozen=True):
    run_id: str


class HttpSync:
    """Asks for runs, reads their reports. Every method raises Unavailable."""

    def __init__(self, asking: InternalService, pool: asyncpg.Pool) -> None:
        self._asking = asking
        self._pool = pool

    async def begin(self, user_id: str, accounts: Sequence[Account] | None) -> str:
        """Have these accounts checked, or with None all that the ledger knows."""
        named = None
        if accounts is not None:
            named = [
                {"account_id": each.account_id, "user_id": each.user_id, "exchange": each.exchange} for each in accounts
            ]
        body = encode({"requested_by": user_id, "accounts": named})
        reply = await self._asking.ask("POST", "/runs", body=body)
        if reply.status != 202:
            raise Unavailable(self._asking.name)
        return decode(reply.body, _Begun).run_id

    async def report(self, run_id: str) -> Report | None:
        """What a run has come to; None for one that does not exist any more."""
        reply = await self._asking.ask("GET", f"/runs/{quote(run_id, safe='')}")
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise Unavailable(self._asking.name)
        return decode(reply.body, Report)

    async def foreign_orders(
        self, account_ids: Sequence[str], limit: int | None, after: After | None
    ) -> Sequence[ForeignOrder]:
        """Open orders of these accounts that are not ours, by `place`; only those after this one, unless None."""
        page = (limit, *(after or (None, None, None, None)))
        try:
            with typed_errors():
                rows = await self._pool.fetch(_FOREIGN, list(account_ids), *page)
        except asyncpg.UndefinedTableError as error:  # Sync has not migrated yet.
            raise Unavailable(self._asking.name) from error
        return [msgspec.convert(dict(row), ForeignOrder) for row in rows]
