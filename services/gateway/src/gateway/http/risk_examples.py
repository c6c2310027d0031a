"""The examples of the API documentation, of limits and kill switches."""

from typing import Any, Final

_NONE: Final = {"maxOrderValue": None, "maxOpenExposure": None, "dailyLossLimit": None}
_SET: Final = {"maxOrderValue": "500", "maxOpenExposure": "2000", "dailyLossLimit": None}
LIMITS: Final = {
    "status": "Success",
    "data": {
        "userId": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
        "own": _SET,
        "byAdmin": _NONE,
        "effective": _SET,
        "usage": {"openExposure": "350.5", "dayRealisedPnl": "-12.25", "daySince": 1795305600000},
    },
}
_SWITCH: Final[dict[str, Any]] = {
    "scope": "USER",
    "target": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
    "setBy": "USER",
    "reason": "news",
    "engagedBy": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
    "engagedAt": 1795341600000,
}
SWITCHES: Final = {"status": "Success", "data": {"engaged": True, "switches": [_SWITCH]}}
ALL_SWITCHES: Final = {"status": "Success", "data": [_SWITCH]}
ENGAGED: Final = {
    "status": "Success",
    "data": {
        "switch": _SWITCH,
        "cancelling": [
            {
                "clientOrderId": "bq7c4k2mzt5nd6xay3-e0",
                "exchange": "BINANCE",
                "symbol": "BTCUSDT",
                "credentialId": "8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11",
                "operationId": "0b9d4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11",
            }
        ],
    },
}
RELEASED: Final = {"status": "Success", "data": {"released": True}}
