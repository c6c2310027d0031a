"""What becomes of one account's part in a signal."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.accounts import AccountState
from common.errors import Unavailable
from common.exchanges import Exchange
from common.orders import Side
from gateway.ports import COMMIT_MARGIN_MS, Account
from gateway.signals.model import (
    EXPIRED,
    Reason,
    Receipt,
    State,
    intent_id,
    receipt_for,
    running,
    sent,
    signal_id,
)
from gateway.signals.settling import UNKNOWN_AFTER_MS, Found, settled
from gateway.signals.shared import Shared

NOW_MS = 1_000_000
VALID_UNTIL_MS = NOW_MS + 30_000
AT = datetime(2026, 11, 22, tzinfo=UTC)


def an_account(account_id: str = "a") -> Account:
    return Account(
        account_id=account_id,
        user_id="u",
        exchange=Exchange.BINANCE,
        label="",
        state=AccountState.ACTIVE,
        is_default=True,
        key_version=1,
        ts_init_ms=1,
    )


def a_sent_receipt(**changes: Any) -> Receipt:
    receipt = sent(receipt_for("s", an_account(), 0, NOW_MS), NOW_MS)
    return msgspec.structs.replace(receipt, **changes)


def after(found: Found, *, side: Side = Side.BUY, now_ms: int = NOW_MS + 1, **changes: Any) -> Receipt:
    return settled(a_sent_receipt(**changes), found, side, valid_until_ms=VALID_UNTIL_MS, now_ms=now_ms)


def an_order(status: str, executed: str = "0", **fields: Any) -> Found:
    return Found(outcome="accepted", order_id="7", status=status, executed_qty=Decimal(executed), **fields)


def test_the_same_request_is_the_same_signal_and_the_same_order_for_each_account() -> None:
    assert signal_id("admin", "key") == signal_id("admin", "key") != signal_id("another", "key")
    assert intent_id("s", "a") == intent_id("s", "a")
    assert len({intent_id("s", "a"), intent_id("s", "b"), intent_id("t", "a")}) == 3


@pytest.mark.parametrize(
    ("found", "state", "open_"),
    [
        (an_order("NEW"), State.PLACED, True),
        (an_order("PARTIALLY_FILLED", "0.1"), State.PLACED, True),
        (an_order("FILLED", "1", bracket_state="UNPROTECTED"), State.FILLED, True),
        (an_order("FILLED", "1", bracket_state="PROTECTED", bracket_at=AT), State.PROTECTED, False),
        (an_order("CANCELED", "0.5", bracket_state="PROTECTED", bracket_at=AT), State.PROTECTED, False),
        (an_order("FILLED", "1", bracket_state="CLOSED"), State.CLOSED, False),
        (an_order("REJECTED"), State.FAILED, False),
        (an_order("CANCELED"), State.FAILED, False),
        (Found(outcome="denied", code="no_exit_plan", reason="why"), State.FAILED, False),
        (Found(outcome="denied", code="intent_expired", reason="late"), State.SKIPPED, False),
        (an_order("PENDING"), State.SENT, True),
        (Found(), State.SENT, True),
    ],
)
def test_a_buy_is_what_the_ledger_says(found: Found, state: State, open_: bool) -> None:
    receipt = after(found)
    assert (receipt.state, receipt.open) == (state, open_)
    assert state in {State.SENT, State.PLACED, State.FILLED, State.PROTECTED, State.CLOSED} or receipt.code


def test_a_sell_is_done_when_it_is_filled() -> None:
    receipt = after(an_order("FILLED", "1", filled_at=AT), side=Side.SELL)
    assert (receipt.state, receipt.open, receipt.filled_ms) == (State.FILLED, False, int(AT.timestamp() * 1000))
    assert not running({State.FILLED: 3}, Side.SELL)
    assert running({State.FILLED: 3}, Side.BUY)
    assert not running({State.PROTECTED: 1, State.PLACED: 1, State.SKIPPED: 1, State.FAILED: 1}, Side.BUY)


def test_a_receipt_keeps_when_each_step_was_reached() -> None:
    placed = after(an_order("NEW"))
    filled = settled(
        placed,
        an_order("FILLED", "1", bracket_state="PROTECTED", bracket_at=AT),
        Side.BUY,
        valid_until_ms=VALID_UNTIL_MS,
        now_ms=NOW_MS + 9,
    )
    assert (filled.placed_ms, filled.protected_ms) == (NOW_MS + 1, int(AT.timestamp() * 1000))


def test_nothing_new_is_the_very_same_receipt() -> None:
    placed = after(an_order("NEW"))
    again = settled(placed, an_order("NEW"), Side.BUY, valid_until_ms=VALID_UNTIL_MS, now_ms=NOW_MS + 99)
    assert again is placed


def test_what_nobody_answers_is_unknown_and_what_the_engine_never_read_is_skipped() -> None:
    waiting = after(an_order("PENDING"), now_ms=NOW_MS + UNKNOWN_AFTER_MS + 1)
    assert (waiting.state, waiting.open) == (State.UNKNOWN, True)
    unread = after(Found(), now_ms=VALID_UNTIL_MS + COMMIT_MARGIN_MS)
    assert unread.state is State.UNKNOWN
    given_up = after(Found(), now_ms=VALID_UNTIL_MS + COMMIT_MARGIN_MS + 1)
    assert (given_up.state, given_up.code) == (State.SKIPPED, EXPIRED.code)


def test_why_the_exchange_refused_is_said_where_it_was_heard() -> None:
    heard = Reason(code="-2010", reason="no money")
    receipt = settled(a_sent_receipt(), an_order("REJECTED"), Side.BUY, valid_until_ms=1, now_ms=NOW_MS, heard=heard)
    assert (receipt.state, receipt.code, receipt.reason) == (State.FAILED, "-2010", "no money")
    assert after(an_order("REJECTED")).code == "ORDER_REJECTED"


async def test_what_many_ask_at_once_is_asked_once() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0)
        return asked

    shared = Shared()
    assert await asyncio.gather(*(shared.get("k", ask) for _ in range(5))) == [1] * 5
    assert await Shared(kept_s=0).get("k", ask) == 2


async def test_what_is_away_is_not_asked_by_everybody() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        raise Unavailable("the connector")

    shared = Shared()
    outcomes = await asyncio.gather(*(shared.get("k", ask) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(each, Unavailable) for each in outcomes)
    assert asked == 1
