"""Orders, lists and fills as Binance prints them (sections 6.1 to 6.5): eight decimals, and its own spellings."""

from decimal import Decimal
from typing import Any

from paper_exchange.core.ledger import Account
from paper_exchange.core.money import num
from paper_exchange.core.orders import CONTINGENT, Fill, Order, OrderList

Json = dict[str, Any]


def ack(order: Order, now_ms: int) -> Json:
    """The shortest answer to a placement; it has no status."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": list_id(order),
        "clientOrderId": order.client_order_id,
        "transactTime": now_ms,
    }


def list_id(order: Order) -> int:
    """The list's id, -1 for a single order."""
    return -1 if order.order_list is None else order.order_list.list_id


def placed(order: Order, now_ms: int, response_type: str) -> Json:
    """The answer to a placement as ACK, RESULT or FULL."""
    body = ack(order, now_ms)
    if response_type == "ACK":
        return body
    body["price"] = num(order.px)
    if not _awaits_size(order):
        body["origQty"] = num(order.qty)
    body |= {
        "executedQty": num(order.cum_qty),
        "origQuoteOrderQty": num(order.request.quote_qty),
        "cummulativeQuoteQty": num(order.cum_quote),
        "status": order.status,
        "timeInForce": order.request.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.type in CONTINGENT:
        body["stopPrice"] = num(order.stop_px)
    if order.expiry_reason is not None:
        body["expiryReason"] = order.expiry_reason
    body["workingTime"] = order.working_ms
    if response_type == "FULL":
        body["fills"] = [_fill(fill) for fill in order.fills]
    body["selfTradePreventionMode"] = order.request.self_trade_mode
    return _labelled(body, order)


def _awaits_size(order: Order) -> bool:
    """OPO legs have no quantity until they are released."""
    return order.order_list is not None and order.order_list.sizes_by_proceeds and order.status == "PENDING_NEW"


def _labelled(body: Json, order: Order) -> Json:
    if order.request.strategy_id is not None:
        body["strategyId"] = order.request.strategy_id
    if order.request.strategy_type is not None:
        body["strategyType"] = order.request.strategy_type
    return body


def _fill(fill: Fill) -> Json:
    return {
        "price": num(fill.px),
        "qty": num(fill.qty),
        "commission": num(fill.fee),
        "commissionAsset": fill.fee_asset,
        "tradeId": fill.trade_id,
    }


def canceled(order: Order, cancel_id: str) -> Json:
    """The answer to a cancel: the order's own id is `origClientOrderId`."""
    body: Json = {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": list_id(order),
        "clientOrderId": cancel_id,
        "transactTime": order.updated_ms,
        "price": num(order.px),
        "origQty": num(order.qty),
        "executedQty": num(order.cum_qty),
        "origQuoteOrderQty": num(order.request.quote_qty),
        "cummulativeQuoteQty": num(order.cum_quote),
        "status": order.status,
        "timeInForce": order.request.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    if order.type in CONTINGENT:
        body["stopPrice"] = num(order.stop_px)
    body["selfTradePreventionMode"] = order.request.self_trade_mode
    return _labelled(body, order)


def queried(order: Order) -> Json:
    """The answer to an order query."""
    body: Json = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": list_id(order),
        "clientOrderId": order.client_order_id,
        "price": num(order.px),
        "origQty": num(order.qty),
        "executedQty": num(order.cum_qty),
        "cummulativeQuoteQty": num(order.cum_quote),
        "status": order.status,
        "timeInForce": order.request.time_in_force,
        "type": order.type,
        "side": order.side,
        "stopPrice": num(order.stop_px),
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": order.working_ms != -1,
        "workingTime": order.working_ms,
        "origQuoteOrderQty": num(order.request.quote_qty),
        "selfTradePreventionMode": order.request.self_trade_mode,
    }
    if order.expiry_reason is not None:
        body["expiryReason"] = order.expiry_reason
    return _labelled(body, order)


def order_list(found: OrderList, reports: list[Json] | None = None) -> Json:
    """A list; `reports` are its legs in the form the call asks for."""
    body: Json = {
        "orderListId": found.list_id,
        "contingencyType": found.contingency,
        "listStatusType": "ALL_DONE" if found.is_done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if found.is_done else "EXECUTING",
        "listClientOrderId": found.client_list_id,
        "transactionTime": found.updated_ms,
        "symbol": found.symbol,
        "orders": [
            {"symbol": leg.symbol, "orderId": leg.order_id, "clientOrderId": leg.client_order_id} for leg in found.legs
        ],
    }
    if reports is not None:
        body["orderReports"] = reports
    return body


def list_placed(found: OrderList, now_ms: int, response_type: str) -> Json:
    """The answer to a list placement."""
    return order_list(found, [placed(leg, now_ms, response_type) for leg in found.legs])


def list_canceled(found: OrderList, cancel_id: str) -> Json:
    """The answer to a cancel that took a list."""
    return order_list(found, [canceled(leg, cancel_id) for leg in found.legs if leg.status == "CANCELED"])


def my_trade(order: Order, fill: Fill) -> Json:
    """One row of myTrades: no client id, no side but `isBuyer`."""
    return {
        "symbol": order.symbol,
        "id": fill.trade_id,
        "orderId": order.order_id,
        "orderListId": list_id(order),
        "price": num(fill.px),
        "qty": num(fill.qty),
        "quoteQty": num(fill.quote),
        "commission": num(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.ts_ms,
        "isBuyer": order.side == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def rates(account: Account) -> Json:
    """Commission rates as fractions."""
    none = num(Decimal(0))
    return {"maker": num(account.maker_rate), "taker": num(account.taker_rate), "buyer": none, "seller": none}


def account_info(account: Account, *, can_withdraw: bool, omit_zero: bool) -> Json:
    """GET /api/v3/account."""
    return {
        "makerCommission": int(account.maker_rate * 10_000),
        "takerCommission": int(account.taker_rate * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates(account),
        "canTrade": True,
        "canWithdraw": can_withdraw,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": account.updated_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": num(balance.free), "locked": num(balance.locked)}
            for asset, balance in account.balances.items()
            if not omit_zero or balance.free or balance.locked
        ],
        "permissions": ["SPOT"],
        "uid": account.uid,
    }
