"""The examples of the API documentation, of what an account has and what rests for it."""

from typing import Any, Final

from gateway.http.shapes import ByName

CURSOR: Final = "WyJvcGVuLW9yZGVycyIsMCwiQlRDVVNEVCIsIjEyMzQ1Njc5MCIsImJxN2M0azJtenQ1bmQ2eGF5My10MCJd"
BALANCE: Final = {
    "status": "Success",
    "data": [{"asset": "USDT", "free": "1000.5", "locked": "250", "total": "1250.5"}],
}
_RESIDENCY: Final[dict[str, Any]] = {"residency": "exchange", "residencyReason": "waits on the exchange"}
OPEN_ORDERS: Final = {
    "status": "Success",
    "data": [
        {
            "orderId": "123456790",
            "clientOrderId": "bq7c4k2mzt5nd6xay3-t0",
            "orderListId": "77",
            "exchange": "BINANCE",
            "symbol": "BTCUSDT",
            "side": "SELL",
            "type": "LIMIT_MAKER",
            "status": "NEW",
            "price": "105000",
            "stopPrice": None,
            "origQty": "0.00099",
            "quantity": "0.00099",
            "executedQty": "0",
            "time": 1795341600000,
            "orderRole": "TP1",
            "pair": 1,
            "orderGroupId": "bq7c4k2mzt5nd6xay3",
            **_RESIDENCY,
        }
    ],
}
POSITIONS: Final = {
    "status": "Success",
    "data": [
        {
            "asset": "BTC",
            "free": "0",
            "locked": "0.00099",
            "total": "0.00099",
            "symbol": "BTCUSDT",
            "quantity": "0.00099",
            "price": "100000",
            "usdValue": "99",
            "protectedQty": "0.00099",
            "guardedQty": "0",
            "unprotectedQty": "0",
            "orderGroupIds": ["bq7c4k2mzt5nd6xay3"],
        }
    ],
}
_ORDER: Final[dict[str, Any]] = {
    "id": 12,
    "orderId": "123456789",
    "clientOrderId": "bq7c4k2mzt5nd6xay3-e0",
    "exchange": "BINANCE",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "0.001",
    "price": None,
    "stopPrice": None,
    "status": "FILLED",
    "executedQty": "0.001",
    "avgPrice": "100005.2",
    "orderRole": "ENTRY",
    "pair": None,
    "orderGroupId": "bq7c4k2mzt5nd6xay3",
    "parentOrderId": None,
    "tpLevels": ["105000"],
    "slPrice": "95000",
    **_RESIDENCY,
    "fees": ByName({"BTC": "0.000001"}),
    "filledTimestamp": "2026-11-22T12:00:01+00:00",
    "createdAt": "2026-11-22T12:00:00+00:00",
    "updatedAt": "2026-11-22T12:00:01+00:00",
}
TRADES: Final = {
    "status": "Success",
    "data": [
        {
            "entryOrder": _ORDER,
            "relatedOrders": [
                _ORDER
                | {
                    "id": 13,
                    "orderId": "123456790",
                    "clientOrderId": "bq7c4k2mzt5nd6xay3-t0",
                    "side": "SELL",
                    "type": "LIMIT_MAKER",
                    "status": "NEW",
                    "orderRole": "TP1",
                    "pair": 1,
                    "executedQty": "0",
                }
            ],
            "entryPriceAvg": 100005.2,
            "exitPriceAvg": None,
            "currentPnL": 2.5,
            "pnlPercentage": 2.5,
            "fees": ByName({"BTC": "0.000001"}),
            "feesNotInPnL": ByName({"BNB": "0.0001"}),
            "orderGroupId": "bq7c4k2mzt5nd6xay3",
            "exchange": "BINANCE",
            "symbol": "BTCUSDT",
            "state": "PROTECTED",
            "quantity": "0.001",
            "heldQty": "0.00099",
            "protectedQty": "0.00099",
            "guardedQty": "0",
            "unprotectedQty": "0",
            "dustQty": "0",
            "createdAt": "2026-11-22T12:00:00+00:00",
            "updatedAt": "2026-11-22T12:00:01+00:00",
        }
    ],
    "nextCursor": "WyJ0cmFkZXMiLDE3OTUzNDE2MDAwMDAwMDAsImJxN2M0azJtenQ1bmQ2eGF5MyJd",
}
TRANSFERRED: Final = {
    "status": "Success",
    "data": {"tx_id": "59636381286", "currency": "USDT", "from": "spot", "to": "futures", "amount": "10"},
}
