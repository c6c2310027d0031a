"""The portfolio's examples for the API documentation: one trade of 0.01 BTC to its target, with a fee in BNB."""

from typing import Any, Final

from gateway.http.shapes import ByName

_ACCOUNT: Final[dict[str, Any]] = {"credentialId": "8a1e…", "exchange": "BINANCE"}
_FEES: Final[dict[str, Any]] = {
    "fees": ByName({"BNB": "0.00083", "USDT": "1.04"}),
    "feesValue": "1.778783",
    "feesNotValued": ByName(),
    "feesNotTold": 0,
    "complete": True,
}
POSITIONS: Final = {
    "status": "Success",
    "data": [
        {
            **_ACCOUNT,
            "symbol": "BTCUSDT",
            "asset": "BTC",
            "quoteAsset": "USDT",
            "quantity": "0.005",
            "avgEntryPrice": "100073.8783",
            "cost": "500.3693915",
            "price": "101000",
            "priceTime": 1795341600000,
            "priceMissing": None,
            "value": "505",
            "unrealisedPnL": "4.6306085",
            "unrealisedPnLPercentage": "0.925438008054683",
            "realisedPnL": "19.1106085",
            **_FEES,
            "soldNotBoughtHere": {"quantity": "0", "proceeds": "0"},
            "fills": 2,
            "firstFillTime": 1795341500000,
            "lastFillTime": 1795341590000,
        }
    ],
}
TRADES: Final = {
    "status": "Success",
    "data": {
        "trades": [
            {
                "tradeId": "bfm5jotb7w6kdjzrq",
                **_ACCOUNT,
                "symbol": "BTCUSDT",
                "quoteAsset": "USDT",
                "side": "LONG",
                "state": "CLOSED",
                "entry": {"quantity": "0.01", "avgPrice": "100000", "time": 1795341500000},
                "exit": {"quantity": "0.01", "avgPrice": "104000", "time": 1795341590000},
                "heldQuantity": "0",
                "heldCost": "0",
                "dust": {"quantity": "0", "cost": "0"},
                "realisedPnL": "38.221217",
                "realisedPnLPercentage": "3.8221217",
                **_FEES,
                "holdMs": 90000,
            }
        ],
        "nextCursor": None,
    },
}
FEES: Final = {
    "status": "Success",
    "data": {
        "fees": [
            {
                "tradeId": "4711",
                **_ACCOUNT,
                "symbol": "BTCUSDT",
                "side": "BUY",
                "orderGroupId": "bfm5jotb7w6kdjzrq",
                "time": 1795341500000,
                "quantity": "0.01",
                "price": "100000",
                "fee": "0.00083",
                "feeAsset": "BNB",
                "feeState": "valued",
                "feePrice": "890.1",
                "feeValue": "0.738783",
                "feeValueAsset": "USDT",
                "pricesUsed": [{"symbol": "BNBUSDT", "price": "890.1", "time": 1795341480000, "source": "minute_open"}],
                "realisedPnL": "0",
            }
        ],
        "totals": [
            {
                "exchange": "BINANCE",
                "feeAsset": "BNB",
                "feeState": "valued",
                "fills": 1,
                "fee": "0.00083",
                "feeValue": "0.738783",
                "feeValueAsset": "USDT",
            }
        ],
        "nextCursor": None,
    },
}
EQUITY: Final = {
    "status": "Success",
    "data": [
        {
            "day": "2026-11-22",
            "equity": "51000",
            "currency": "USDT",
            "accounts": [
                {
                    **_ACCOUNT,
                    "equity": "51000",
                    "time": 1795305600412,
                    "carriedFrom": None,
                    "notPriced": ByName({"ODD": "3"}),
                }
            ],
        }
    ],
}
_FIGURES: Final = {
    "quoteAsset": "USDT",
    "trades": 4,
    "wins": 2,
    "losses": 2,
    "tradesWithFeesNotValued": 0,
    "winRate": "0.5",
    "netPnL": "9",
    "grossProfit": "16",
    "grossLoss": "7",
    "profitFactor": "2.285714285714285714",
    "expectancy": "2.25",
    "maxDrawdown": "7",
    "sharpe": "5.715637172467547181",
    "averageHoldMs": 3000,
}
PERFORMANCE: Final = {
    "status": "Success",
    "data": {"overall": [_FIGURES], "accounts": [{**_ACCOUNT, **_FIGURES}]},
}
