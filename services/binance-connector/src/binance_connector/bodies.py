"""Order objects of REST (and of the WebSocket API, which answers with the same) to facts."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from binance_connector.facts import amount, list_id_of, mean_px, order_type_of, positive_or_none, status_of
from binance_connector.frames import AmendBody, ListLegRef, OrderBody, OrderListBody, TradeBody
from binance_connector.names import own_name
from common.connector.amounts import ZERO, finite
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
    Side,
)


class Reader(msgspec.Struct, frozen=True):
    """Whose object it is and when it was read: what the bytes themselves do not say."""

    account_id: str
    now_ms: int

    def placed(self, body: OrderBody) -> tuple[OrderFact, ...]:
        """A placement in the words the stream would use: accepted, then each fill, then how it ended if it has.

        A body with executions it does not list (RESULT, or an old server) ends with a snapshot, which makes its reader
        ask for the trades.
        """
        truth = self._fields(body)
        if body.status is None:  # ACK has neither state nor quantities.
            return (OrderAccepted(**truth),)
        end = self._end(body, truth)
        if truth["status"] is OrderStatus.REJECTED:
            return end
        fresh = {**truth, "status": OrderStatus.NEW, "cum_qty": ZERO, "avg_px": None}
        fills = tuple(self._fills(body, fresh))
        listed = sum((fill.last_qty for fill in fills if fill.last_qty is not None), ZERO)
        untold = () if listed == (truth["cum_qty"] or ZERO) else (self.snapshot(body),)
        return (OrderAccepted(**fresh), *fills, *untold, *end)

    def canceled(self, body: OrderBody) -> tuple[OrderFact, ...]:
        """The answer to a cancel; `cum_qty` may be above zero."""
        return self._end(body, self._fields(body)) or (self.snapshot(body),)

    def snapshot(self, body: OrderBody) -> OrderSnapshot:
        """What a query says. Raises UnreadableFrame for a state that is not documented."""
        fields = self._fields(body)
        if fields["status"] is None:
            raise UnreadableFrame(f"order status {body.status}")
        return OrderSnapshot(**fields)

    def amended(self, body: AmendBody) -> OrderSnapshot:
        """The answer to an amend: the same order, smaller."""
        order = msgspec.structs.replace(body.amended_order, transact_time=body.transact_time)
        return self.snapshot(order)

    def list_placed(self, body: OrderListBody) -> tuple[OrderFact, ...]:
        """Each leg's facts, then the list's. Legs are told apart by client id, never by their place."""
        legs = [self.placed(report) for report in body.order_reports or ()]
        if not legs:
            legs = [(self._leg_accepted(body, leg),) for leg in body.orders]
        return self._with_list(body, legs)

    def list_canceled(self, body: OrderListBody) -> tuple[OrderFact, ...]:
        """A cancel of a list, or of one leg, which cancels the list."""
        return self._with_list(body, [self.canceled(report) for report in body.order_reports or ()])

    def list_status(self, body: OrderListBody) -> ListStatus:
        """The list as a whole."""
        return ListStatus(
            account_id=self.account_id,
            exchange=Exchange.BINANCE,
            symbol=body.symbol,
            list_client_order_id=body.list_client_order_id,
            exchange_list_id=str(body.order_list_id),
            contingency_type=body.contingency_type,
            list_status_type=body.list_status_type,
            list_order_status=body.list_order_status,
            legs=tuple(leg.client_order_id for leg in body.orders),
            ts_event_ms=body.transaction_time,
            ts_init_ms=self.now_ms,
        )

    def trade(self, body: TradeBody, client_order_id: str | None = None) -> OrderFilled:
        """One of `myTrades`. It names no client id and no state: those come from the order it belongs to."""
        return OrderFilled(
            account_id=self.account_id,
            exchange=Exchange.BINANCE,
            symbol=body.symbol,
            client_order_id=client_order_id,
            exchange_order_id=str(body.order_id),
            exchange_list_id=list_id_of(body.order_list_id),
            side=Side.BUY if body.is_buyer else Side.SELL,
            trade_id=str(body.id),
            last_qty=amount(body.qty, "qty"),
            last_px=amount(body.price, "price"),
            fee=finite(body.commission, "commission"),
            fee_asset=body.commission_asset,
            ts_event_ms=body.time,
            ts_init_ms=self.now_ms,
        )

    def _with_list(self, body: OrderListBody, legs: Iterable[tuple[OrderFact, ...]]) -> tuple[OrderFact, ...]:
        name = body.list_client_order_id
        named = (msgspec.structs.replace(fact, list_client_order_id=name) for leg in legs for fact in leg)
        return (*named, self.list_status(body))

    def _leg_accepted(self, body: OrderListBody, leg: ListLegRef) -> OrderAccepted:
        return OrderAccepted(
            account_id=self.account_id,
            exchange=Exchange.BINANCE,
            symbol=body.symbol,
            client_order_id=leg.client_order_id,
            exchange_order_id=str(leg.order_id),
            exchange_list_id=list_id_of(body.order_list_id),
            ts_event_ms=body.transaction_time,
            ts_init_ms=self.now_ms,
        )

    def _end(self, body: OrderBody, fields: dict[str, Any]) -> tuple[OrderFact, ...]:
        match fields["status"]:
            case OrderStatus.CANCELED:
                return (OrderCanceled(**fields),)
            case OrderStatus.EXPIRED:
                return (OrderExpired(**fields, reason=body.expiry_reason or body.status),)
            case OrderStatus.REJECTED:
                return (OrderRejected(**fields, category=ErrorCategory.UNCLASSIFIED, reason=body.expiry_reason),)
            case None:
                raise UnreadableFrame(f"order status {body.status}")
            case _:
                return ()

    def _fills(self, body: OrderBody, fields: dict[str, Any]) -> Iterable[OrderFilled]:
        """The fills of a FULL reply, each with the cumulative quantity and mean price after it."""
        cum_qty, cum_quote = ZERO, ZERO
        for fill in body.fills or ():
            cum_qty += amount(fill.qty, "fills.qty")
            cum_quote += fill.qty * amount(fill.price, "fills.price")
            whole = body.status == "FILLED" and cum_qty == body.executed_qty
            yield OrderFilled(
                **{
                    **fields,
                    "status": OrderStatus.FILLED if whole else OrderStatus.PARTIALLY_FILLED,
                    "cum_qty": cum_qty,
                    "avg_px": mean_px(cum_quote, cum_qty),
                },
                trade_id=str(fill.trade_id),
                last_qty=fill.qty,
                last_px=fill.price,
                fee=finite(fill.commission, "fills.commission"),
                fee_asset=fill.commission_asset,
            )

    def _fields(self, body: OrderBody) -> dict[str, Any]:
        cum_qty = _optional_amount(body.executed_qty, "executedQty")
        quote = body.cummulative_quote_qty if body.cummulative_quote_qty is not None else body.cumulative_quote_qty
        order_type = order_type_of(body.order_type)
        qty = body.orig_qty if body.orig_qty is not None else body.qty
        event_ms = next((t for t in (body.transact_time, body.update_time, body.time) if t is not None), self.now_ms)
        return {
            "account_id": self.account_id,
            "exchange": Exchange.BINANCE,
            "symbol": body.symbol,
            # In the answer to a cancel `clientOrderId` is the cancel's own id.
            "client_order_id": body.orig_client_order_id or own_name(body.client_order_id, order_type),
            "exchange_order_id": str(body.order_id),
            "exchange_list_id": list_id_of(body.order_list_id),
            "side": body.side,
            "order_type": order_type,
            "status": None if body.status is None else status_of(body.status, cum_qty or ZERO),
            "qty": positive_or_none(qty, "origQty"),
            "price": positive_or_none(body.pegged_price or body.price, "price"),
            "cum_qty": cum_qty,
            "avg_px": None if cum_qty is None or quote is None else mean_px(quote, cum_qty),
            "trigger_px": positive_or_none(body.stop_price, "stopPrice"),
            "ts_event_ms": event_ms,
            "ts_init_ms": self.now_ms,
        }


def _optional_amount(value: Decimal | None, name: str) -> Decimal | None:
    return None if value is None else amount(value, name)
