"""The examples of the API documentation."""

from typing import Any, Final

from gateway.http.shapes import envelope_of, shown

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


def example(status: int, body: Any, description: str = "Success", **others: Any) -> dict[int | str, dict[str, Any]]:
    """The documented success of a route, with the schema its examples stand for; `others` are further forms of it."""
    shapes = [envelope_of(each) for each in (body, *others.values())]
    content: dict[str, Any] = {"schema": {"anyOf": shapes} if others else shapes[0]}
    if others:
        named = {"usual": body, **others}
        content["examples"] = {name: {"value": shown(each)} for name, each in named.items()}
    else:
        content["example"] = shown(body)
    return {status: {"description": description, "content": {"application/json": content}}}
