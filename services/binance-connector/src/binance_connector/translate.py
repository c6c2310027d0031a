"""User data events to facts: one executionReport is one order fact, whatever its execution type.

Field meanings are from the user data stream documentation ("Payload: Order Update"); the client id of a cancel and the
state words are its traps.
"""

from typing import Any

import msgspec

from binance_connector.facts import amount, list_id_of, mean_px, order_type_of, positive_or_none, status_of
from binance_connector.frames import (
    AccountPosition,
    BalanceUpdate,
    ExecutionReport,
    ExternalLockUpdate,
    ListStatusEvent,
    UserEvent,
)
from binance_connector.names import own_name
from common.accounts import AssetBalance, BalanceAdjusted, BalanceChanged, BalanceFact
from common.connector.amounts import finite
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import (
    ListStatus,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderTriggered,
)

# `r` of a REJECTED report, as documented; other words are refusals all the same.
_REJECT_REASONS = {
    "INSUFFICIENT_BALANCES": ErrorCategory.INSUFFICIENT_BALANCE,
    "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY": ErrorCategory.PRICE_RELATION,
    "WOULD_MATCH_IMMEDIATELY": ErrorCategory.PRICE_RELATION,
    "OCO_BAD_PRICES": ErrorCategory.PRICE_RELATION,
}

_event: msgspec.json.Decoder[UserEvent] = msgspec.json.Decoder(UserEvent)


def user_event(raw: bytes) -> UserEvent:
    """The bare event (already taken out of its envelope). Raises UnreadableFrame."""
    try:
        return _event.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableFrame(f"user event: {error}") from error


def order_fact(report: ExecutionReport, account_id: str, now_ms: int) -> OrderFact:
    """One executionReport as one fact. Raises UnreadableFrame for execution types and states nobody documented."""
    fields = _fields(report, account_id, now_ms)
    match report.execution_type:
        case "TRADE":
            return _filled(report, fields)
        case "NEW":
            # A waiting order starts to work: the trigger's own report, where Binance sends one.
            order_type = fields["order_type"]
            if report.is_working and order_type is not None and order_type.waits_for_trigger:
                return OrderTriggered(**fields)
            return OrderAccepted(**_known(report, fields))
        case "CANCELED":
            return OrderCanceled(**_ended(report, fields))
        case "EXPIRED":
            return OrderExpired(**_ended(report, fields), reason=report.expiry_reason)
        case "REJECTED":
            category = _REJECT_REASONS.get(report.reject_reason, ErrorCategory.UNCLASSIFIED)
            return OrderRejected(**_ended(report, fields), category=category, reason=report.reject_reason)
        case "REPLACED":  # Amended: the quantity is smaller now, the order is the same.
            return OrderSnapshot(**_known(report, fields))
        case "TRADE_PREVENTION":
            known = _known(report, fields)
            # In DECREMENT mode the order lives on with less; in the other modes it has ended.
            if not known["status"].terminal:
                return OrderSnapshot(**known)
            return OrderExpired(**known, reason=report.order_status)
        case unmodelled:
            raise UnreadableFrame(f"executionReport x={unmodelled}")


def _filled(report: ExecutionReport, fields: dict[str, Any]) -> OrderFilled:
    if report.trade_id < 0 or report.last_qty <= 0:
        raise UnreadableFrame("executionReport x=TRADE without a trade")
    return OrderFilled(
        **fields,
        trade_id=str(report.trade_id),
        last_qty=amount(report.last_qty, "l"),
        last_px=amount(report.last_px, "L"),
        # Without a commission asset nothing was charged: a known zero, not an unknown fee.
        fee=None if report.commission is None else finite(report.commission, "n"),
        fee_asset=report.commission_asset,
    )


def _fields(report: ExecutionReport, account_id: str, now_ms: int) -> dict[str, Any]:
    cum_qty = amount(report.cum_qty, "z")
    order_type = order_type_of(report.order_type)
    # On a cancel (and an amend) `c` is the request's own id; the id we chose travels in `C`.
    if report.original_client_order_id and report.execution_type in {"CANCELED", "REPLACED"}:
        own_id = report.original_client_order_id
    else:
        own_id = own_name(report.client_order_id, order_type)
    return {
        "account_id": account_id,
        "exchange": Exchange.BINANCE,
        "symbol": report.symbol,
        "client_order_id": own_id,
        "exchange_order_id": str(report.order_id),
        "side": report.side,
        "order_type": order_type,
        "status": status_of(report.order_status, cum_qty),
        "qty": positive_or_none(report.qty, "q"),
        # A pegged order reports its limit price as zero and the real one apart.
        "price": positive_or_none(report.pegged_price or report.price, "p"),
        "cum_qty": cum_qty,
        "avg_px": mean_px(report.cum_quote_qty, cum_qty),
        "ts_event_ms": report.transact_time_ms,
        "ts_init_ms": now_ms,
        "trigger_px": positive_or_none(report.stop_price, "P"),
        "exchange_list_id": list_id_of(report.order_list_id),
    }


def _known(report: ExecutionReport, fields: dict[str, Any]) -> dict[str, Any]:
    if fields["status"] is None:
        raise UnreadableFrame(f"executionReport X={report.order_status}")
    return fields


def _ended(report: ExecutionReport, fields: dict[str, Any]) -> dict[str, Any]:
    status: OrderStatus = _known(report, fields)["status"]
    if not status.terminal:
        raise UnreadableFrame(f"executionReport x={report.execution_type} with X={report.order_status}")
    return fields


def list_fact(event: ListStatusEvent, account_id: str, now_ms: int) -> ListStatus:
    """What is said of a list; it comes beside the reports of its legs, and does not tell which leg won."""
    return ListStatus(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        symbol=event.symbol,
        list_client_order_id=event.list_client_order_id,
        exchange_list_id=str(event.order_list_id),
        contingency_type=event.contingency_type,
        list_status_type=event.list_status_type,
        list_order_status=event.list_order_status,
        legs=tuple(leg.client_order_id for leg in event.legs),
        ts_event_ms=event.transact_time_ms,
        ts_init_ms=now_ms,
    )


def balance_fact(
    event: AccountPosition | BalanceUpdate | ExternalLockUpdate, account_id: str, now_ms: int
) -> BalanceFact:
    """Positions are absolute balances of the assets that may have changed; the two others are signed changes."""
    if isinstance(event, AccountPosition):
        return BalanceChanged(
            account_id=account_id,
            exchange=Exchange.BINANCE,
            balances=tuple(
                AssetBalance(asset=b.asset, free=finite(b.free, "f"), locked=finite(b.locked, "l"))
                for b in event.balances
            ),
            ts_event_ms=event.updated_ms if event.updated_ms is not None else event.event_time_ms,
            ts_init_ms=now_ms,
        )
    return BalanceAdjusted(
        account_id=account_id,
        exchange=Exchange.BINANCE,
        asset=event.asset,
        delta=finite(event.delta, "d"),
        reason="transfer" if isinstance(event, BalanceUpdate) else "external_lock",
        ts_event_ms=event.time_ms,
        ts_init_ms=now_ms,
    )
