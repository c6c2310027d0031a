"""Commands and plain reads to the unsigned request they would become. The README shows the shapes."""

from collections.abc import Callable

from bitget_connector import queries
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.wishes import needs_reference, order_of, plan_of
from common import ids
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.exchanges import Exchange
from common.instruments import Instrument
from common.tools.lines import Line
from common.tools.preview import Preview, Terms, bad_line


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature."""
    line: Line = {"method": request.method, "path": request.path}
    line |= {"body": request.body} if request.method == "POST" else {"params": dict(request.params)}
    return {**line, "signed": request.signed, "bucket": request.bucket, "order_count": request.order_count}


def _request_of(command: Command, instrument: Instrument, terms: Terms) -> HttpRequest:
    words = _words(terms)
    match command:
        case SubmitOrder() if command.order_type.waits_for_trigger:
            return words.place_plan(plan_of(command, instrument))
        case SubmitOrder():
            if needs_reference(command) and terms.reference_px is None:
                rule = "a market buy of a base quantity is priced at the best ask when it is sent"
                raise bad_line("reference_px", rule, "give reference_px, or quote_qty instead of qty")
            return words.place(order_of(command, instrument, terms.reference_px))
        case SubmitOrderList():
            raise bad_line("type", "Bitget has no order lists", "preview two command.submit_order with trigger_px")
        case CancelOrder():
            return _cancel(words, command)
        case CancelAllOrders():
            return words.cancel_symbol(command.symbol)
        case QueryOrder():
            return words.order(order_id=command.exchange_order_id, client_oid=command.client_order_id)


def _cancel(words: Family, command: CancelOrder) -> HttpRequest:
    if command.client_order_id is None and command.exchange_order_id is None:
        raise bad_line("client_order_id", "a cancel names what it cancels", "give one of the order's ids")
    key = ids.parse(command.client_order_id or "")
    by_id = command.exchange_order_id
    client_oid = None if by_id is not None else command.client_order_id
    if key is not None and key.leg in {ids.Leg.TAKE_PROFIT, ids.Leg.STOP_LOSS}:
        return words.cancel_plan(plan_id=by_id, client_oid=client_oid)
    return words.cancel(command.symbol, order_id=by_id, client_oid=client_oid)


def _words(terms: Terms) -> Family:
    return UNIFIED if terms.unified else CLASSIC


_READS: dict[str, Callable[[Terms], HttpRequest]] = {
    "fetch_open_orders": lambda t: _words(t).open_orders(t.symbol),
    "fetch_open_plans": lambda t: _words(t).open_plans(t.symbol),
    "fetch_my_trades": lambda t: _words(t).trades(t.pair, since_ms=t.since_ms, order_id=t.exchange_order_id),
    "fetch_balance": lambda t: _words(t).balances(),
    "fetch_time": lambda t: queries.time(),
    "fetch_instruments": lambda t: queries.symbols(),
    "fetch_ticker": lambda t: queries.tickers(t.pair),
    "fetch_tickers": lambda t: queries.tickers(queries.symbols_asked(t.symbols)),
    "fetch_candles": lambda t: queries.candles(t.pair, t.interval, t.limit, t.start_ms, t.end_ms),
    "fetch_depth": lambda t: queries.depth(t.pair, t.limit),
    "fetch_public_trades": lambda t: queries.public_trades(t.pair, t.limit),
    "check_key": lambda t: _words(t).account(),
}

PREVIEW = Preview(exchange=Exchange.BITGET, request_of=_request_of, shown=shown, reads=_READS)
