"""The examples of the API documentation, of orders: placed, previewed, cancelled, followed."""

from typing import Any, Final

from gateway.http.shapes import ByName, Sometimes

_ACCOUNT: Final[dict[str, Any]] = {
    "exchange": "BINANCE",
    "credentialId": "8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11",
}
_OPERATION: Final = "0b9d4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11"
_BRACKET: Final = "bq7c4k2mzt5nd6xay3"
_RESIDENCY: Final[dict[str, Any]] = {"residency": "exchange", "residencyReason": "waits on the exchange"}
_STYLE: Final[dict[str, Any]] = {
    "exitStyle": "oco",
    "tpType": "LIMIT_MAKER",
    "stopType": "STOP_LOSS",
    "tpResidency": "exchange",
    "stopResidency": "exchange",
    "residencyReason": "waits on the exchange",
    "merged": False,
    "expectedDust": "0",
}
_ORDER: Final[dict[str, Any]] = {
    "orderId": "123456789",
    "clientOrderId": f"{_BRACKET}-e0",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "0.001",
    "price": None,
    **_ACCOUNT,
    "orderGroupId": _BRACKET,
    "operationId": _OPERATION,
    "quoteOrderQty": Sometimes("50"),
    "newClientOrderId": Sometimes("my-order-1"),
    "protection": Sometimes(
        {
            **_STYLE,
            "exits": [
                {
                    "level": 1,
                    "quantity": "0.00099",
                    "tpPrice": "105000",
                    "tpLimitPrice": None,
                    "slPrice": "95000",
                    "slLimitPrice": None,
                }
            ],
        }
    ),
    "status": "FILLED",
    "executedQty": "0.001",
    "avgPrice": "100005.2",
}
_LEG: Final[dict[str, Any]] = {
    "orderRole": "TP1",
    "level": 1,
    "side": "SELL",
    "type": "LIMIT_MAKER",
    "quantity": "0.00099",
    "price": "105000",
    "stopPrice": None,
    "notional": "103.95",
    "expectedFee": {"asset": "USDT", "amount": "0.10395"},
    **_RESIDENCY,
}
_PREVIEW: Final[dict[str, Any]] = {
    "dryRun": True,
    **_ACCOUNT,
    "symbol": "BTCUSDT",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "feeRate": "0.001",
    "side": "BUY",
    "quantity": "0.001",
    "expectedPrice": "100000",
}
PLACED: Final = {"status": "Success", "data": _ORDER}
DRY_ORDER: Final = {
    "status": "Success",
    "data": _PREVIEW
    | {
        "notional": "100",
        "notionalUsd": "100",
        "expectedFee": {"asset": "BTC", "amount": "0.000001", "inQuote": "0.1"},
        "protection": {**_STYLE, "exits": [_LEG]},
    },
}
DRY_OCO: Final = {"status": "Success", "data": _PREVIEW | {"side": "SELL", "exits": [_LEG]}}
OCO_PLACED: Final = {
    "status": "Success",
    "data": {
        "symbol": "ZECUSDT",
        "side": "SELL",
        "quantity": "0.02786",
        "status": "NEW",
        **_ACCOUNT,
        "orderGroupId": _BRACKET,
        "operationId": _OPERATION,
        "orders": [
            {
                "clientOrderId": f"{_BRACKET}-t0",
                "orderRole": "TP1",
                "type": "TAKE_PROFIT_LIMIT",
                "price": "395",
                "stopPrice": "395",
                **_RESIDENCY,
            }
        ],
    },
}
CANCELED: Final = {
    "status": "Success",
    "data": {
        "orderId": "123456789",
        "clientOrderId": f"{_BRACKET}-e0",
        "symbol": "BTCUSDT",
        "status": "CANCELED",
        "executedQty": "0",
        "operationId": _OPERATION,
    },
}
ALL_CANCELED: Final = {
    "status": "Success",
    "data": {
        "symbol": "BTCUSDT",
        "orders": [{"clientOrderId": f"{_BRACKET}-t0", "status": "CANCELED"}],
        "operationId": _OPERATION,
    },
}
PENDING: Final = {
    "status": "Success",
    "data": {"operationId": _OPERATION, "statusUrl": f"/exchanges/operations/{_OPERATION}", "outcome": "unknown"},
}
OPERATION: Final = {
    "status": "Success",
    "data": {
        "operationId": _OPERATION,
        "symbol": "BTCUSDT",
        **_ACCOUNT,
        "state": "SUCCEEDED",
        "result": ByName(_ORDER),
        "problem": None,
        "createdAt": 1795341600000,
        "validUntil": 1795341630000,
    },
}
BATCH: Final = {
    "status": "Success",
    "data": [
        {
            "index": 0,
            "statusCode": 200,
            "status": "Success",
            "data": Sometimes(ByName(_ORDER)),
            "problem": Sometimes(None),
        }
    ],
}
