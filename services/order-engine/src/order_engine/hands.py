"""What somebody did by hand on the exchange, and what follows from it. Pure.

| By hand                                     | What we do                                                        |
|---------------------------------------------|-------------------------------------------------------------------|
| an entry's quantity or price changed        | taken over: what was ordered last is what is wanted               |
| an exit's quantity, limit or trigger changed | cancelled and placed anew as the plan says                       |
| an order shown open well after its end      | cancelled: it could sell what is not there                        |
| coins sold or moved away                    | exits that nothing backs any more are cancelled (`settle.py`)     |

An exit cancelled by hand needs nothing here: it has ended, and what it covered is free (`settle.py::_hand_back`).
"""

import msgspec

from common.commands import CancelOrder
from common.errors import ErrorCategory
from common.instruments import ZERO
from common.orders import HoldingShort, OrderFact, OrderSnapshot, OrderStatus
from common.protection import ProtectionFailed
from common.terms import altered
from order_engine.order import Order, Role
from order_engine.placing import cancel_exit
from order_engine.policy import Policy
from order_engine.turn import Turn


def with_changed_terms(order: Order, fact: OrderFact) -> Order:
    """An entry with the terms the exchange shows, should they be others than those it was placed with."""
    if order.role is not Role.ENTRY or not isinstance(fact, OrderSnapshot) or not _altered(order, fact):
        return order
    changed = msgspec.structs.replace(
        order,
        qty=fact.qty or order.qty,
        price=fact.price or order.price,
        trigger_px=fact.trigger_px or order.trigger_px,
    )
    if changed.status is OrderStatus.FILLED and changed.qty is not None and changed.filled_qty < changed.qty:
        # It was complete at its first size; enlarged, it works on.
        return msgspec.structs.replace(changed, status=OrderStatus.PARTIALLY_FILLED)
    return changed


def place_as_planned(turn: Turn, order: Order, fact: OrderSnapshot, policy: Policy) -> None:
    """An exit changed by hand covers something else than it should: cancel it, so that it is placed anew."""
    at_work = order.triggered or order.filled_qty > 0
    if order.role is Role.ENTRY or not order.live or at_work or not _altered(order, fact):
        return
    exit_ = next(e for e in turn.bracket.exits if any(leg.client_order_id == order.client_order_id for leg in e.legs))
    if not exit_.released and not any(leg.cancel_wanted for leg in exit_.legs):
        cancel_exit(turn, msgspec.structs.replace(exit_, moving=True), policy)


def left_over(known: Order, order: Order, fact: OrderSnapshot, policy: Policy) -> bool:
    """Whether the exchange shows an order open that had ended, by all we were told, well before it was looked at."""
    shown_open = fact.status is not None and not fact.status.terminal
    return shown_open and not order.live and fact.ts_init_ms - known.updated_ms >= policy.leftover_after_ms


def end_forgotten(turn: Turn, fact: OrderSnapshot, policy: Policy) -> None:
    """An order under this bracket's name that it remembers no more must not be open: nothing counts what it sells."""
    if fact.status is None or fact.status.terminal:
        return
    turn.send(
        CancelOrder,
        client_order_id=fact.client_order_id,
        exchange_order_id=fact.exchange_order_id,
        list_client_order_id=fact.list_client_order_id,
        valid_until_ms=turn.now_ms + policy.cancel_validity_ms,
    )


def believe_short(turn: Turn, fact: HoldingShort) -> None:
    """What the account does not hold any more is missing; exits that nothing backs are cancelled when settling."""
    bracket = turn.bracket
    if fact.bracket_version != bracket.version:
        return  # Something has happened since: perhaps just what sold it.
    gone = bracket.instrument.floor_qty(bracket.held_qty - fact.held_qty)
    if gone <= 0:
        return
    turn.change(missing_qty=bracket.missing_qty + gone)
    turn.note(
        ProtectionFailed,
        client_order_id=None,
        category=ErrorCategory.INSUFFICIENT_BALANCE,
        code=None,
        reason=f"{gone.normalize():f} {bracket.instrument.base} of it left the account by hand",
        next_step="look after what is left",
    )


def find_again(turn: Turn) -> None:
    """What was taken for missing and turns out to have been sold by an exit is not missing."""
    bracket = turn.bracket
    twice = bracket.sold_qty + bracket.released_qty + bracket.missing_qty - bracket.received_qty
    if twice > 0 and bracket.missing_qty > 0:
        turn.change(missing_qty=max(bracket.missing_qty - twice, ZERO))


def _altered(order: Order, fact: OrderSnapshot) -> bool:
    return altered(fact, order_type=order.order_type, qty=order.qty, price=order.price, trigger_px=order.trigger_px)
