"""Orders, fills and balances as v3 prints them, for REST and sockets alike: fees positive and in lists (section 10)."""

from typing import Any

from paper_exchange.bitget.numbers import short
from paper_exchange.bitget.render import (
    average,
    fees_by_coin,
    force,
    history_row,
    order_type,
    size_of,
    status_of,
    stp_mode,
)
from paper_exchange.core.events import OrderEvent
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Fill, Order

Json = dict[str, Any]


def order_row(order: Order) -> Json:
    """A row of order-info, unfilled-orders and history-orders."""
    is_money = bool(order.request.quote_qty)
    return {
        "orderId": str(order.order_id),
        "clientOid": order.client_order_id,
        "category": "SPOT",
        "symbol": order.symbol,
        "orderType": order_type(order),
        "side": order.side.lower(),
        "price": short(order.px),
        "qty": "0" if is_money else short(order.qty),
        "amount": short(size_of(order)) if is_money else "0",
        "cumExecQty": short(order.cum_qty),
        "cumExecValue": short(order.cum_quote),
        "avgPrice": short(average(order.cum_quote, order.cum_qty)),
        "timeInForce": force(order),
        "orderStatus": status_of(order.status),
        "posSide": "",
        "holdMode": "",
        "reduceOnly": "NO",
        "stpMode": stp_mode(order),
        "takeProfit": "",
        "stopLoss": "",
        "feeDetail": _fees(order.fills),
        "cancelReason": history_row(order)["cancelReason"],
        "execType": "normal",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def _fees(fills: list[Fill]) -> list[Json]:
    return [{"feeCoin": coin, "fee": short(fee)} for coin, fee in fees_by_coin(fills).items()]


def order_push(event: OrderEvent, told: list[Fill]) -> Json:
    """The row as it was at the event; `told` are the fills up to then."""
    return {
        **order_row(event.order),
        "category": "spot",
        "cumExecQty": short(event.cum_qty),
        "cumExecValue": short(event.cum_quote),
        "avgPrice": short(average(event.cum_quote, event.cum_qty)),
        "orderStatus": status_of(event.status),
        "feeDetail": _fees(told),
        "updatedTime": str(event.ts_ms),
    }


def fill_row(order: Order, fill: Fill) -> Json:
    """A row of fills."""
    return {
        "execId": str(fill.trade_id),
        "execLinkId": str(fill.trade_id),
        "orderId": str(order.order_id),
        "clientOid": order.client_order_id,
        "category": "SPOT",
        "symbol": order.symbol,
        "orderType": order_type(order),
        "side": order.side.lower(),
        "execPrice": short(fill.px),
        "execQty": short(fill.qty),
        "execValue": short(fill.quote),
        "tradeScope": "maker" if fill.is_maker else "taker",
        "feeDetail": [{"feeCoin": fill.fee_asset, "fee": short(fill.fee)}],
        "execPnl": "0",
        "createdTime": str(fill.ts_ms),
        "updatedTime": str(fill.ts_ms),
    }


def fill_push(order: Order, fill: Fill) -> Json:
    """A push of the fill topic."""
    return {**fill_row(order, fill), "execTime": str(fill.ts_ms)}


def asset_row(account: Account, coin: str) -> Json:
    """A coin of account/assets."""
    balance = account.balance(coin)
    total = short(balance.free + balance.locked)
    return {
        "coin": coin,
        "equity": total,
        "usdValue": "0",
        "balance": total,
        "available": short(balance.free),
        "debt": short(ZERO),
        "locked": short(balance.locked),
    }
