"""Brackets as rows of the ledger. Pure: what changed between two versions of a bracket is what gets written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson

from common.codec import encode, plain
from common.instruments import ZERO
from common.intents import IntentBase
from common.orders import OrderStatus
from common.protection import BracketDenied
from order_engine.bracket import Bracket
from order_engine.order import Fill, Order, Role
from order_engine.results import fees_of, realised_pnl, residency_reason, role_name

BRACKET_COLUMNS = (
    ("bracket_id", "text"),
    ("shard", "int"),
    ("intent_id", "text"),
    ("account_id", "text"),
    ("user_id", "text"),
    ("exchange", "text"),
    ("symbol", "text"),
    ("state", "text"),
    ("version", "bigint"),
    ("entry_qty", "numeric"),
    ("entry_avg_px", "numeric"),
    ("held_qty", "numeric"),
    ("protected_qty", "numeric"),
    ("guarded_qty", "numeric"),
    ("unprotected_qty", "numeric"),
    ("dust_qty", "numeric"),
    ("exit_qty", "numeric"),
    ("exit_avg_px", "numeric"),
    ("fees", "jsonb"),
    ("realised_pnl", "numeric"),
    ("doc", "jsonb"),
    ("created_at", "timestamptz"),
    ("updated_at", "timestamptz"),
)
ORDER_COLUMNS = (
    ("client_order_id", "text"),
    ("exchange_order_id", "text"),
    ("order_group_id", "text"),
    ("parent_client_order_id", "text"),
    ("user_id", "text"),
    ("account_id", "text"),
    ("exchange", "text"),
    ("symbol", "text"),
    ("side", "text"),
    ("type", "text"),
    ("quantity", "numeric"),
    ("price", "numeric"),
    ("trigger_price", "numeric"),
    ("status", "text"),
    ("executed_qty", "numeric"),
    ("avg_price", "numeric"),
    ("order_role", "text"),
    ("pair", "int"),
    ("tp_levels", "jsonb"),
    ("sl_price", "numeric"),
    ("residency", "text"),
    ("residency_reason", "text"),
    ("fees", "jsonb"),
    ("filled_timestamp", "timestamptz"),
    ("valid_until", "timestamptz"),
    ("created_at", "timestamptz"),
    ("updated_at", "timestamptz"),
)
FILL_COLUMNS = (
    ("account_id", "text"),
    ("symbol", "text"),
    ("trade_id", "text"),
    ("client_order_id", "text"),
    ("exchange", "text"),
    ("user_id", "text"),
    ("side", "text"),
    ("qty", "numeric"),
    ("px", "numeric"),
    ("fee", "numeric"),
    ("fee_asset", "text"),
    ("at", "timestamptz"),
)
INTENT_COLUMNS = (
    ("intent_id", "text"),
    ("account_id", "text"),
    ("user_id", "text"),
    ("bracket_id", "text"),
    ("outcome", "text"),
    ("code", "text"),
    ("reason", "text"),
    ("created_at", "timestamptz"),
)


@dataclass
class Rows:
    """What one batch writes, table by table, in the order of the column lists above."""

    brackets: list[tuple[Any, ...]] = field(default_factory=list)
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    intents: list[tuple[Any, ...]] = field(default_factory=list)

    def add_bracket(self, shard: int, before: Bracket | None, after: Bracket) -> None:
        """The bracket, and of its orders and fills those that are new or changed."""
        self.brackets.append(_bracket_row(shard, after))
        known = {order.client_order_id: order for order in before.orders} if before is not None else {}
        for order in after.orders:
            earlier = known.get(order.client_order_id)
            if earlier is order or (earlier is not None and earlier == order):
                continue
            self.orders.append(_order_row(after, order))
            seen = len(earlier.fills) if earlier is not None else 0
            self.fills += [_fill_row(after, order, fill) for fill in order.fills[seen:]]

    def add_intent(self, intent: IntentBase, bracket_id: str, denied: BracketDenied | None, now_ms: int) -> None:
        """That an intent was read, and what came of it."""
        self.intents.append(
            (
                intent.intent_id,
                intent.account_id,
                intent.user_id,
                bracket_id,
                "accepted" if denied is None else "denied",
                denied.code if denied else None,
                denied.reason if denied else None,
                _time(now_ms),
            )
        )


def columns_of(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows turned into one list per column, as `unnest` takes them."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def _bracket_row(shard: int, bracket: Bracket) -> tuple[Any, ...]:
    sold = bracket.sold_qty
    proceeds = sum((leg.quote_filled for exit_ in bracket.exits for leg in exit_.legs), ZERO)
    return (
        bracket.bracket_id,
        shard,
        bracket.intent_id,
        bracket.account_id,
        bracket.user_id,
        bracket.exchange,
        bracket.symbol,
        bracket.state,
        bracket.version,
        bracket.entry.filled_qty if bracket.entry else bracket.given_qty,
        bracket.avg_px,
        bracket.held_qty,
        bracket.protected_qty,
        bracket.guarded_qty,
        bracket.unprotected_qty,
        bracket.dust_qty,
        sold,
        proceeds / sold if sold > 0 else None,
        _amounts(fees_of(bracket)),
        realised_pnl(bracket),
        encode(bracket).decode(),
        _time(bracket.opened_ms),
        _time(bracket.now_ms),
    )


def _order_row(bracket: Bracket, order: Order) -> tuple[Any, ...]:
    is_entry = order.role is Role.ENTRY
    parent = bracket.entry.client_order_id if bracket.entry is not None and not is_entry else None
    filled = order.filled_qty
    return (
        order.client_order_id,
        order.exchange_order_id,
        bracket.bracket_id,
        parent,
        bracket.user_id,
        bracket.account_id,
        bracket.exchange,
        bracket.symbol,
        order.side,
        order.order_type,
        order.qty,
        order.price,
        order.trigger_px,
        order.status or "PENDING",
        filled,
        order.quote_filled / filled if filled > 0 else None,
        role_name(order),
        None if order.level is None else order.level + 1,
        _take_profits(bracket) if is_entry else None,
        _stop(bracket) if is_entry else None,
        order.residency,
        residency_reason(bracket.exchange, order),
        _amounts(_fees(order.fills)),
        _time(order.updated_ms) if order.status is OrderStatus.FILLED else None,
        _time(order.valid_until_ms),
        _time(order.submitted_ms),
        _time(order.updated_ms),
    )


def _fill_row(bracket: Bracket, order: Order, fill: Fill) -> tuple[Any, ...]:
    return (
        bracket.account_id,
        bracket.symbol,
        fill.trade_id,
        order.client_order_id,
        bracket.exchange,
        bracket.user_id,
        order.side,
        fill.qty,
        fill.px,
        fill.fee,
        fill.fee_asset,
        _time(fill.ts_ms),
    )


def _take_profits(bracket: Bracket) -> str | None:
    if bracket.plan is None:
        return None
    px = bracket.avg_px or bracket.reference_px
    levels = (bracket.instrument.floor_px(level.take_profit.at(px)) for level in bracket.plan.levels)
    return orjson.dumps([plain(level) for level in levels]).decode()


def _stop(bracket: Bracket) -> Decimal | None:
    if bracket.plan is None:
        return None
    px = bracket.avg_px or bracket.reference_px
    return bracket.instrument.ceil_px(bracket.plan.levels[0].stop_loss.at(px))


def _fees(fills: Iterable[Fill]) -> dict[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fill in fills:
        if fill.fee_asset is not None:
            fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
    return fees


def _amounts(amounts: dict[str, Decimal]) -> str:
    return orjson.dumps({asset: plain(amount) for asset, amount in amounts.items()}).decode()


def _time(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
