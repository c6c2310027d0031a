"""The orders an exit is made of. Pure: a slice of the plan in, an order in flight out."""

from decimal import Decimal

import msgspec

from common import ids
from common.commands import ListLeg
from common.exits import ExitPlan, ExitSlice
from common.orders import OrderType, Side, TimeInForce
from order_engine.order import Order, Role
from order_engine.policy import Policy
from order_engine.turn import Turn


def list_leg(order: Order) -> ListLeg:
    """The leg as a command for an order list names it."""
    return ListLeg(
        client_order_id=order.client_order_id,
        order_type=order.order_type,
        price=order.price,
        trigger_px=order.trigger_px,
        time_in_force=order.time_in_force,
    )


_LIMITED = frozenset({OrderType.LIMIT, OrderType.TAKE_PROFIT_LIMIT})


def preset_legs(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy, *, generation: int) -> tuple[Order, ...]:
    """The target and the stop that the entry brought along, as the exchange is expected to have placed them."""
    deadline_ms = turn.now_ms + policy.preset_patience_ms
    named = (
        (ids.Leg.PRESET_TAKE_PROFIT, take_profit_leg(turn, slice_, plan, policy, generation=generation)),
        (ids.Leg.PRESET_STOP_LOSS, stop_leg(turn, slice_, plan, policy, generation=generation)),
    )
    return tuple(
        msgspec.structs.replace(
            order,
            client_order_id=ids.client_order_id(turn.bracket.bracket_id, leg, generation),
            adopted=True,
            valid_until_ms=deadline_ms,
            ask_at_ms=turn.now_ms + policy.preset_look_ms,
        )
        for leg, order in named
    )


def take_profit_leg(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy, *, generation: int) -> Order:
    """The take-profit of a slice."""
    kind = plan.take_profit_type
    waits = kind.waits_for_trigger
    return exit_order(
        turn,
        Role.TAKE_PROFIT,
        ids.Leg.TAKE_PROFIT,
        slice_.level,
        slice_.qty,
        kind,
        price=None if kind is OrderType.TAKE_PROFIT else slice_.take_profit_px,
        trigger_px=(slice_.take_profit_trigger_px or slice_.take_profit_px) if waits else None,
        time_in_force=plan.time_in_force if kind in _LIMITED else None,
        policy=policy,
        generation=generation,
    )


def stop_leg(turn: Turn, slice_: ExitSlice, plan: ExitPlan, policy: Policy, *, generation: int) -> Order:
    """The stop of a slice."""
    limited = plan.stop_loss_type is OrderType.STOP_LOSS_LIMIT
    return exit_order(
        turn,
        Role.STOP_LOSS,
        ids.Leg.STOP_LOSS,
        slice_.level,
        slice_.qty,
        plan.stop_loss_type,
        price=slice_.stop_limit_px if limited else None,
        trigger_px=slice_.stop_loss_px,
        time_in_force=plan.time_in_force if limited else None,
        policy=policy,
        generation=generation,
    )


def exit_order(
    turn: Turn,
    role: Role,
    leg: ids.Leg,
    level: int,
    qty: Decimal,
    order_type: OrderType,
    *,
    policy: Policy,
    generation: int,
    price: Decimal | None = None,
    trigger_px: Decimal | None = None,
    time_in_force: TimeInForce | None = None,
) -> Order:
    """A sell of the bracket, in flight from now."""
    bracket = turn.bracket
    return Order(
        client_order_id=ids.client_order_id(bracket.bracket_id, leg, generation),
        role=role,
        level=level,
        side=Side.SELL,
        order_type=order_type,
        qty=qty,
        price=price,
        trigger_px=trigger_px,
        time_in_force=time_in_force,
        submitted_ms=turn.now_ms,
        updated_ms=turn.now_ms,
        valid_until_ms=turn.now_ms + policy.exit_validity_ms,
        ask_at_ms=turn.now_ms + policy.ask_after_ms,
    )
