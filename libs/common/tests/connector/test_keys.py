"""Keys are leased, renewed, dropped and parked, and nobody else suffers for one of them."""

import asyncio
from typing import Any

import pytest

from common.accounts import AccountChanged, AccountState, Credentials
from common.clock import FixedClock
from common.connector.client import KeyRefused
from common.connector.keys import KeyRing
from common.errors import Unavailable
from common.exchanges import Exchange
from common.testing.connector import a_key


class Lender:
    def __init__(self, clock: FixedClock) -> None:
        self.clock, self.asked, self.refuse, self.down = clock, 0, False, False

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("the vault")
        if self.refuse:
            raise KeyRefused(account_id, "revoked")
        return a_key(account_id, key_version=self.asked, expires_at_ms=self.clock.now_ms() + 60_000)


def changed(state: AccountState = AccountState.ACTIVE, key_version: int = 1) -> AccountChanged:
    return AccountChanged(
        account_id="a",
        user_id="u",
        exchange=Exchange.BINANCE,
        label="",
        state=state,
        is_default=True,
        key_version=key_version,
        ts_init_ms=0,
    )


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def lender(clock: FixedClock) -> Lender:
    return Lender(clock)


@pytest.fixture
def ring(lender: Lender, clock: FixedClock) -> KeyRing:
    return KeyRing(lender, Exchange.BINANCE, clock, purpose="test", parked_for_ms=1_000)


async def test_all_who_ask_at_once_wait_for_one_lease(ring: KeyRing, lender: Lender) -> None:
    keys = await asyncio.gather(*(ring.credentials("a") for _ in range(5)))
    assert lender.asked == 1
    assert {key.api_key for key in keys} == {"key-of-a"}
    assert ring.held("a") is keys[0]


async def test_a_lease_that_ended_is_not_used(ring: KeyRing, clock: FixedClock) -> None:
    await ring.credentials("a")
    clock.advance(60_000)
    assert ring.held("a") is None


async def test_a_kept_lease_is_renewed_before_it_ends(
    ring: KeyRing, lender: Lender, clock: Any, eventually: Any
) -> None:
    ring.keep("a")
    await ring.credentials("a")
    clock.advance(50_000)
    running = asyncio.create_task(ring.run())
    await eventually(lambda: lender.asked == 2)
    running.cancel()
    clock.advance(50_000)
    assert ring.held("a") is not None


async def test_a_refused_key_parks_its_account_until_its_time(ring: KeyRing, clock: FixedClock) -> None:
    told: list[Any] = []
    ring.on_change = told.append
    await ring.credentials("a")
    ring.refused("a", "-2015")
    assert ring.held("a") is None
    with pytest.raises(KeyRefused):
        await ring.credentials("a")
    await ring.credentials("b")
    clock.advance(1_000)
    await ring.credentials("a")
    assert told == ["a"]


async def test_a_new_key_ends_the_parking_at_once(ring: KeyRing) -> None:
    held = await ring.credentials("a")
    ring.refused("a", "-2015")
    ring.changed(changed(key_version=held.key_version))
    assert ring.parked("a") is not None
    ring.changed(changed(key_version=held.key_version + 1))
    assert ring.parked("a") is None


async def test_a_revoked_account_loses_its_key_at_once(ring: KeyRing) -> None:
    await ring.credentials("a")
    ring.changed(changed(AccountState.REVOKED))
    assert ring.held("a") is None


async def test_a_vault_that_is_down_parks_nobody(ring: KeyRing, lender: Lender) -> None:
    lender.down = True
    with pytest.raises(Unavailable):
        await ring.credentials("a")
    assert ring.parked("a") is None
    lender.down = False
    await ring.credentials("a")


async def test_a_vault_that_lends_nothing_parks_the_account(ring: KeyRing, lender: Lender) -> None:
    lender.refuse = True
    with pytest.raises(KeyRefused):
        await ring.credentials("a")
    await asyncio.sleep(0)
    assert ring.parked("a") is not None
