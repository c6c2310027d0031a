"""What the sync endpoints answer, as examples of the documentation."""

from typing import Any, Final

from gateway.http.shapes import ByName

_REPORT: Final[dict[str, Any]] = {
    "syncId": "0b9c1e0e-3c0a-4c57-9a62-9d6f7a8f2f11",
    "state": "DONE",
    "scope": "mine",
    "requestedAt": 1795341600000,
    "finishedAt": 1795341601840,
    "accounts": 1,
    "checked": 5,
    "corrected": 1,
    "byKind": ByName({"canceled": 1}),
    "unsettled": 0,
    "foreignOrders": 0,
    "corrections": [
        {
            "kind": "canceled",
            "exchange": "BINANCE",
            "credentialId": "1f0c9a52-7e0b-4b9e-8a5e-0d6d1c1b7c11",
            "symbol": "BTCUSDT",
            "clientOrderId": "bjgmxxkgwyflod253-t0",
            "orderGroupId": None,
            "orderStatus": "CANCELED",
        }
    ],
    "failures": [],
}
REPORT: Final[dict[str, Any]] = {"status": "Success", "data": _REPORT}
RUNNING: Final[dict[str, Any]] = {
    "status": "Success",
    "data": _REPORT
    | {"state": "RUNNING", "finishedAt": None, "checked": 0, "corrected": 0, "byKind": ByName(), "corrections": []},
}
FOREIGN: Final[dict[str, Any]] = {
    "status": "Success",
    "data": [
        {
            "exchange": "BINANCE",
            "credentialId": "1f0c9a52-7e0b-4b9e-8a5e-0d6d1c1b7c11",
            "symbol": "BTCUSDT",
            "orderId": "128",
            "clientOrderId": "web_7f31",
            "side": "SELL",
            "type": "LIMIT",
            "quantity": "0.001",
            "price": "120000",
            "stopPrice": None,
            "executedQty": "0",
            "orderStatus": "NEW",
            "firstSeen": 1795338000000,
            "lastSeen": 1795338300000,
        }
    ],
    "nextCursor": None,
}
