"""What is read of an account that may have missed something, from where, and before whom."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from common.accounts import BalanceChanged
from common.clock import FixedClock
from common.connector.ports import Call, HttpRequest, OrderAbsent, OrderRef
from common.connector.rates import Priority
from common.connector.recovery import Recovery
from common.connector.trail import Trail, Trails
from common.exchanges import Exchange

FROM_MS = 1_795_341_600_000


class Quiet:
    """An exchange on which nothing has happened; as its client, it notes how urgent the questions are."""

    exchange = Exchange.GATEIO

    def __init__(self) -> None:
        self.asked: set[Priority] = set()

    def fetch_open_orders(self, account_id: str, symbol: str | None) -> Call[Any]:
        return _answered(())

    def fetch_my_trades(self, account_id: str, symbol: str, **_: Any) -> Call[Any]:
        return _answered(())

    def fetch_balances(self, account_id: str) -> Call[Any]:
        return _answered(
            BalanceChanged(account_id="a", exchange=self.exchange, balances=(), ts_event_ms=1, ts_init_ms=1)
        )

    async def ask(self, call: Call[Any], account_id: str, *, priority: Priority) -> Any:
        self.asked.add(priority)
        return call.read(SimpleNamespace(), FROM_MS)  # type: ignore[arg-type]


def _answered(answer: Any) -> Call[Any]:
    return Call(HttpRequest(method="GET", path="/", signed=True, read=True), lambda reply, now_ms: answer)


class Asking:
    """Lookups that find nothing."""

    def __init__(self, priority: Priority) -> None:
        self.priority = priority
        self.asked: list[OrderRef] = []

    async def find(self, ref: OrderRef) -> OrderAbsent:
        self.asked.append(ref)
        return OrderAbsent("gone")


@pytest.mark.parametrize("waits", [True, False], ids=["with an open order", "with nothing open"])
async def test_an_account_that_had_something_open_is_read_before_the_others(waits: bool) -> None:
    quiet: Any = Quiet()
    patient: Any = Asking(Priority.RECOVERY)
    urgent: Any = Asking(Priority.QUERY)
    trail = Trail(account_id="a", symbols={"BTCUSDT"}, watermark_ms=FROM_MS)
    if waits:
        trail.open_orders["mine"] = OrderRef(account_id="a", symbol="BTCUSDT", client_order_id="mine")

    async def load(account_id: str) -> Trail:
        return trail

    facts: Any = SimpleNamespace(balances=lambda balances: None)
    recovery = Recovery(quiet, quiet, patient, urgent, facts, Trails(), facts, FixedClock(FROM_MS), load=load)
    recovery.start("a")
    async with asyncio.timeout(5):
        while "a" not in recovery.live:
            await asyncio.sleep(0)
    assert quiet.asked == {Priority.QUERY if waits else Priority.RECOVERY}
    assert (len(urgent.asked), len(patient.asked)) == (waits, 0)


async def test_an_account_that_comes_back_is_read_from_the_store_again() -> None:
    loaded = [
        Trail(account_id="a", symbols={"BTCUSDT"}, watermark_ms=FROM_MS),
        Trail(account_id="a", symbols={"BTCUSDT", "ETHUSDT"}, watermark_ms=FROM_MS + 5),
    ]

    async def load(account_id: str) -> Trail:
        return loaded.pop(0)

    unused: Any = SimpleNamespace(exchange="gateio")
    recovery = Recovery(unused, unused, unused, unused, unused, Trails(), unused, unused, load=load)
    assert (await recovery.trail("a")).symbols == {"BTCUSDT"}
    assert (await recovery.trail("a")).symbols == {"BTCUSDT"}
    recovery.regained("a")
    await recovery.stop()
    assert (await recovery.trail("a")).symbols == {"BTCUSDT", "ETHUSDT"}
