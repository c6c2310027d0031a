"""The examples of the API documentation."""

from typing import Any, Final

from gateway.problems import GatewayProblem

SET_DEFAULTS: Final = {
    "exchange": "BITGET",
    "tpLevels": ["5%", "8%"],
    "tpShares": ["0.5", "0.5"],
    "sl": "4%",
    "exitStyle": "shared_stop",
}
SETTINGS: Final = {
    "status": "Success",
    "data": {
        **SET_DEFAULTS,
        "stopType": "market",
        "stopLimitOffsetPct": None,
        "own": True,
        "choices": {"stopType": ["market", "limit"], "exitStyle": ["trigger_pair", "shared_stop", "preset"]},
    },
}
PLACED: Final = {
    "status": "Success",
    "data": {
        "orderId": "123456789",
        "clientOrderId": "bq7…-e0",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.001",
        "price": None,
        "exchange": "BINANCE",
        "credentialId": "8a1e…",
        "orderGroupId": "bq7…",
        "operationId": "0b9d…",
        "protection": {
            "exitStyle": "oco",
            "tpType": "LIMIT_MAKER",
            "stopType": "STOP_LOSS",
            "tpResidency": "exchange",
            "stopResidency": "exchange",
            "residencyReason": "waits on the exchange",
            "merged": False,
            "expectedDust": "0",
            "exits": [
                {
                    "level": 1,
                    "quantity": "0.00099",
                    "tpPrice": "105000",
                    "tpLimitPrice": None,
                    "slPrice": "95000",
                    "slLimitPrice": None,
                },
            ],
        },
        "status": "FILLED",
        "executedQty": "0.001",
        "avgPrice": "100005.2",
    },
}
PENDING: Final = {
    "status": "Success",
    "data": {"operationId": "0b9d…", "statusUrl": "/exchanges/operations/0b9d…", "outcome": "unknown"},
}
PROBLEM: Final = {
    "type": "/problems/insufficient-balance",
    "title": "Insufficient balance",
    "status": 400,
    "detail": "The order needs 1000 USDT; 250 USDT is free. Reduce the size, or free some balance.",
    "code": "INSUFFICIENT_BALANCE",
    "field": "sizeUsd",
    "rule": "The order needs 1000 USDT; 250 USDT is free.",
    "fix": "Reduce the size, or free some balance.",
    "retryable": False,
    "outcome": "not_sent",
}
BALANCE: Final = {
    "status": "Success",
    "data": [{"asset": "USDT", "free": "1000.5", "locked": "250", "total": "1250.5"}],
}
MARKET_BUY: Final = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "sizePct": 0.1,
    "tpLevels": [105000, 110000],
    "sl": 95000,
    "exchange": "BINANCE",
    "type": "MARKET",
}
LIMIT_BUY: Final = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "sizeUsd": 50,
    "type": "LIMIT",
    "price": "99000",
    "tpLevels": ["4%", "6%"],
    "tpShares": ["0.5", "0.5"],
    "sl": "5%",
    "stopType": "limit",
    "stopLimitOffsetPct": "0.5",
    "exchange": "BINANCE",
}
OCO: Final = {
    "symbol": "ZECUSDT",
    "sizePct": 1.0,
    "aboveType": "TAKE_PROFIT_LIMIT",
    "abovePrice": "395",
    "aboveStopPrice": "395",
    "aboveTimeInForce": "GTC",
    "belowType": "STOP_LOSS_LIMIT",
    "belowPrice": "369.90",
    "belowStopPrice": "370",
    "belowTimeInForce": "GTC",
}


MEXC_BUY: Final = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quoteOrderQty": "50",
    "newClientOrderId": "my-order-1",
}
TRANSFER: Final = {"currency": "USDT", "from": "spot", "to": "futures", "amount": "10", "settle": "usdt"}


def example(status: int, body: Any, description: str = "Success") -> dict[int | str, dict[str, Any]]:
    """The documented responses of a route: this success, and problems."""
    return {
        status: {"description": description, "content": {"application/json": {"example": body}}},
        "4XX": {
            "description": "A problem: the field at fault, the rule it breaks, and what would mend it.",
            "content": {"application/problem+json": {"schema": GatewayProblem.model_json_schema(), "example": PROBLEM}},
        },
    }
