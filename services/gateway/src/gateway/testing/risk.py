"""Limits and switches kept in memory; what is used of the limits is what a test says."""

from collections.abc import Sequence

import msgspec

from common.instruments import ZERO
from gateway.ports import StoredIntent
from gateway.risk.ports import OpenEntry
from gateway.risk.rules import Limits, Scope, SetBy, Stake, Switch, Usage, check_limits, check_switches, tightest
from gateway.testing.fakes import MemoryIntents


class MemoryRisk:
    """The store of limits and switches."""

    def __init__(self, intents: MemoryIntents) -> None:
        self.used = Usage(open_exposure=ZERO, day_pnl=ZERO)
        self.entries: list[OpenEntry] = []
        self._intents = intents
        self._limits: dict[tuple[str, SetBy], Limits] = {}
        self._switches: dict[tuple[Scope, str, SetBy], Switch] = {}
        intents.guard = self.admit

    async def limits(self, user_id: str) -> dict[SetBy, Limits]:
        return {set_by: limits for (user, set_by), limits in self._limits.items() if user == user_id}

    async def set_limits(self, user_id: str, set_by: SetBy, limits: Limits) -> None:
        self._limits.pop((user_id, set_by), None)
        if limits.any:
            self._limits[user_id, set_by] = limits

    async def usage(self, user_id: str, now_ms: int) -> Usage:
        return self.used

    async def check(self, stake: Stake, now_ms: int) -> None:
        engaged = [each for each in await self.switches(stake.user_id) if _holds(each, stake)]
        check_switches(engaged)
        check_limits(stake, tightest(list((await self.limits(stake.user_id)).values())), self.used)

    async def admit(self, stake: Stake, now_ms: int) -> None:
        """As the transaction that stores an intent does: what is admitted counts for the next one."""
        await self.check(stake, now_ms)
        self.used = msgspec.structs.replace(self.used, open_exposure=self.used.open_exposure + (stake.usd or ZERO))

    async def switches(self, user_id: str | None) -> Sequence[Switch]:
        found = self._switches.values()
        return [each for each in found if each.scope is not Scope.USER or user_id in {each.target, None}]

    async def engage(self, switch: Switch) -> Switch:
        return self._switches.setdefault((switch.scope, switch.target, switch.set_by), switch)

    async def release(self, scope: Scope, target: str, set_by: SetBy) -> bool:
        return self._switches.pop((scope, target, set_by), None) is not None

    async def open_entries(self, user_id: str, now_ms: int) -> Sequence[OpenEntry]:
        return self.entries

    async def add_all(self, stored: Sequence[StoredIntent]) -> None:
        for each in stored:
            await self._intents.add(each)


def _holds(switch: Switch, stake: Stake) -> bool:
    return switch.scope is not Scope.EXCHANGE or switch.target == stake.exchange.value
