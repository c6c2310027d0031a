"""Commands and plain reads to the unsigned request they would become. The README shows the shapes."""

from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.exchanges import Exchange
from common.instruments import Instrument
from common.tools.lines import Line
from common.tools.preview import Preview, Terms, bad_line
from gateio_connector import queries, requests
from gateio_connector.names import price_order_of, text_of
from gateio_connector.signing import PREFIX

HABITS = requests.Habits()
_QUOTES = ("USDT", "USDC", "USD1", "BTC", "ETH", "GT")


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature."""
    line: Line = {"method": request.method, "path": PREFIX + request.path}
    line |= {"params": dict(request.params)} if request.body is None else {"body": request.body}
    return line | {"signed": request.signed, "weight": request.weight, "order_count": request.order_count}


def _request_of(command: Command, instrument: Instrument, terms: Terms) -> HttpRequest:
    pair = instrument.exchange_symbol
    match command:
        case SubmitOrder() if command.order_type.waits_for_trigger:
            return requests.arm(command, instrument, HABITS)
        case SubmitOrder():
            return requests.submit_order(command, instrument, HABITS, terms.reference_px)
        case SubmitOrderList():
            raise bad_line("type", "Gate.io has no order lists", "preview each leg as a command.submit_order")
        case CancelOrder():
            price_order_id = price_order_of(command.exchange_order_id)
            if price_order_id is not None:
                return requests.disarm(price_order_id)
            return requests.cancel(pair, command.exchange_order_id or text_of(command.client_order_id or ""))
        case CancelAllOrders():
            return requests.cancel_all(pair)
        case QueryOrder():
            price_order_id = price_order_of(command.exchange_order_id)
            if price_order_id is not None:
                return queries.price_order(price_order_id)
            return queries.order(pair, command.exchange_order_id or text_of(command.client_order_id))


def _pair_of(symbol: str) -> str:
    """The pair of a symbol as it was written. A preview has no list of pairs to look into; it sends nothing, so for a
    symbol without a separator it may assume a quote that is common. The connector itself never does."""
    written = symbol.replace("/", "_")
    if written.count("_") == 1 and not written.startswith("_") and not written.endswith("_"):
        return written
    quote = next((each for each in _QUOTES if symbol.endswith(each) and len(symbol) > len(each)), None)
    if quote is None:
        raise bad_line("symbol", "the pair must be told: base and quote with / or _ between them", "say BTC/USDT")
    return f"{symbol.removesuffix(quote)}_{quote}"


PREVIEW = Preview(
    exchange=Exchange.GATEIO,
    request_of=_request_of,
    shown=shown,
    exchange_symbol=_pair_of,
    reads={
        "fetch_open_orders": lambda t: queries.open_orders() if t.symbol is None else queries.orders(t.pair, "open"),
        "fetch_price_orders": lambda t: queries.price_orders("open", t.symbol),
        "fetch_my_trades": lambda t: queries.my_trades(t.pair, since_ms=t.since_ms, order_id=t.exchange_order_id),
        "fetch_balance": lambda t: queries.accounts(),
        "fetch_time": lambda t: queries.time(),
        "fetch_instruments": lambda t: queries.currency_pairs(),
        "fetch_ticker": lambda t: queries.tickers(t.pair),
        "fetch_tickers": lambda t: queries.tickers(None),
        "fetch_candles": lambda t: queries.candles(t.pair, t.interval, t.limit, t.start_ms, t.end_ms),
        "fetch_depth": lambda t: queries.depth(t.pair, t.limit),
        "fetch_public_trades": lambda t: queries.public_trades(t.pair, t.limit),
        "check_key": lambda t: queries.account_detail(),
    },
)
