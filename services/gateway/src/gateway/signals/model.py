"""A signal and its receipts. Pure.

The id of a signal is a function of (admin, Idempotency-Key), and the id of an account's intent one of (signal,
account), so that whoever carries on with a signal, however often, means the same orders.
"""

import base64
import hashlib
import uuid
import zlib
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from common import ids
from common.exchanges import Exchange
from common.orders import Side
from gateway.ports import Account

SHARDS: Final = 4
"""Parts of the recipients that gateways share out among themselves."""
_NAMESPACE: Final = uuid.UUID("6f1c9a52-2a0e-5b43-9d59-0f3d3a2c7e11")


class State(StrEnum):
    """How far one account's order has come."""

    PENDING = "PENDING"
    """Nothing has been sent."""
    SENT = "SENT"
    """Stored and on its way; no answer yet."""
    UNKNOWN = "UNKNOWN"
    """On its way for longer than answers take: it is asked for until it is settled."""
    PLACED = "PLACED"
    """The exchange has the order."""
    FILLED = "FILLED"
    """Filled, and of a buy not yet protected."""
    PROTECTED = "PROTECTED"
    """All that was bought is covered by exits."""
    CLOSED = "CLOSED"
    """Nothing is held any more: an exit was reached before the receipt was written."""
    SKIPPED = "SKIPPED"
    """Nothing was sent, and nothing will be; the code says why."""
    FAILED = "FAILED"
    """It was denied, or the exchange refused or ended it."""


UNDECIDED: Final = frozenset({State.PENDING, State.SENT, State.UNKNOWN, State.FILLED})
"""While a receipt is in one of these its signal runs; a sell that is filled is done all the same."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One order for many accounts, as its admin gave it."""

    signal_id: str
    admin_id: str
    idempotency_key: str
    request_hash: str
    body: bytes
    """The request's JSON, from which every recipient's order is made."""
    symbol: str
    side: Side
    created_ms: int
    valid_until_ms: int
    """After this nobody gets the order any more: it was meant for the market of its time."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one account's order. Times are in ms; `open` says whether more may come."""

    signal_id: str
    ordinal: int
    account_id: str
    user_id: str
    exchange: Exchange
    shard: int
    intent_id: str
    bracket_id: str
    client_order_id: str
    state: State = State.PENDING
    open: bool = True
    code: str | None = None
    reason: str | None = None
    fix: str | None = None
    exchange_order_id: str | None = None
    executed_qty: Decimal | None = None
    avg_px: Decimal | None = None
    sent_ms: int | None = None
    placed_ms: int | None = None
    filled_ms: int | None = None
    protected_ms: int | None = None
    updated_ms: int


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an account did not get its order, or why the exchange did not take it."""

    code: str
    reason: str
    fix: str | None = None


def signal_id(admin_id: str, idempotency_key: str) -> str:
    """The same request is the same signal."""
    digest = hashlib.blake2b(f"{admin_id}/{idempotency_key}".encode(), digest_size=10).digest()
    return "s" + base64.b32encode(digest).decode().lower()


def intent_id(signal: str, account_id: str) -> str:
    """The one order that a signal means for an account."""
    return str(uuid.uuid5(_NAMESPACE, f"{signal}/{account_id}"))


def receipt_for(signal: str, account: Account, ordinal: int, now_ms: int) -> Receipt:
    """The receipt of an account before anything was done for it."""
    intent = intent_id(signal, account.account_id)
    bracket = ids.bracket_id(account.account_id, intent)
    return Receipt(
        signal_id=signal,
        ordinal=ordinal,
        account_id=account.account_id,
        user_id=account.user_id,
        exchange=account.exchange,
        shard=zlib.crc32(account.account_id.encode()) % SHARDS,
        intent_id=intent,
        bracket_id=bracket,
        client_order_id=ids.client_order_id(bracket, ids.Leg.ENTRY, 0),
        updated_ms=now_ms,
    )


def skipped(receipt: Receipt, why: Reason, now_ms: int) -> Receipt:
    """The receipt of an account that gets no order."""
    return ended(receipt, State.SKIPPED, why, now_ms)


def ended(receipt: Receipt, state: State, why: Reason, now_ms: int) -> Receipt:
    """The receipt of an order that came to nothing."""
    return msgspec.structs.replace(
        receipt, state=state, open=False, code=why.code, reason=why.reason, fix=why.fix, updated_ms=now_ms
    )


def sent(receipt: Receipt, now_ms: int) -> Receipt:
    """The receipt once the order is stored."""
    return msgspec.structs.replace(receipt, state=State.SENT, sent_ms=now_ms, updated_ms=now_ms)


EXPIRED: Final = Reason(
    code="SIGNAL_EXPIRED",
    reason="The signal's time had passed before the order could be sent.",
    fix="Send a new signal.",
)


def running(counts: Mapping[State, int], side: Side) -> bool:
    """Whether an outcome is still to come. A limit order that rests has one."""
    undecided = UNDECIDED - {State.FILLED} if side is Side.SELL else UNDECIDED
    return any(counts.get(state, 0) for state in undecided)
