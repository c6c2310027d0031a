"""Commands and plain reads to the unsigned request they would become. The README shows the shapes."""

from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.exchanges import Exchange
from common.instruments import Instrument
from common.tools.lines import Line
from common.tools.preview import Preview, Terms, bad_line, needed
from mexc_connector import queries, requests

_TIMED_TYPES = {"IMMEDIATE_OR_CANCEL": "IOC", "FILL_OR_KILL": "FOK"}
"""MEXC's own names of order types that are a limit order with a time in force."""


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature: everything travels in the query string."""
    return {
        "method": request.method,
        "path": request.path,
        "params": dict(request.params),
        "signed": request.signed,
        "weight": request.weight,
        "order_count": request.order_count,
    }


def _request_of(command: Command, instrument: Instrument, terms: Terms) -> HttpRequest:
    match command:
        case SubmitOrder():
            return requests.submit_order(command, instrument)
        case SubmitOrderList():
            raise bad_line("type", "MEXC has no order lists", "preview the orders one by one")
        case CancelOrder():
            return requests.cancel_order(command)
        case CancelAllOrders():
            return requests.cancel_all_orders(command)
        case QueryOrder():
            return queries.order(
                command.symbol, client_order_id=command.client_order_id, exchange_order_id=command.exchange_order_id
            )


def _own_words(wish: Line) -> Line:
    order_type = wish.get("order_type")
    if isinstance(order_type, str) and order_type in _TIMED_TYPES:
        return {**wish, "time_in_force": _TIMED_TYPES[order_type], "order_type": "LIMIT"}
    return wish


PREVIEW = Preview(
    exchange=Exchange.MEXC,
    request_of=_request_of,
    shown=shown,
    own_words=_own_words,
    batch_of=requests.batch_orders,
    reads={
        "fetch_open_orders": lambda t: queries.open_orders(t.symbol),
        "fetch_my_trades": lambda t: queries.my_trades(
            t.pair, exchange_order_id=t.exchange_order_id, start_ms=t.since_ms, end_ms=t.end_ms
        ),
        "fetch_balance": lambda t: queries.account(),
        "fetch_time": lambda t: queries.time(),
        "fetch_instruments": lambda t: queries.exchange_info(),
        "fetch_ticker": lambda t: queries.tickers((t.pair,)),
        "fetch_tickers": lambda t: queries.tickers(t.symbols),
        "fetch_candles": lambda t: queries.candles(t.pair, t.interval, t.limit, t.start_ms, t.end_ms),
        "fetch_depth": lambda t: queries.depth(t.pair, t.limit),
        "fetch_public_trades": lambda t: queries.public_trades(t.pair, t.limit),
        "check_key": lambda t: queries.api_key_info(),
        "open_listen_key": lambda t: queries.new_listen_key(),
        "extend_listen_key": lambda t: queries.extend_listen_key(needed("listen_key", t.listen_key)),
    },
)
