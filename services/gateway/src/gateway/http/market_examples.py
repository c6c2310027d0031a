"""The examples of the API documentation, of market data."""

from typing import Any, Final

_OF: Final[dict[str, Any]] = {"exchange": "BINANCE", "symbol": "BTCUSDT"}
TICKERS: Final = {
    "status": "Success",
    "data": [
        {
            **_OF,
            "lastPrice": "100000.1",
            "bidPrice": "100000",
            "bidQty": "0.4",
            "askPrice": "100000.1",
            "askQty": "1.2",
            "openPrice": "98000",
            "highPrice": "101000",
            "lowPrice": "97500",
            "volume": "12345.6",
            "quoteVolume": "1234560000",
            "priceChangePercent": "2.04",
            "time": 1795341600000,
        }
    ],
}
CANDLES: Final = {
    "status": "Success",
    "data": [
        {
            "openTime": 1795341600000,
            "closeTime": 1795341659999,
            "open": "100000",
            "high": "100050",
            "low": "99990",
            "close": "100020.5",
            "volume": "3.2",
            "quoteVolume": "320065.6",
            "trades": 214,
            "closed": True,
        }
    ],
}
DEPTH: Final = {
    "status": "Success",
    "data": {
        **_OF,
        "lastUpdateId": 7,
        "bids": [["100000", "0.4"]],
        "asks": [["100000.1", "1.2"]],
        "time": 1795341600000,
    },
}
TRADES: Final = {
    "status": "Success",
    "data": [{"id": "28457", "price": "100000.1", "qty": "0.01", "side": "BUY", "time": 1795341600000}],
}
SYMBOLS: Final = {
    "status": "Success",
    "data": [
        {
            "symbol": "BTCUSDT",
            "exchangeSymbol": "BTCUSDT",
            "base": "BTC",
            "quote": "USDT",
            "tickSize": "0.01",
            "lotSize": "0.00001",
            "minQty": "0.00001",
            "maxQty": "9000",
            "minNotional": "5",
            "tradable": True,
            "orderTypes": ["LIMIT", "MARKET"],
        }
    ],
}
CURRENCIES: Final = {
    "status": "Success",
    "data": [{"currency": "BTC", "tradable": True, "quotes": ["USDC", "USDT"]}],
}
