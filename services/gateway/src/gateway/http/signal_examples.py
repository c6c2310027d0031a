"""The examples of the API documentation, of signals."""

from typing import Any, Final

from gateway.http.shapes import ByName

_ORDER: Final[dict[str, Any]] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "sizePct": "0.1",
    "tpLevels": ["4%", "6%"],
    "sl": "5%",
    "exchanges": ["BINANCE", "BITGET"],
}
_SIGNAL: Final[dict[str, Any]] = {
    "signalId": "0b9d4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11",
    "status": "RUNNING",
    "symbol": "BTCUSDT",
    "side": "BUY",
    "order": ByName(_ORDER),
    "createdBy": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
    "createdAt": 1795341600000,
    "validUntil": 1795341630000,
    "accounts": 200,
    "counts": ByName({"PENDING": 160, "SENT": 10, "PROTECTED": 29, "SKIPPED": 1}),
    "statusUrl": "/exchanges/signals/0b9d4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11",
}
_RECEIPT: Final[dict[str, Any]] = {
    "credentialId": "8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11",
    "userId": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
    "exchange": "BINANCE",
    "state": "PROTECTED",
    "code": None,
    "reason": None,
    "fix": None,
    "operationId": "3f0e4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11",
    "orderGroupId": "bq7c4k2mzt5nd6xay3",
    "clientOrderId": "bq7c4k2mzt5nd6xay3-e0",
    "orderId": "123456789",
    "executedQty": "0.001",
    "avgPrice": "100005.2",
    "sentAt": 1795341600100,
    "placedAt": 1795341600180,
    "filledAt": 1795341600200,
    "protectedAt": 1795341600320,
    "updatedAt": 1795341600320,
}
_CURSOR: Final = "WyJzaWduYWxzIiwxNzk1MzQxNjAwMDAwLCIwYjlkNGMxZS02NGE1LTRjMGUtOGEzZS0xZjBmN2MyYjhhMTEiXQ"
TAKEN: Final = {"status": "Success", "data": _SIGNAL}
DRY: Final = {
    "status": "Success",
    "data": {"dryRun": True, "accounts": 200, "byExchange": ByName({"BINANCE": 120, "BITGET": 80})},
}
SIGNALS: Final = {"status": "Success", "data": {"signals": [_SIGNAL], "nextCursor": _CURSOR}}
SIGNAL: Final = {"status": "Success", "data": _SIGNAL | {"receipts": [_RECEIPT], "nextCursor": None}}
