"""Answers to questions, read without the question: what they do not say themselves must stand in the context."""

from binance_connector import prices, reads, symbols
from binance_connector.frames import OrderListBody, TradeBody
from binance_connector.lines import Payload
from binance_connector.read_frames import (
    AccountBody,
    ApiRestrictions,
    DepthBody,
    ExchangeInfoBody,
    KlineRow,
    PublicTradeBody,
    ServerTimeBody,
    TickerBody,
)
from common.connector.bodies import parse
from common.tools.lines import Line, answered, joined, outcome_of, told


def candles(payload: Payload) -> Line:
    """Rows of candles."""
    context = payload.context
    rows = parse(payload.body, list[KlineRow])
    if context.symbol is None or context.interval is None:
        return _needs("candles do not say whose they are: give context.symbol and context.interval")
    return told("read", prices.candles(rows, context.symbol, context.interval, context.ts_init_ms))


def _needs(reason: str) -> Line:
    return {"facts": [], "outcome": outcome_of("read"), "ignored": reason}


def order_list(payload: Payload) -> Line:
    """An order list: placed, canceled or asked for."""
    body = parse(payload.body, OrderListBody)
    if body.order_reports is None:
        return told("read", (payload.reader.list_status(body),))
    if any(report.orig_client_order_id is not None for report in body.order_reports):
        return told("accepted", payload.reader.list_canceled(body))
    return told("accepted", payload.reader.list_placed(body))


def trade(payload: Payload) -> Line:
    """One of the account's trades."""
    body = parse(payload.body, TradeBody)
    return told("read", (payload.reader.trade(body, payload.context.client_order_ids.get(str(body.order_id))),))


def exchange_info(payload: Payload) -> Line:
    """Instruments and limits."""
    info = symbols.exchange_info(parse(payload.body, ExchangeInfoBody))
    return joined((answered("instrument", info.instruments), answered("rate_limit", info.limits)))


def account(payload: Payload) -> Line:
    """Balances, and what the account may do."""
    body = parse(payload.body, AccountBody)
    balances = reads.balances_of(body, payload.reader.account_id, payload.reader.now_ms)
    return joined((told("read", (balances,)), answered("key_check", (reads.key_of_account(body),))))


def restrictions(payload: Payload) -> Line:
    """What a key may do."""
    return answered("key_check", (reads.restrictions_of(parse(payload.body, ApiRestrictions)),))


def server_time(payload: Payload) -> Line:
    """The exchange's clock."""
    server_time = parse(payload.body, ServerTimeBody).server_time
    return answered("server_time", ({"server_time_ms": server_time},))


def depth(payload: Payload) -> Line:
    """A whole book."""
    body = parse(payload.body, DepthBody)
    if payload.context.symbol is None:
        return _needs("a book does not say whose it is: give context.symbol")
    return told("read", (prices.depth(body, payload.context.symbol, payload.context.ts_init_ms),))


def public_trade(payload: Payload) -> Line:
    """One public trade."""
    body = parse(payload.body, PublicTradeBody)
    if payload.context.symbol is None:
        return _needs("public trades do not say whose they are: give context.symbol")
    return told("read", (prices.public_trade(body, payload.context.symbol, payload.context.ts_init_ms),))


def ticker(payload: Payload) -> Line:
    """Any of the three tickers."""
    return told("read", (prices.ticker(parse(payload.body, TickerBody), payload.context.ts_init_ms),))
