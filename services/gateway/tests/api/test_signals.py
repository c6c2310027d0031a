"""One signal for every active account, as an admin sends it and reads what became of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.accounts import AccountState
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.intents import PlaceOrder
from common.orders import OrderRejected, OrderStatus
from gateway.auth.identity import Role
from gateway.ports import Account
from gateway.risk.rules import Limits, SetBy
from gateway.signals.model import SHARDS
from gateway.signals.progress import Progress
from gateway.signals.runner import SignalRunner
from gateway.signals.settling import Found
from gateway.signals.shared import KEPT_S
from gateway.testing.builders import order_fact

SIGNAL = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}
FILLED = Found(
    outcome="accepted",
    order_id="7",
    status="FILLED",
    executed_qty=Decimal("0.001"),
    bracket_state="PROTECTED",
    bracket_at=datetime(2026, 11, 22, tzinfo=UTC),
)


class AllShards:
    def held(self) -> frozenset[int]:
        return frozenset(range(SHARDS))


@asynccontextmanager
async def working(house: Any, tells: Any = None) -> AsyncIterator[SignalRunner]:
    """A gateway's worker, which ends as abruptly as a killed one."""
    signals = house.parts.signals
    progress = Progress(signals.store, tells or house.parts.stream.tell, house.clock)
    runner = SignalRunner(
        signals.store, signals.sender, AllShards(), list(house.connectors), house.waiting, progress, house.clock
    )
    signals.wake = runner.wake
    tasks = [asyncio.create_task(runner.run()), asyncio.create_task(progress.run())]
    yield runner
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def admin(house: Any, stranger: Any) -> Any:
    await stranger.sign_in("admin@example.com")
    await house.users.set_role("admin@example.com", Role.ADMIN)
    return stranger


async def traders(house: Any, count: int, exchange: Exchange = Exchange.BINANCE) -> list[str]:
    """Accounts of as many users."""
    added = [
        Account(
            account_id=f"account-{exchange}-{len(house.vault.accounts) + n}",
            user_id=f"user-{exchange}-{n}",
            exchange=exchange,
            label="",
            state=AccountState.ACTIVE,
            is_default=True,
            key_version=1,
            ts_init_ms=1,
        )
        for n in range(count)
    ]
    house.vault.accounts |= {each.account_id: each for each in added}
    return [each.account_id for each in added]


def pause(house: Any, account_id: str) -> None:
    account = house.vault.accounts[account_id]
    house.vault.accounts[account_id] = msgspec.structs.replace(account, state=AccountState.PAUSED)


async def send(admin: Any, key: str = "k", **changes: Any) -> Any:
    return await admin.ask("POST", "/exchanges/signals", SIGNAL | changes, Idempotency_Key=key)


async def until(admin: Any, signal_id: str, holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(10):
        while True:
            data = (await admin.ask("GET", f"/exchanges/signals/{signal_id}")).body["data"]
            if holds(data):
                return data
            await asyncio.sleep(0.02)


def decided(data: Any) -> bool:
    return bool(data["status"] == "DONE")


def fills(house: Any) -> None:
    """Let the engine fill and protect whatever it reads."""
    house.bus.engine = lambda intent: house.signals.found.update({intent.intent_id: FILLED})


async def test_every_active_account_gets_one_order_of_its_own(house: Any, admin: Any) -> None:
    accounts = await traders(house, 5)
    pause(house, accounts[0])
    fills(house)
    async with working(house):
        reply = await send(admin)
        assert reply.status == 202, reply
        data = await until(admin, reply.body["data"]["signalId"], decided)
    assert (data["accounts"], data["counts"]["PROTECTED"]) == (4, 4)
    assert (data["order"]["exchanges"], data["order"]["sizePct"]) == (["BINANCE"], "0.1")
    assert sorted(each["credentialId"] for each in data["receipts"]) == sorted(accounts[1:])
    assert all(each["protectedAt"] and each["orderId"] == "7" for each in data["receipts"])
    assert sorted(intent.account_id for intent in house.bus.intents) == sorted(accounts[1:])
    assert {intent.signal_id for intent in house.bus.intents} == {data["signalId"]}


async def test_the_same_key_is_the_same_signal_and_other_words_are_refused(house: Any, admin: Any) -> None:
    await traders(house, 2)
    fills(house)
    async with working(house):
        first = (await send(admin)).body["data"]["signalId"]
        await until(admin, first, decided)
        await traders(house, 1)
        again = await send(admin)
        assert (again.status, again.body["data"]["signalId"], again.body["data"]["accounts"]) == (200, first, 2)
        other = await send(admin, sizePct=0.2)
    assert (other.status, other.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(house.bus.intents) == 2


async def test_a_signal_without_its_identity_is_refused(house: Any, admin: Any) -> None:
    await traders(house, 1)
    reply = await admin.ask("POST", "/exchanges/signals", SIGNAL)
    assert (reply.status, reply.body["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exchange": None}, "EXCHANGE_REQUIRED"),
        ({"exchanges": ["BINANCE"]}, "INVALID_FIELD"),
        ({"symbol": "NOPE"}, "UNKNOWN_SYMBOL"),
        ({"sizePct": 2}, "SIZE_OUT_OF_RANGE"),
        ({"sizePct": None}, "SIZE_AMBIGUOUS"),
        ({"sl": 200_000}, "LEVEL_WRONG_SIDE"),
        ({"tpLevels": ["5%"], "side": "SELL"}, "INVALID_FIELD"),
        ({"timeInForce": "GTC"}, "INVALID_FIELD"),
        ({"credentialId": "x"}, "UNKNOWN_FIELD"),
        ({"exchange": "MEXC"}, "EXCHANGE_NOT_SERVED"),
        ({"validForSeconds": 0}, "INVALID_FIELD"),
    ],
)
async def test_what_nobody_could_have_is_refused_at_once(house: Any, admin: Any, changes: Any, code: str) -> None:
    await traders(house, 1)
    body = {name: value for name, value in (SIGNAL | changes).items() if value is not None}
    reply = await admin.ask("POST", "/exchanges/signals", body, Idempotency_Key="k")
    assert (reply.status, reply.body["code"]) == (400, code), reply.text
    assert (await admin.ask("GET", "/exchanges/signals")).body["data"]["signals"] == []


async def test_a_signal_for_nobody_is_refused(admin: Any) -> None:
    reply = await send(admin)
    assert (reply.status, reply.body["code"]) == (409, "NO_RECIPIENTS")


async def test_a_signal_can_be_tried_dry(house: Any, admin: Any) -> None:
    await traders(house, 3)
    reply = await send(admin, dryRun=True)
    assert reply.body["data"] == {"dryRun": True, "accounts": 3, "byExchange": {"BINANCE": 3}}
    assert (await admin.ask("GET", "/exchanges/signals")).body["data"]["signals"] == []


async def test_who_cannot_have_the_order_is_skipped_and_told_why(house: Any, admin: Any) -> None:
    limited, poor = await traders(house, 2)
    await house.risk.set_limits(house.vault.accounts[limited].user_id, SetBy.USER, Limits(max_order_value=Decimal(1)))
    balances = house.connector.balances

    async def asked(account_id: str) -> Any:
        return [] if account_id == poor else await balances(account_id)

    house.connector.balances = asked
    async with working(house):
        reply = await send(admin)
        data = await until(admin, reply.body["data"]["signalId"], decided)
    codes = {each["credentialId"]: (each["state"], each["code"], bool(each["fix"])) for each in data["receipts"]}
    assert codes == {
        limited: ("SKIPPED", "MAX_ORDER_VALUE", True),
        poor: ("SKIPPED", "ORDER_VALUE_TOO_LOW", True),
    }
    assert house.bus.intents == []


async def test_an_account_that_is_paused_meanwhile_is_skipped(house: Any, admin: Any) -> None:
    (account,) = await traders(house, 1)
    reply = await send(admin)
    pause(house, account)
    await asyncio.sleep(KEPT_S)
    async with working(house):
        data = await until(admin, reply.body["data"]["signalId"], decided)
    assert data["receipts"][0]["code"] == "CREDENTIALS_PAUSED"


async def test_what_is_too_late_is_skipped_and_never_bought(house: Any, admin: Any) -> None:
    await traders(house, 2)
    reply = await send(admin, validForSeconds=5)
    house.connector.away = True
    async with working(house):
        await asyncio.sleep(0.05)
        house.clock.advance(5_001)
        data = await until(admin, reply.body["data"]["signalId"], decided)
    assert {each["code"] for each in data["receipts"]} == {"SIGNAL_EXPIRED"}
    assert house.bus.intents == []


async def test_an_exchange_that_is_away_keeps_only_its_own_accounts_waiting(house: Any, admin: Any) -> None:
    house.serve(Exchange.MEXC)
    away, there = (await traders(house, 1, Exchange.BINANCE))[0], (await traders(house, 1, Exchange.MEXC))[0]
    fills(house)
    body = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchanges": ["BINANCE", "mexc", "MEXC"]}
    reply = await admin.ask("POST", "/exchanges/signals", body, Idempotency_Key="k")
    house.connector.away = True
    async with working(house):
        signal_id = reply.body["data"]["signalId"]
        data = await until(admin, signal_id, lambda data: data["counts"]["PROTECTED"] == 1)
        states = {each["credentialId"]: each["state"] for each in data["receipts"]}
        assert states == {away: "PENDING", there: "PROTECTED"}
        house.connector.away = False
        await until(admin, signal_id, decided)


async def test_a_refusal_of_the_exchange_is_in_the_receipt(house: Any, admin: Any) -> None:
    await traders(house, 1)

    def refuse(intent: PlaceOrder) -> None:
        why = {"category": ErrorCategory.INSUFFICIENT_BALANCE, "code": "-2010", "reason": "no money"}
        house.signals.found[intent.intent_id] = Found(outcome="accepted", status="REJECTED")
        house.waiting.tell(order_fact(OrderRejected, intent, status=OrderStatus.REJECTED, **why))

    house.bus.engine = refuse
    async with working(house):
        data = await until(admin, (await send(admin)).body["data"]["signalId"], decided)
    (receipt,) = data["receipts"]
    assert (receipt["state"], receipt["code"], receipt["reason"]) == ("FAILED", "-2010", "no money")


async def test_whoever_carries_on_doubles_nobody_and_forgets_nobody(house: Any, admin: Any) -> None:
    accounts = await traders(house, 30)
    fills(house)
    signal_id = (await send(admin)).body["data"]["signalId"]
    for _ in range(5):  # Each worker is cut off in the middle of something.
        async with working(house):
            await asyncio.sleep(0.003)
    async with working(house), working(house):
        data = await until(admin, signal_id, decided)
    assert data["counts"]["PROTECTED"] == 30
    assert sorted({intent.account_id for intent in house.bus.intents}) == sorted(accounts)
    assert len(house.intents.rows) == 30


async def test_a_lost_broker_leaves_the_orders_to_the_relay(house: Any, admin: Any) -> None:
    await traders(house, 1)
    house.bus.away = True
    async with working(house):
        signal_id = (await send(admin)).body["data"]["signalId"]
        await until(admin, signal_id, lambda data: data["counts"]["SENT"] == 1)
    assert len(house.intents.rows) == 1


async def test_receipts_come_in_pages_and_by_state(house: Any, admin: Any) -> None:
    await traders(house, 5)
    signal_id = (await send(admin)).body["data"]["signalId"]
    seen: list[str] = []
    page, cursor = {}, ""
    for expected in (2, 2, 1):
        page = (await admin.ask("GET", f"/exchanges/signals/{signal_id}?limit=2{cursor}")).body["data"]
        assert len(page["receipts"]) == expected
        seen += [each["credentialId"] for each in page["receipts"]]
        cursor = f"&cursor={page['nextCursor']}"
    assert (len(set(seen)), page["nextCursor"]) == (5, None)
    none = await admin.ask("GET", f"/exchanges/signals/{signal_id}?state=FAILED")
    assert none.body["data"]["receipts"] == []
    bad = await admin.ask("GET", f"/exchanges/signals/{signal_id}?cursor=x")
    assert (bad.status, bad.body["field"]) == (400, "cursor")


async def test_signals_are_listed_newest_first(house: Any, admin: Any) -> None:
    await traders(house, 1)
    first = (await send(admin, "one")).body["data"]["signalId"]
    house.clock.advance(1)
    second = (await send(admin, "two")).body["data"]["signalId"]
    page = (await admin.ask("GET", "/exchanges/signals?limit=1")).body["data"]
    rest = (await admin.ask("GET", f"/exchanges/signals?cursor={page['nextCursor']}")).body["data"]
    assert [each["signalId"] for each in page["signals"] + rest["signals"]] == [second, first]
    bad = await admin.ask("GET", "/exchanges/signals?cursor=elsewhere")
    assert (bad.status, bad.body["field"]) == (400, "cursor")


async def test_only_admins_send_and_see_signals(house: Any, trader: Any) -> None:
    assert (await send(trader)).body["code"] == "ADMIN_ONLY"
    assert (await trader.ask("GET", "/exchanges/signals")).status == 403
    assert (await trader.ask("GET", "/exchanges/signals/s")).status == 403


async def test_a_signal_nobody_sent_is_not_found(admin: Any) -> None:
    assert (await admin.ask("GET", "/exchanges/signals/s")).status == 404


async def test_the_admin_is_told_how_it_gets_on(house: Any, admin: Any) -> None:
    await traders(house, 3)
    fills(house)
    told: list[Any] = []

    async def tells(user_id: str, event: Any, source: str) -> None:
        told.append((user_id, event.name, event.payload["counts"]["PROTECTED"], source))

    async with working(house, tells), asyncio.timeout(10):
        signal = (await send(admin)).body["data"]
        while not told or told[-1][2] < 3:
            await asyncio.sleep(0.02)
    assert {each[:2] for each in told} == {(signal["createdBy"], "signal_update")}
    assert len({each[3] for each in told}) == len(told)
