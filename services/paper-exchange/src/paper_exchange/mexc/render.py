"""Orders and fills as MEXC's REST prints them (section 6): plain decimals, times in whole seconds."""

from decimal import Decimal
from typing import Any, Literal

from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO, plain
from paper_exchange.core.orders import Fill, Order
from paper_exchange.mexc import ids

Json = dict[str, Any]
_STATUSES = {"NEW": "NEW", "PARTIALLY_FILLED": "PARTIALLY_FILLED", "FILLED": "FILLED"}
_STP = {"EXPIRE_TAKER": "cancel_taker", "EXPIRE_MAKER": "cancel_maker", "EXPIRE_BOTH": "cancel_both"}


def status_of(status: str, cum_qty: Decimal) -> str:
    """MEXC's name: whatever ended an order, it is CANCELED, or PARTIALLY_CANCELED when something had filled."""
    return _STATUSES.get(status) or ("PARTIALLY_CANCELED" if cum_qty else "CANCELED")


def type_of(order: Order) -> str:
    """MEXC's name: time in force is part of the type."""
    tif = order.request.time_in_force
    return {"IOC": "IMMEDIATE_OR_CANCEL", "FOK": "FILL_OR_KILL"}.get(tif, order.type)


def quote_of(order: Order, qty: Decimal) -> Decimal:
    """What `qty` is worth at the order's price; for MARKET orders that is the protection price."""
    return order.px * qty


def _seconds(ts_ms: int) -> int:
    return ts_ms // 1000 * 1000


def ack(order: Order) -> Json:
    """The answer to a placement, which has neither status nor client id."""
    return {
        "symbol": order.symbol,
        "orderId": ids.order_id(order.order_id),
        "orderListId": -1,
        "price": plain(order.px),
        "origQty": plain(order.qty),
        "type": type_of(order),
        "side": order.side,
        "transactTime": order.created_ms,
    }


def batch_ack(order: Order) -> Json:
    """One accepted order of a batch."""
    body: Json = {"symbol": order.symbol, "orderId": ids.order_id(order.order_id)}
    if order.client_order_id:
        body["newClientOrderId"] = order.client_order_id
    return body | {"orderListId": -1}


def queried(order: Order) -> Json:
    """An order as GET order, openOrders and allOrders show it."""
    body: Json = {
        "symbol": order.symbol,
        "orderId": ids.order_id(order.order_id),
        "orderListId": -1,
        "clientOrderId": order.client_order_id or None,
        "price": plain(order.px),
        "origQty": plain(order.qty),
        "executedQty": plain(order.cum_qty),
        "cummulativeQuoteQty": plain(order.cum_quote),
        "status": status_of(order.status, order.cum_qty),
        "timeInForce": None,
        "type": type_of(order),
        "side": order.side,
        "stopPrice": None,
        "icebergQty": None,
        "time": _seconds(order.created_ms),
        "updateTime": None if order.status == "NEW" else _seconds(order.updated_ms),
        "isWorking": True,
        "origQuoteOrderQty": plain(quote_of(order, order.qty)),
    }
    mode = _STP.get(order.request.self_trade_mode)
    if mode is not None:
        body["stpMode"] = mode
    if order.status == "EXPIRED_IN_MATCH":
        body["cancelReason"] = "stp_cancel"
    return body


def canceled(order: Order, cancel_id: str, answer: Literal["live", "docs", "minimal"]) -> Json:
    """The answer to a cancel. The live one shows the order as it was before (section 6.5)."""
    body = {"symbol": order.symbol, "orderId": ids.order_id(order.order_id)}
    end = {"price": plain(order.px), "origQty": plain(order.qty)}
    kind = {"type": type_of(order), "side": order.side}
    if answer == "minimal":
        return body | end | kind
    is_live = answer == "live"
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id or None,
        "orderId": body["orderId"],
        **({"orderListId": -1} if is_live else {}),
        "clientOrderId": (order.client_order_id or None) if is_live else cancel_id,
        **end,
        "executedQty": plain(order.cum_qty),
        "cummulativeQuoteQty": plain(order.cum_quote),
        "status": status_of(order.status if is_live else "CANCELED", order.cum_qty),
        "timeInForce": "GTC",
        **kind,
    }


def my_trade(order: Order, fill: Fill) -> Json:
    """One row of myTrades."""
    return {
        "symbol": order.symbol,
        "id": ids.trade_id(fill.trade_id),
        "orderId": ids.order_id(order.order_id),
        "orderListId": -1,
        "price": plain(fill.px),
        "qty": plain(fill.qty),
        "quoteQty": plain(fill.quote),
        "commission": plain(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": _seconds(fill.ts_ms),
        "isBuyer": order.side == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
        "isSelfTrade": False,
        "clientOrderId": order.client_order_id or None,
    }


def account_info(account: Account, *, can_trade: bool) -> Json:
    """GET account: assets that are not zero."""
    return {
        "canTrade": can_trade,
        "canWithdraw": False,
        "canDeposit": True,
        "updateTime": None,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": plain(balance.free), "locked": plain(balance.locked)}
            for asset, balance in account.balances.items()
            if balance.free + balance.locked != ZERO
        ],
        "permissions": ["SPOT"],
    }
