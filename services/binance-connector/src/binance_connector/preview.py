"""Commands and plain reads to the unsigned request they would become. The README shows the shapes."""

from binance_connector import queries, requests
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.exchanges import Exchange
from common.instruments import Instrument
from common.tools.lines import Line
from common.tools.preview import Preview, Terms


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature."""
    place = "body" if request.method in {"POST", "PUT"} else "params"
    line: Line = {"method": request.method, "path": request.path, place: dict(request.params)}
    line |= {"signed": request.signed, "weight": request.weight, "order_count": request.order_count}
    return {**line, "ws_method": request.channel} if request.channel else line


def _request_of(command: Command, instrument: Instrument, terms: Terms) -> HttpRequest:
    match command:
        case SubmitOrder():
            return requests.submit_order(command, instrument)
        case SubmitOrderList():
            return requests.submit_order_list(command, instrument)
        case CancelOrder():
            return requests.cancel_order(command)
        case CancelAllOrders():
            return requests.cancel_all_orders(command)
        case QueryOrder():
            return queries.order(
                command.symbol, client_order_id=command.client_order_id, exchange_order_id=command.exchange_order_id
            )


PREVIEW = Preview(
    exchange=Exchange.BINANCE,
    request_of=_request_of,
    shown=shown,
    reads={
        "fetch_open_orders": lambda t: queries.open_orders(t.symbol),
        "fetch_my_trades": lambda t: queries.my_trades(
            t.pair, since_ms=t.since_ms, exchange_order_id=t.exchange_order_id
        ),
        "fetch_balance": lambda t: queries.account(),
        "fetch_time": lambda t: queries.time(),
        "fetch_instruments": lambda t: queries.exchange_info(),
        "fetch_ticker": lambda t: queries.tickers((t.pair,)),
        "fetch_tickers": lambda t: queries.tickers(t.symbols),
        "fetch_candles": lambda t: queries.candles(t.pair, t.interval, t.limit, t.start_ms, t.end_ms),
        "fetch_depth": lambda t: queries.depth(t.pair, t.limit),
        "fetch_public_trades": lambda t: queries.public_trades(t.pair, t.limit),
        "check_key": lambda t: queries.api_restrictions(),
    },
)
