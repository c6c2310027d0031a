"""Signals and receipts as the API shows them. Pure."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from gateway.signals.model import Receipt, Signal, State, running
from gateway.stream.events import LiveEvent, event
from gateway.stream.payloads import SignalUpdate

RUNNING: Final = "RUNNING"
DONE: Final = "DONE"


def signal_shown(signal: Signal, counts: Mapping[State, int]) -> dict[str, Any]:
    """A signal with how many of its receipts are in which state."""
    return {
        "signalId": signal.signal_id,
        "status": _status(signal, counts),
        "symbol": signal.symbol,
        "side": signal.side,
        "order": orjson.loads(signal.body),
        "createdBy": signal.admin_id,
        "createdAt": signal.created_ms,
        "validUntil": signal.valid_until_ms,
        "accounts": sum(counts.values()),
        "counts": _counts(counts),
        "statusUrl": f"/exchanges/signals/{signal.signal_id}",
    }


def receipt_shown(receipt: Receipt) -> dict[str, Any]:
    """What became of one account's order."""
    return {
        "credentialId": receipt.account_id,
        "userId": receipt.user_id,
        "exchange": receipt.exchange.value.upper(),
        "state": receipt.state,
        "code": receipt.code,
        "reason": receipt.reason,
        "fix": receipt.fix,
        "operationId": receipt.intent_id,
        "orderGroupId": receipt.bracket_id,
        "clientOrderId": receipt.client_order_id,
        "orderId": receipt.exchange_order_id,
        "executedQty": receipt.executed_qty,
        "avgPrice": receipt.avg_px,
        "sentAt": receipt.sent_ms,
        "placedAt": receipt.placed_ms,
        "filledAt": receipt.filled_ms,
        "protectedAt": receipt.protected_ms,
        "updatedAt": receipt.updated_ms,
    }


def progress_event(signal: Signal, counts: Mapping[State, int], now_ms: int) -> LiveEvent:
    """The event that tells an admin how a signal gets on."""
    update = SignalUpdate(
        signal_id=signal.signal_id,
        status=_status(signal, counts),
        accounts=sum(counts.values()),
        counts=_counts(counts),
        time=now_ms,
    )
    return event("signal_update", update)


def _status(signal: Signal, counts: Mapping[State, int]) -> str:
    return RUNNING if running(counts, signal.side) else DONE


def _counts(counts: Mapping[State, int]) -> dict[str, int]:
    return {state.value: counts.get(state, 0) for state in State}
