"""Order and trade objects of REST to facts."""

import msgspec

from common.accounts import AssetBalance, BalanceChanged
from common.connector.amounts import ZERO
from common.exchanges import Exchange
from common.orders import OrderAccepted, OrderFilled, OrderSnapshot, OrderStatus, Side
from mexc_connector.facts import (
    amount,
    limit_px,
    mean_px,
    number,
    order_type_of,
    positive,
    positive_or_none,
    side_of,
    status_of,
    text_or_none,
)
from mexc_connector.frames import AccountBody, OrderAck, OrderBody, TradeBody


class Reader(msgspec.Struct, frozen=True):
    """Whose object it is and when it was read: what the bytes themselves do not say."""

    account_id: str
    now_ms: int

    def accepted(self, body: OrderAck, *, symbol: str, client_order_id: str | None) -> OrderAccepted:
        """The answer to a placement. It does not echo the client id: who placed it knows."""
        order_type = order_type_of(body.order_type)
        return OrderAccepted(
            account_id=self.account_id,
            exchange=Exchange.MEXC,
            symbol=body.symbol or symbol,
            client_order_id=body.new_client_order_id or client_order_id or body.client_order_id or None,
            exchange_order_id=str(body.order_id),
            side=side_of(body.side),
            order_type=order_type,
            status=OrderStatus.NEW,
            qty=positive_or_none(body.orig_qty, "origQty"),
            price=limit_px(body.price, order_type),
            cum_qty=ZERO,
            ts_event_ms=body.transact_time if body.transact_time is not None else self.now_ms,
            ts_init_ms=self.now_ms,
        )

    def snapshot(self, body: OrderBody) -> OrderSnapshot:
        """What a query says. Its times are whole seconds. Raises UnreadableFrame for a state that is not documented."""
        cum_qty = amount(body.executed_qty, "executedQty")
        order_type = order_type_of(body.order_type)
        told_ms = (body.update_time, body.time, self.now_ms)
        return OrderSnapshot(
            account_id=self.account_id,
            exchange=Exchange.MEXC,
            symbol=body.symbol,
            client_order_id=text_or_none(body.client_order_id),
            exchange_order_id=str(body.order_id),
            side=side_of(body.side),
            order_type=order_type,
            status=status_of(body.status, cum_qty),
            qty=positive_or_none(body.orig_qty, "origQty"),
            price=limit_px(body.price, order_type),
            cum_qty=cum_qty,
            avg_px=mean_px(amount(body.cummulative_quote_qty, "cummulativeQuoteQty"), cum_qty),
            ts_event_ms=next(told for told in told_ms if told is not None),
            ts_init_ms=self.now_ms,
        )

    def trade(self, body: TradeBody) -> OrderFilled:
        """One of `myTrades`; the state of its order comes from the order."""
        return OrderFilled(
            account_id=self.account_id,
            exchange=Exchange.MEXC,
            symbol=body.symbol,
            client_order_id=text_or_none(body.client_order_id),
            exchange_order_id=str(body.order_id),
            side=Side.BUY if body.is_buyer else Side.SELL,
            trade_id=str(body.id),
            last_qty=positive(body.qty, "qty"),
            last_px=positive(body.price, "price"),
            fee=number(body.commission, "commission"),
            fee_asset=text_or_none(body.commission_asset),
            ts_event_ms=body.time,
            ts_init_ms=self.now_ms,
        )

    def balances(self, body: AccountBody) -> BalanceChanged:
        """All balances; an asset that is not listed is zero."""
        return BalanceChanged(
            account_id=self.account_id,
            exchange=Exchange.MEXC,
            balances=tuple(
                AssetBalance(asset=b.asset, free=amount(b.free, "free"), locked=amount(b.locked, "locked"))
                for b in body.balances
            ),
            ts_event_ms=body.update_time if body.update_time is not None else self.now_ms,
            ts_init_ms=self.now_ms,
        )
