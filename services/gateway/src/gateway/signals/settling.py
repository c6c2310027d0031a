"""From what the ledger says of an order to its receipt. Pure: whoever reads the same ledger writes the same receipt."""

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from common.instruments import ZERO
from common.orders import OrderStatus, Side
from common.protection import BracketState
from gateway.ports import COMMIT_MARGIN_MS
from gateway.signals.model import EXPIRED, Reason, Receipt, State, ended, skipped

UNKNOWN_AFTER_MS: Final = 5_000
"""The exchange answers sooner; from then on the order is one whose outcome nobody knows."""
DENIED: Final = "denied"
TOO_LATE: Final = "intent_expired"
_PENDING: Final = "PENDING"
_REFUSED: Final = Reason(code="ORDER_REJECTED", reason="The exchange refused the order.")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine's views say of one recipient's order; None where they say nothing yet."""

    outcome: str | None = None
    code: str | None = None
    reason: str | None = None
    order_id: str | None = None
    status: str | None = None
    executed_qty: Decimal | None = None
    avg_px: Decimal | None = None
    filled_at: datetime | None = None
    bracket_state: str | None = None
    bracket_at: datetime | None = None


def settled(
    receipt: Receipt, found: Found, side: Side, *, valid_until_ms: int, now_ms: int, heard: Reason | None = None
) -> Receipt:
    """The receipt by what was found; the very same one when nothing is new.

    `heard` is why the exchange refused, where the fact that said so was heard: the ledger keeps only that it did.
    """
    if found.outcome is None:
        return _unread(receipt, valid_until_ms, now_ms)
    if found.outcome == DENIED:
        return _denied(receipt, found, now_ms)
    if found.status is None or found.status == _PENDING:
        return _in_flight(receipt, now_ms)
    return _ordered(receipt, found, OrderStatus(found.status), side, heard or _REFUSED, now_ms)


def _unread(receipt: Receipt, valid_until_ms: int, now_ms: int) -> Receipt:
    """The engine denies what it reads after its validity, so that nothing more can come of it."""
    if now_ms > valid_until_ms + COMMIT_MARGIN_MS:
        return skipped(receipt, EXPIRED, now_ms)
    return _in_flight(receipt, now_ms)


def _denied(receipt: Receipt, found: Found, now_ms: int) -> Receipt:
    if found.code == TOO_LATE:
        return skipped(receipt, EXPIRED, now_ms)
    code, reason = (found.code or DENIED).upper(), found.reason or "The order was not sent."
    return ended(receipt, State.FAILED, Reason(code=code, reason=reason), now_ms)


def _in_flight(receipt: Receipt, now_ms: int) -> Receipt:
    waited_ms = now_ms - (receipt.sent_ms or receipt.updated_ms)
    if receipt.state is State.SENT and waited_ms > UNKNOWN_AFTER_MS:
        return msgspec.structs.replace(receipt, state=State.UNKNOWN, updated_ms=now_ms)
    return receipt


def _ordered(receipt: Receipt, found: Found, status: OrderStatus, side: Side, refused: Reason, now_ms: int) -> Receipt:
    executed = found.executed_qty or ZERO
    if status is OrderStatus.REJECTED:
        return ended(receipt, State.FAILED, refused, now_ms)
    if status.terminal and executed == 0:
        why = Reason(code=f"ENTRY_{status.value}", reason="The order ended without a fill.")
        return ended(receipt, State.FAILED, why, now_ms)
    state, open_ = _reached(status, found, side)
    after = msgspec.structs.replace(
        receipt,
        state=state,
        open=open_,
        exchange_order_id=found.order_id or receipt.exchange_order_id,
        executed_qty=executed,
        avg_px=found.avg_px,
        placed_ms=receipt.placed_ms or now_ms,
        filled_ms=receipt.filled_ms or (_ms(found.filled_at) or now_ms if status.terminal else None),
        protected_ms=receipt.protected_ms or (_ms(found.bracket_at) if state is State.PROTECTED else None),
    )
    return receipt if after == receipt else msgspec.structs.replace(after, updated_ms=now_ms)


def _reached(status: OrderStatus, found: Found, side: Side) -> tuple[State, bool]:
    """(state, whether more may come)."""
    if not status.terminal:
        return State.PLACED, True
    if side is Side.SELL:
        return State.FILLED, False
    match found.bracket_state:
        case BracketState.PROTECTED:
            return State.PROTECTED, False
        case BracketState.CLOSED:
            return State.CLOSED, False
        case _:
            return State.FILLED, True


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
