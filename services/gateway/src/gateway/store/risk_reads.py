"""What the risk guards measure by, read inside whichever transaction asks."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import asyncpg
import msgspec

from common.instruments import ZERO
from gateway.ports import COMMIT_MARGIN_MS
from gateway.risk.rules import Limits, SetBy, Switch, Usage, day_start_ms, tightest

_LIMITS: Final = (
    "SELECT set_by, max_order_value, max_open_exposure, daily_loss_limit FROM risk_limits WHERE user_id = $1"
)
_SWITCHES: Final = """
SELECT scope, target, set_by, reason, engaged_by, engaged_ms FROM kill_switches
WHERE scope = 'global' OR (scope = 'user' AND target = $1) OR (scope = 'exchange' AND ($2::text IS NULL OR target = $2))
ORDER BY engaged_ms, scope, target, set_by
"""
_WORKING: Final = "('PENDING', 'NEW', 'PARTIALLY_FILLED')"
UNREAD: Final = """
FROM intents i
WHERE i.user_id = $1 AND NOT i.handed_over AND i.stake_usd IS NOT NULL AND i.valid_until_ms >= $2
  AND NOT EXISTS (
      SELECT 1 FROM order_engine.intents_v1 e WHERE e.account_id = i.account_id AND e.intent_id = i.intent_id)
"""
"""Buys of a user ($1) that the engine may have yet to read; $2 is the earliest end of validity that still counts."""

_EXPOSURE: Final = f"""
SELECT coalesce(sum(usd), 0) FROM (
    SELECT i.stake_usd AS usd {UNREAD}
    UNION ALL
    SELECT CASE WHEN o.status IN {_WORKING} THEN i.stake_usd ELSE b.held_qty * b.entry_avg_px * i.usd_rate END
    FROM order_engine.brackets_v1 b
    JOIN intents i ON i.intent_id = b.intent_id AND i.stake_usd IS NOT NULL
    LEFT JOIN order_engine.orders_v1 o ON o.order_group_id = b.bracket_id AND o.order_role = 'ENTRY'
    WHERE b.user_id = $1 AND b.is_open
) AS open
"""  # noqa: S608 - our own constants.
_DAY_PNL: Final = """
SELECT coalesce(sum(b.realised_pnl * i.usd_rate), 0)
FROM order_engine.brackets_v1 b JOIN intents i ON i.intent_id = b.intent_id
WHERE b.user_id = $1 AND b.state = 'CLOSED' AND b.updated_at >= $2
"""


async def limits_by_word(executor: Any, user_id: str) -> dict[SetBy, Limits]:
    """The user's limits, by whose word."""
    rows = [dict(row) for row in await executor.fetch(_LIMITS, user_id)]
    return {SetBy(row.pop("set_by")): Limits(**row) for row in rows}


async def limits_of(executor: Any, user_id: str) -> Limits:
    """The limits that hold for the user."""
    return tightest(list((await limits_by_word(executor, user_id)).values()))


async def switches_for(executor: Any, user_id: str, exchange: str | None) -> list[Switch]:
    """The engaged switches that concern a user on an exchange (on any for None), oldest first."""
    return [switch_of(row) for row in await executor.fetch(_SWITCHES, user_id, exchange)]


async def usage_of(executor: Any, user_id: str, now_ms: int) -> Usage:
    """What the user risks and has lost today."""
    exposure: Decimal = await executor.fetchval(_EXPOSURE, user_id, now_ms - COMMIT_MARGIN_MS)
    day = datetime.fromtimestamp(day_start_ms(now_ms) / 1000, UTC)
    return Usage(open_exposure=exposure or ZERO, day_pnl=await executor.fetchval(_DAY_PNL, user_id, day) or ZERO)


def switch_of(row: asyncpg.Record) -> Switch:
    """A row as a switch."""
    return msgspec.convert(dict(row), Switch)
