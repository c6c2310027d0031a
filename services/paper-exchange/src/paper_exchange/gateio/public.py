"""Calls that everybody may make (section 4), and the listings that clients ask for first."""

from typing import Any

from paper_exchange.core.market import Market
from paper_exchange.gateio import quotes
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import bad_currency, bad_value
from paper_exchange.gateio.instruments import pair_of
from paper_exchange.gateio.numbers import places, plain
from paper_exchange.gateio.quotes import INTERVALS, Json

MOST_LEVELS, MOST_CANDLES = 1000, 1000


def time(call: Call) -> Json:
    """GET /spot/time."""
    return {"server_time": call.now_ms}


def nothing(_: Call) -> list[Any]:
    """Listings of margin, futures and options: there are none here, and clients that load all markets go on."""
    return []


def currencies(call: Call) -> list[Json]:
    """GET /spot/currencies."""
    return [_currency(name) for name in _names(call)]


def currency(call: Call) -> Json:
    """GET /spot/currencies/{currency}. Raises: INVALID_CURRENCY."""
    if call.name not in _names(call):
        raise bad_currency(call.name)
    return _currency(call.name)


def _names(call: Call) -> list[str]:
    instruments = [market.instrument for market in call.venue.exchange.markets.values()]
    return list(dict.fromkeys(name for found in instruments for name in (found.base, found.quote)))


def _currency(name: str) -> Json:
    chain = {"name": name, "addr": ""}
    flags = dict.fromkeys(("withdraw_disabled", "withdraw_delayed", "deposit_disabled"), False)
    return {
        "currency": name, "name": name, "delisted": False, "trade_disabled": False, **flags, "fixed_rate": "",
        "chain": name, "chains": [chain | flags], "total_supply": "0", "market_cap": "0", "category": [],
    }  # fmt: skip


def pairs(call: Call) -> list[Json]:
    """GET /spot/currency_pairs."""
    return [_pair(market) for market in call.venue.exchange.markets.values()]


def pair(call: Call) -> Json:
    """GET /spot/currency_pairs/{pair}. Raises: INVALID_CURRENCY_PAIR."""
    return _pair(call.venue.market(call.name))


def _pair(market: Market) -> Json:
    instrument = market.instrument
    return {
        "id": pair_of(instrument),
        "base": instrument.base,
        "base_name": instrument.base,
        "quote": instrument.quote,
        "quote_name": instrument.quote,
        "trade_quotes": None,
        "fee": "0.2",
        "min_base_amount": plain(instrument.min_qty),
        "min_quote_amount": plain(instrument.min_notional),
        "max_base_amount": plain(instrument.max_qty),
        "max_quote_amount": plain(instrument.max_notional),
        "amount_precision": places(instrument.step),
        "precision": places(instrument.tick),
        "trade_status": "tradable" if market.is_open else "untradable",
        "sell_start": 0,
        "buy_start": 0,
        "delisting_time": 0,
        "type": "normal",
        "trade_url": "",
        "st_tag": False,
        "up_rate": plain(instrument.multiplier_up - 1),
        "down_rate": plain(1 - instrument.multiplier_down),
        "slippage": "0.05",
        "market_order_max_stock": plain(instrument.market_max_qty),
        "market_order_max_money": plain(instrument.max_notional),
    }


def tickers(call: Call) -> list[Json]:
    """GET /spot/tickers: always a list; sizes only when one pair is asked for."""
    pair_id = call.query.text("currency_pair")
    if pair_id is None:
        return [_ticker(market, call.now_ms) for market in call.venue.exchange.markets.values()]
    market = call.venue.market(pair_id)
    sizes = {
        "lowest_size": plain(market.best("SELL")[1]),
        "highest_size": plain(market.best("BUY")[1]),
    }
    return [_ticker(market, call.now_ms) | sizes]


def _ticker(market: Market, now_ms: int) -> Json:
    body = quotes.ticker(market, now_ms)
    return body | {"change_utc0": body["change_percentage"], "change_utc8": body["change_percentage"]}


def order_book(call: Call) -> Json:
    """GET /spot/order_book; `id` fits the `u` of the streams and comes only when asked for."""
    market, query = call.market(call.query), call.query
    limit = query.integer("limit") or 10
    if not 1 <= limit <= MOST_LEVELS:
        raise bad_value("limit", limit)
    query.choice("interval", ("0", plain(market.instrument.tick)), "0")
    book: Json = {"id": market.version} if query.flag("with_id") else {}
    traded_ms = market.tape[-1].ts_ms if market.tape else call.now_ms
    return book | {
        "current": call.now_ms,
        "update": traded_ms,
        "asks": quotes.levels(market, "SELL", limit),
        "bids": quotes.levels(market, "BUY", limit),
    }


def trades(call: Call) -> list[Json]:
    """GET /spot/trades, newest first."""
    market, page, span = call.market(call.query), call.query.page(), call.query.span_ms()
    rows = [print_ for print_ in reversed(market.tape) if span[0] <= print_.ts_ms <= span[1]]
    return [quotes.trade(print_, pair_of(market.instrument)) for print_ in rows[page]]


def candlesticks(call: Call) -> list[list[str]]:
    """GET /spot/candlesticks, oldest first: the newest `limit`, or those from `from` to `to`, not both."""
    market, query = call.market(call.query), call.query
    interval = query.choice("interval", INTERVALS, "30m")
    limit = query.integer("limit")
    if limit is not None and (query.has("from") or query.has("to")):
        raise bad_value("limit", f"{limit} together with from or to")
    if limit is not None and not 1 <= limit <= MOST_CANDLES:
        raise bad_value("limit", limit)
    series = market.charts.series(INTERVALS[interval])
    series.roll(call.now_ms)
    span = query.span_ms()
    rows = [found for found in series.candles if span[0] <= found.open_ms <= span[1]]
    return [quotes.candle(found, call.now_ms) for found in rows[-(limit or 100) :]]
