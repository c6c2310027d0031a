"""What is listed on MEXC: symbols with their decimals, minima and price bands, and how each of them stands today."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from paper_exchange.core.instruments import Instrument
from paper_exchange.core.money import plain

Json = dict[str, Any]
MOST_OPEN_ORDERS = 500
MAKER_RATE, TAKER_RATE = Decimal(0), Decimal("0.0005")


class State(StrEnum):
    """How a symbol stands; the control API changes it."""

    OPEN = "open"
    SUSPENDED = "suspended"
    API_CLOSED = "api_closed"
    MARKET_DISABLED = "market_disabled"
    BUY_ONLY = "buy_only"
    SELL_ONLY = "sell_only"


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol: `band` is how far through the last price a limit may reach (a fraction), the others are in quote."""

    instrument: Instrument
    full_name: str
    px_decimals: int
    qty_decimals: int
    min_qty: Decimal
    band: Decimal
    min_value: Decimal
    max_value: Decimal


def _list(
    base: str, quote: str, full_name: str, px: str, decimals: tuple[int, int], min_qty: str, band: str
) -> Listing:
    px_decimals, qty_decimals = decimals
    tick, step = Decimal(1).scaleb(-px_decimals), Decimal(1).scaleb(-qty_decimals)
    in_dollars = quote == "USDT"
    min_value = Decimal(1) if in_dollars else Decimal("0.00001")
    instrument = Instrument(
        symbol=base + quote, base=base, quote=quote, start_px=Decimal(px), tick=tick, step=step, min_qty=step,
        max_qty=Decimal(10**12), market_max_qty=Decimal(10**12), min_notional=min_value, min_px=tick,
        max_notional=Decimal(10**12), multiplier_up=Decimal(10**9), multiplier_down=Decimal(0),
        max_orders=MOST_OPEN_ORDERS,
    )  # fmt: skip
    max_value = Decimal(4_000_000) if in_dollars else Decimal(40)
    return Listing(
        instrument, full_name, px_decimals, qty_decimals, Decimal(min_qty), Decimal(band), min_value, max_value
    )


LISTINGS = {
    listing.instrument.symbol: listing
    for listing in (
        _list("BTC", "USDT", "Bitcoin", "98000", (2, 8), "0.000001", "0.005"),
        _list("ETH", "USDT", "Ethereum", "3500", (2, 5), "0", "0.005"),
        _list("SOL", "USDT", "Solana", "190", (2, 3), "0", "0.02"),
        _list("BNB", "USDT", "BNB", "890", (2, 4), "0", "0.02"),
        _list("ZEC", "USDT", "Zcash", "450", (2, 3), "0", "0.02"),
        _list("MX", "USDT", "MX Token", "3.7", (4, 2), "0", "0.05"),
        _list("METAL", "USDT", "Metal Blockchain", "0.16254", (5, 2), "0", "0.2"),
        _list("ETH", "BTC", "Ethereum", "0.03571", (6, 4), "0", "0.05"),
    )
}
_SIDES = {State.BUY_ONLY: 2, State.SELL_ONLY: 3}


def exchange_info(symbols: list[str], states: dict[str, State], now_ms: int) -> Json:
    """GET exchangeInfo for these symbols; the limits are never told."""
    return {
        "timezone": "CST",
        "serverTime": now_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [_symbol(LISTINGS[symbol], states[symbol]) for symbol in symbols],
    }


def _symbol(listing: Listing, state: State) -> Json:
    instrument, band = listing.instrument, plain(listing.band)
    return {
        "symbol": instrument.symbol,
        "status": "2" if state is State.SUSPENDED else "1",
        "baseAsset": instrument.base,
        "baseAssetPrecision": listing.qty_decimals,
        "quoteAsset": instrument.quote,
        "quotePrecision": listing.px_decimals,
        "quoteAssetPrecision": listing.px_decimals,
        "baseCommissionPrecision": listing.qty_decimals,
        "quoteCommissionPrecision": listing.px_decimals,
        "orderTypes": ["LIMIT", *(["MARKET"] if state is not State.MARKET_DISABLED else []), "LIMIT_MAKER"],
        "isSpotTradingAllowed": state is not State.API_CLOSED,
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": plain(listing.min_value),
        "baseSizePrecision": plain(listing.min_qty),
        "permissions": ["SPOT"],
        # These are distances from the last price, not multipliers (section 13.3).
        "filters": [{"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": band, "askMultiplierDown": band}],
        "maxQuoteAmount": plain(listing.max_value),
        "makerCommission": plain(MAKER_RATE),
        "takerCommission": plain(TAKER_RATE),
        "quoteAmountPrecisionMarket": plain(listing.min_value),
        "maxQuoteAmountMarket": plain(listing.max_value),
        "fullName": listing.full_name,
        "tradeSideType": _SIDES.get(state, 1),
        "contractAddress": "",
        "conceptPlateIds": [],
        "st": False,
    }


def coins(assets: list[str]) -> list[Json]:
    """GET capital/config/getall, which ccxt reads as its currencies."""
    return [{"coin": asset, "name": asset, "networkList": []} for asset in assets]
