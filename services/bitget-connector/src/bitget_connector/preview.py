"""Commands and plain wishes, as JSON, to the unsigned request they would become. The README shows the shapes."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec

from bitget_connector import queries
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.wishes import needs_reference, order_of, plan_of
from common import ids
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, OrderIntent, PlaceOrder

Line = dict[str, Any]

# Frame of a command that is only looked at: what the wish leaves out does not reach the exchange.
_FRAME = {
    "command_id": "preview",
    "bracket_id": "preview",
    "account_id": "preview",
    "exchange": "bitget",
    "ts_init_ms": 0,
    "valid_until_ms": 0,
    "submitted_ms": 0,
}
_ALIASES = {
    "amount": "qty",
    "quantity": "qty",
    "quoteOrderQty": "quote_qty",
    "stopPrice": "trigger_px",
    "stop_price": "trigger_px",
    "orderType": "order_type",
    "timeInForce": "time_in_force",
    "clientOrderId": "client_order_id",
    "orderId": "exchange_order_id",
    "listClientOrderId": "list_client_order_id",
}
_CAPITALS = ("side", "order_type", "time_in_force")
_ACTIONS = {
    "create_order": "command.submit_order",
    "create_oco": "command.submit_order_list",
    "create_order_list": "command.submit_order_list",
    "cancel_order": "command.cancel_order",
    "cancel_all_orders": "command.cancel_all_orders",
    "fetch_order": "command.query_order",
}


class Reference(msgspec.Struct, frozen=True):
    """The best ask, for a market buy of a base quantity."""

    reference_px: Decimal | None = None


class Numbers(msgspec.Struct, frozen=True):
    """What the plain reading wishes may say."""

    limit: int = 500
    since_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    interval: str = "1m"
    symbol: str | None = None
    symbols: tuple[str, ...] = ()
    exchange_order_id: str | None = None


_READS: dict[str, Callable[[Family, Numbers], HttpRequest]] = {
    "fetch_open_orders": lambda words, n: words.open_orders(n.symbol),
    "fetch_open_plans": lambda words, n: words.open_plans(n.symbol),
    "fetch_my_trades": lambda words, n: words.trades(_symbol(n), since_ms=n.since_ms, order_id=n.exchange_order_id),
    "fetch_balance": lambda words, n: words.balances(),
    "fetch_time": lambda words, n: queries.time(),
    "fetch_instruments": lambda words, n: queries.symbols(),
    "fetch_ticker": lambda words, n: queries.tickers(_symbol(n)),
    "fetch_tickers": lambda words, n: queries.tickers(queries.symbols_asked(n.symbols)),
    "fetch_candles": lambda words, n: queries.candles(_symbol(n), n.interval, n.limit, n.start_ms, n.end_ms),
    "fetch_depth": lambda words, n: queries.depth(_symbol(n), n.limit),
    "fetch_public_trades": lambda words, n: queries.public_trades(_symbol(n), n.limit),
    "check_key": lambda words, n: words.account(),
}


def preview_line(line: Line) -> Line:
    """The unsigned request of one line. Raises Refused naming what is wrong with it."""
    wish = _normalized(line)
    words = UNIFIED if wish.get("unified") is True else CLASSIC
    action = wish.get("action")
    if isinstance(action, str) and action in _READS:
        return shown(_READS[action](words, _convert(wish, Numbers)))
    if isinstance(action, str) and action in _ACTIONS:
        wish["type"] = _ACTIONS[action]
    kind = wish.get("type")
    if isinstance(kind, str) and kind.startswith("intent."):
        return shown(_of_intent(words, _convert(line, OrderIntent)))
    if not isinstance(kind, str) or not kind.startswith("command."):
        known = ", ".join(sorted({*_ACTIONS, *_READS}))
        raise _refused("action", f"one of {known}; or a `type` of command.* or intent.*", "name what to do")
    terms = _convert(wish, Reference)
    return shown(_of_command(words, _convert(_completed(wish, kind), Command), _instrument(wish), terms.reference_px))


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature."""
    line: Line = {"method": request.method, "path": request.path}
    line |= {"body": request.body} if request.method == "POST" else {"params": dict(request.params)}
    return {**line, "signed": request.signed, "bucket": request.bucket, "order_count": request.order_count}


def _of_command(
    words: Family, command: Command, instrument: Instrument, reference_px: Decimal | None = None
) -> HttpRequest:
    match command:
        case SubmitOrder():
            return _of_order(words, command, instrument, reference_px)
        case SubmitOrderList():
            raise _refused("type", "Bitget has no order lists", "preview two command.submit_order with trigger_px")
        case CancelOrder():
            return _of_cancel(words, command)
        case CancelAllOrders():
            return words.cancel_symbol(command.symbol)
        case QueryOrder():
            return words.order(order_id=command.exchange_order_id, client_oid=command.client_order_id)


def _of_order(words: Family, command: SubmitOrder, instrument: Instrument, reference_px: Decimal | None) -> HttpRequest:
    if command.order_type.waits_for_trigger:
        return words.place_plan(plan_of(command, instrument))
    if needs_reference(command) and reference_px is None:
        rule = "a market buy of a base quantity is priced at the best ask when it is sent"
        raise _refused("reference_px", rule, "give reference_px, or quote_qty instead of qty")
    return words.place(order_of(command, instrument, reference_px))


def _of_cancel(words: Family, command: CancelOrder) -> HttpRequest:
    if command.client_order_id is None and command.exchange_order_id is None:
        raise _refused("client_order_id", "a cancel names what it cancels", "give one of the order's ids")
    key = ids.parse(command.client_order_id or "")
    by_id = command.exchange_order_id
    client_oid = None if by_id is not None else command.client_order_id
    if key is not None and key.leg in {ids.Leg.TAKE_PROFIT, ids.Leg.STOP_LOSS}:
        return words.cancel_plan(plan_id=by_id, client_oid=client_oid)
    return words.cancel(command.symbol, order_id=by_id, client_oid=client_oid)


def _of_intent(words: Family, intent: OrderIntent) -> HttpRequest:
    frame: dict[str, Any] = {
        "command_id": "preview",
        "bracket_id": ids.bracket_id(intent.account_id, intent.intent_id),
        "account_id": intent.account_id,
        "exchange": Exchange.BITGET,
        "symbol": intent.symbol,
        "ts_init_ms": intent.ts_init_ms,
        "valid_until_ms": intent.valid_until_ms,
    }
    match intent:
        case PlaceOrder():
            entry = SubmitOrder(
                **frame,
                client_order_id=ids.client_order_id(frame["bracket_id"], ids.Leg.ENTRY, 0),
                side=intent.side,
                order_type=intent.order_type,
                qty=intent.qty,
                quote_qty=intent.quote_qty,
                price=intent.price,
                time_in_force=intent.time_in_force,
            )
            return _of_order(words, entry, intent.instrument, intent.reference_px)
        case CancelOrderIntent():
            order_id, exchange_id = intent.client_order_id, intent.exchange_order_id
            return _of_cancel(words, CancelOrder(**frame, client_order_id=order_id, exchange_order_id=exchange_id))
        case CancelAllOrdersIntent():
            return words.cancel_symbol(intent.symbol)
        case _:
            raise _refused(
                "type", "exits are planned by the order-engine", "preview its command.submit_order with trigger_px"
            )


def _normalized(line: Mapping[str, Any]) -> Line:
    wish: Line = {_ALIASES.get(key, key): value for key, value in line.items()}
    for key in _CAPITALS:
        if isinstance(wish.get(key), str):
            wish[key] = wish[key].upper()
    if isinstance(wish.get("symbol"), str):
        wish["symbol"] = wish["symbol"].replace("/", "")
    for leg in ("take_profit", "stop_loss"):
        if isinstance(wish.get(leg), dict):
            wish[leg] = _normalized(wish[leg])
    return wish


def _completed(wish: Line, kind: str) -> Line:
    """Names for orders that have none: a preview sends nothing."""
    full: Line = {**_FRAME, **wish}
    if kind in {"command.submit_order", "command.query_order"}:
        full.setdefault("client_order_id", "preview")
    if kind == "command.submit_order_list":
        full.setdefault("list_client_order_id", "preview-list")
        for leg in ("take_profit", "stop_loss"):
            if isinstance(full.get(leg), dict):
                full[leg] = {"client_order_id": f"preview-{leg}", **full[leg]}
    return full


def _instrument(wish: Mapping[str, Any]) -> Instrument:
    if isinstance(wish.get("instrument"), dict):
        return cast("Instrument", _convert(wish["instrument"], Instrument))
    symbol = wish.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise _refused("symbol", "a symbol is needed", 'give "symbol": "BTCUSDT"')
    # Without its rules nothing is rounded.
    return Instrument(
        exchange=Exchange.BITGET,
        symbol=symbol,
        exchange_symbol=symbol,
        base="",
        quote="",
        tick_size=Decimal(0),
        lot_size=Decimal(0),
    )


def _convert(value: Any, type_: Any) -> Any:
    try:
        return msgspec.convert(value, type_, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _refused(None, str(error), "correct the field that is named") from error


def _symbol(numbers: Numbers) -> str:
    if not numbers.symbol:
        raise _refused("symbol", "a symbol is needed", 'give "symbol": "BTCUSDT"')
    return numbers.symbol


def _refused(field: str | None, rule: str, fix: str) -> Refused:
    return Refused(code="bad_line", title="This cannot be previewed", field=field, rule=rule, fix=fix)
