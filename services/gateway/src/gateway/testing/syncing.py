"""The sync service and its indicators in memory, for tests of the surface."""

from collections.abc import Sequence
from datetime import date

import msgspec

from common.checks import Report
from common.ids import new_id
from gateway.ports import Account, After
from gateway.syncing.indicators import Indicators
from gateway.syncing.ports import ForeignOrder


class MemorySync:
    """Runs that end as the test says."""

    def __init__(self) -> None:
        self.runs: dict[str, Report] = {}
        self.asked: list[tuple[str, ...] | None] = []
        self.ends: dict[str, object] = {"state": "DONE", "finished_ms": 2}
        self.foreign: list[ForeignOrder] = []

    async def begin(self, user_id: str, accounts: Sequence[Account] | None) -> str:
        """A run that is at its end already, unless the test says otherwise."""
        self.asked.append(None if accounts is None else tuple(each.account_id for each in accounts))
        run = Report(
            run_id=new_id(),
            requested_by=user_id,
            everyone=accounts is None,
            state="RUNNING",
            created_ms=1,
            accounts=0 if accounts is None else len(accounts),
            checked=0,
            corrected=0,
            by_kind={},
            unsettled=0,
            foreign_orders=0,
        )
        self.runs[run.run_id] = msgspec.structs.replace(run, **self.ends)
        return run.run_id

    async def report(self, run_id: str) -> Report | None:
        """The run as it stands."""
        return self.runs.get(run_id)

    async def foreign_orders(
        self, account_ids: Sequence[str], limit: int | None, after: After | None
    ) -> Sequence[ForeignOrder]:
        """Those of these accounts, after this place."""
        found = sorted((each for each in self.foreign if each.account_id in account_ids), key=lambda each: each.place)
        return [each for each in found if after is None or each.place > after][:limit]


class MemoryIndicators:
    """Indicators as a test sets them; `asked` are the arguments of each reading."""

    def __init__(self) -> None:
        self.found = Indicators(key_configured=False, scheduled=(), series=())
        self.asked: list[tuple[Sequence[str] | None, date | None, date | None, int]] = []

    async def read(self, series: Sequence[str] | None, since: date | None, until: date | None, most: int) -> Indicators:
        """What the test has set."""
        self.asked.append((series, since, until, most))
        return self.found
