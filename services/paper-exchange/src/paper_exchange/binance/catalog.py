"""What the exchange says about its symbols, and the non-spot listings that clients ask for first."""

from typing import Any

from paper_exchange.binance.intake import ORDER_TYPES, SELF_TRADE_MODES
from paper_exchange.binance.limits import Limits
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.market import Market
from paper_exchange.core.money import num

Json = dict[str, Any]


def exchange_info(markets: list[Market], limits: Limits, now_ms: int, *, permission_sets: bool = True) -> Json:
    """GET /api/v3/exchangeInfo for these markets."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": limits.table(),
        "exchangeFilters": [],
        "symbols": [_symbol(market, permission_sets=permission_sets) for market in markets],
    }


def _symbol(market: Market, *, permission_sets: bool) -> Json:
    instrument = market.instrument
    return {
        "symbol": instrument.symbol,
        "status": "TRADING" if market.is_open else "BREAK",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(instrument),
        "permissions": [],
        "permissionSets": [["SPOT"]] if permission_sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": list(SELF_TRADE_MODES),
    }


def filters(instrument: Instrument) -> list[Json]:
    """The filters of one symbol; those that the core enforces."""
    up, down = f"{instrument.multiplier_up:f}", f"{instrument.multiplier_down:f}"
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": num(instrument.min_px),
            "maxPrice": num(instrument.max_px),
            "tickSize": num(instrument.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": num(instrument.min_qty),
            "maxQty": num(instrument.max_qty),
            "stepSize": num(instrument.step),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": "0.00000000",
            "maxQty": num(instrument.market_max_qty),
            "stepSize": "0.00000000",
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": up,
            "bidMultiplierDown": down,
            "askMultiplierUp": up,
            "askMultiplierDown": down,
            "avgPriceMins": 5,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": num(instrument.min_notional),
            "applyMinToMarket": True,
            "maxNotional": num(instrument.max_notional),
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": instrument.max_orders},
        {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": instrument.max_lists},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": instrument.max_algo_orders},
    ]


def coins(assets: list[str]) -> list[Json]:
    """GET /sapi/v1/capital/config/getall, which ccxt reads as its currencies."""
    return [
        {
            "coin": asset,
            "name": asset,
            "depositAllEnable": True,
            "withdrawAllEnable": False,
            "free": "0",
            "locked": "0",
            "freeze": "0",
            "withdrawing": "0",
            "ipoing": "0",
            "ipoable": "0",
            "storage": "0",
            "isLegalMoney": False,
            "trading": True,
            "networkList": [],
        }
        for asset in assets
    ]


def no_contracts(now_ms: int) -> Json:
    """Futures and options listings: there are none here, and clients that load all markets go on."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "assets": [],
        "symbols": [],
        "optionContracts": [],
        "optionAssets": [],
        "optionSymbols": [],
    }
