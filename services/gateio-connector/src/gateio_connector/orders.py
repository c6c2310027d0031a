"""Orders and trades, of REST and of the pushes, to facts."""

from decimal import Decimal
from typing import Any

import msgspec

from common.connector.amounts import ZERO, amount, positive, some
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderType,
    Side,
)
from gateio_connector.frames import OrderRow, TradeRow
from gateio_connector.names import client_id_of
from gateio_connector.numbers import ended_status, ms, open_status, order_type_of, seconds_as_ms, side_of
from gateio_connector.pairs import symbol_of

_OPEN_EVENTS = frozenset({"put", "update"})


class Reader(msgspec.Struct, frozen=True):
    """Whose rows they are and when they were read: what the bytes themselves do not say."""

    account_id: str
    now_ms: int

    def snapshot(self, row: OrderRow) -> OrderSnapshot:
        """What a query says. Raises UnreadableFrame."""
        return OrderSnapshot(**self.fields(row))

    def placed(self, row: OrderRow) -> tuple[OrderFact, ...]:
        """A placement: accepted, and how it stands where it has traded or ended already. Its trades are told by the
        stream; the row itself does not list them."""
        if row.status is None and row.event is None:  # action_mode=ACK: an id, and nothing else.
            return ()
        fields = self.fields(row)
        if fields["status"] is OrderStatus.REJECTED:
            return self.ended(row)
        fresh = {**fields, "status": OrderStatus.NEW, "cum_qty": ZERO, "avg_px": None}
        accepted = OrderAccepted(**fresh)
        return (accepted,) if fields["status"] is OrderStatus.NEW else (accepted, *self.ended(row))

    def ended(self, row: OrderRow) -> tuple[OrderFact, ...]:
        """How an order ended, fills included; of one that has not, how it stands."""
        fields = self.fields(row)
        reason = row.finish_as or row.status or row.event
        match fields["status"]:
            case OrderStatus.CANCELED:
                return (OrderCanceled(**fields),)
            case OrderStatus.EXPIRED:
                return (OrderExpired(**fields, reason=reason),)
            case OrderStatus.REJECTED:
                return (OrderRejected(**fields, category=ErrorCategory.PRICE_RELATION, code=reason, reason=reason),)
            case _:
                return (OrderSnapshot(**fields),)

    def pushed(self, row: OrderRow) -> tuple[OrderFact, ...]:
        """A push of `spot.orders`. Trades have a channel of their own: an update for a trade says nothing new."""
        if row.event == "put":
            fields = self.fields(row)
            return (OrderAccepted(**{**fields, "status": OrderStatus.NEW, "cum_qty": ZERO, "avg_px": None}),)
        if row.event == "update":
            snapshot = self.snapshot(row)
            return () if snapshot.cum_qty else (snapshot,)
        return self.ended(row)

    def trade(self, row: TradeRow) -> OrderFilled:
        """One trade. Its state and totals stand in the order. Raises UnreadableFrame."""
        side = side_of(row.side)
        fee, fee_asset = fee_of(row, side)
        return OrderFilled(
            account_id=self.account_id,
            exchange=Exchange.GATEIO,
            symbol=symbol_of(row.currency_pair),
            client_order_id=client_id_of(row.text),
            exchange_order_id=str(row.order_id),
            side=side,
            trade_id=str(row.id),
            last_qty=positive(row.amount, "amount"),
            last_px=positive(row.price, "price"),
            fee=fee,
            fee_asset=fee_asset,
            ts_event_ms=_time(row.create_time_ms, row.create_time),
            ts_init_ms=self.now_ms,
        )

    def fields(self, row: OrderRow) -> dict[str, Any]:
        """The fields of any fact about this order. Raises UnreadableFrame."""
        if not row.id or row.currency_pair is None or row.side is None:
            raise UnreadableFrame("an order without id, currency_pair or side")
        side, order_type = side_of(row.side), order_type_of(row.type, row.time_in_force)
        market_buy = order_type is OrderType.MARKET and side is Side.BUY
        qty = None if market_buy else some(row.amount, "amount")
        cum_qty = filled_qty(row, market_buy=market_buy)
        total = amount(row.filled_total, "filled_total")
        return {
            "account_id": self.account_id,
            "exchange": Exchange.GATEIO,
            "symbol": symbol_of(row.currency_pair),
            "client_order_id": client_id_of(row.text),
            "exchange_order_id": row.id,
            "side": side,
            "order_type": order_type,
            "status": _status(row, order_type, cum_qty),
            "qty": qty,
            "price": None if order_type is OrderType.MARKET else some(row.price, "price"),
            "cum_qty": cum_qty,
            "avg_px": (total / cum_qty if total else some(row.avg_deal_price, "avg_deal_price")) if cum_qty else None,
            "ts_event_ms": _time(row.update_time_ms or row.create_time_ms, row.update_time or row.create_time),
            "ts_init_ms": self.now_ms,
        }


def filled_qty(row: OrderRow, *, market_buy: bool) -> Decimal:
    """What was filled, in base. `left` of a market buy counts quote and is useless for it; a market buy without
    `filled_amount` (old servers) is taken from its mean price."""
    if row.filled_amount is not None:
        return amount(row.filled_amount, "filled_amount")
    if not market_buy:
        return max(amount(row.amount, "amount") - amount(row.left, "left"), ZERO) if row.left is not None else ZERO
    mean, total = some(row.avg_deal_price, "avg_deal_price"), amount(row.filled_total, "filled_total")
    if total and mean is None:
        raise UnreadableFrame("filled_amount: needed for a market buy that has traded")
    return total / mean if mean is not None else ZERO


def fee_of(row: TradeRow, side: Side) -> tuple[Decimal, str | None]:
    """What a trade cost: taken from what is received, or in GT, or in points, which then are all of it."""
    base, _, quote = row.currency_pair.partition("_")
    asset = row.fee_currency or (base if side is Side.BUY else quote)
    if fee := amount(row.fee, "fee"):
        return fee, asset
    if gt_fee := amount(row.gt_fee, "gt_fee"):
        return gt_fee, "GT"
    if points := amount(row.point_fee, "point_fee"):
        return points, "POINT"
    return ZERO, asset


def _status(row: OrderRow, order_type: OrderType, cum_qty: Decimal) -> OrderStatus:
    if row.status == "open" or (row.status is None and row.event in _OPEN_EVENTS):
        return open_status(cum_qty)
    ended = row.status in {"closed", "cancelled"} or (row.status is None and row.event == "finish")
    if not ended:
        raise UnreadableFrame(f"status: {row.status or row.event!r} is not documented")
    nothing_left = row.left is not None and not amount(row.left, "left")
    return ended_status(
        finish_as=row.finish_as,
        time_in_force=row.time_in_force,
        closed=row.status != "cancelled",
        complete=nothing_left or (order_type is OrderType.MARKET and cum_qty > ZERO),
        filled=cum_qty > ZERO,
    )


def _time(in_ms: Any, in_seconds: Any) -> int:
    return ms(in_ms, "time") if in_ms not in (None, "") else seconds_as_ms(in_seconds, "time")
