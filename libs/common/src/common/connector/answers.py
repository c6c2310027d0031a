"""What a command is about, and the facts it is answered with when the exchange gave none: pure."""

from typing import Any, Literal

from common.commands import CancelOrder, Command, SubmitOrder, SubmitOrderList
from common.connector.ports import OrderRef, Rejected, Unknown
from common.connector.rates import Priority
from common.ids import Leg, parse
from common.orders import OrderRejected, OrderType, OrderUnknown, Side


def rejected(command: SubmitOrder | SubmitOrderList, leg: str, refusal: Rejected, now_ms: int) -> OrderRejected:
    """The refusal of one leg."""
    return OrderRejected(
        **_about(command, leg, now_ms),
        side=command.side,
        order_type=_order_type(command, leg),
        qty=command.qty,
        category=refusal.category,
        code=refusal.code,
        reason=refusal.reason,
    )


def unknown(
    command: Command,
    leg: str | None,
    operation: Literal["submit", "cancel", "query"],
    outcome: Rejected | Unknown,
    now_ms: int,
) -> OrderUnknown:
    """That nobody knows what became of a request."""
    about = _about(command, leg, now_ms)
    return OrderUnknown(**about, operation=operation, code=outcome.code, reason=outcome.reason)


def ref_of(command: Command, client_order_id: str | None, exchange_order_id: str | None = None) -> OrderRef:
    """One of the orders of a command."""
    return OrderRef(
        account_id=command.account_id,
        symbol=command.symbol,
        client_order_id=client_order_id,
        exchange_order_id=exchange_order_id,
    )


def cancel_of(command: SubmitOrder, exchange_order_id: str | None) -> CancelOrder:
    """The cancel of what the command placed."""
    return CancelOrder(
        command_id=command.command_id,
        bracket_id=command.bracket_id,
        account_id=command.account_id,
        exchange=command.exchange,
        symbol=command.symbol,
        ts_init_ms=command.ts_init_ms,
        valid_until_ms=command.valid_until_ms,
        client_order_id=command.client_order_id,
        exchange_order_id=exchange_order_id,
    )


def is_exit(command: SubmitOrder | SubmitOrderList) -> bool:
    """Whether it sells what a position holds."""
    if isinstance(command, SubmitOrderList):
        return True
    key = parse(command.client_order_id)
    return command.side is Side.SELL if key is None else key.leg is not Leg.ENTRY


def priority_of(command: SubmitOrder | SubmitOrderList) -> Priority:
    """Exits go first."""
    return Priority.PROTECTION if is_exit(command) else Priority.TRADING


def _order_type(command: SubmitOrder | SubmitOrderList, leg: str) -> OrderType:
    if isinstance(command, SubmitOrder):
        return command.order_type
    return next(each.order_type for each in (command.take_profit, command.stop_loss) if each.client_order_id == leg)


def _about(command: Command, leg: str | None, now_ms: int) -> dict[str, Any]:
    return {
        "account_id": command.account_id,
        "exchange": command.exchange,
        "symbol": command.symbol,
        "client_order_id": leg,
        "list_client_order_id": getattr(command, "list_client_order_id", None),
        "ts_event_ms": now_ms,
        "ts_init_ms": now_ms,
    }
