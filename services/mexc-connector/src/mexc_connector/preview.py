"""Commands and plain wishes, as JSON, to the unsigned request they would become. The README shows the shapes."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec

from common import ids
from common.commands import CancelAllOrders, CancelOrder, Command, QueryOrder, SubmitOrder, SubmitOrderList
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, OrderIntent, PlaceOrder
from mexc_connector import queries, requests
from mexc_connector.lines import Line

# Frame of a command that is only looked at: what the wish leaves out does not reach the exchange.
_FRAME = {
    "command_id": "preview",
    "bracket_id": "preview",
    "account_id": "preview",
    "exchange": "mexc",
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
    "newClientOrderId": "client_order_id",
    "orderId": "exchange_order_id",
}
_CAPITALS = ("side", "order_type", "time_in_force")
_TIMED_TYPES = {"IMMEDIATE_OR_CANCEL": "IOC", "FILL_OR_KILL": "FOK"}
"""MEXC's own names of order types that are a limit order with a time in force."""
_ACTIONS = {
    "create_order": "command.submit_order",
    "cancel_order": "command.cancel_order",
    "cancel_all_orders": "command.cancel_all_orders",
    "fetch_order": "command.query_order",
}
_BATCH = "create_orders"


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
    listen_key: str | None = None


_READS: dict[str, Callable[[Numbers], HttpRequest]] = {
    "fetch_open_orders": lambda n: queries.open_orders(n.symbol),
    "fetch_my_trades": lambda n: queries.my_trades(
        _need("symbol", n.symbol), exchange_order_id=n.exchange_order_id, start_ms=n.since_ms, end_ms=n.end_ms
    ),
    "fetch_balance": lambda n: queries.account(),
    "fetch_time": lambda n: queries.time(),
    "fetch_instruments": lambda n: queries.exchange_info(),
    "fetch_ticker": lambda n: queries.tickers((_need("symbol", n.symbol),)),
    "fetch_tickers": lambda n: queries.tickers(n.symbols),
    "fetch_candles": lambda n: queries.candles(_need("symbol", n.symbol), n.interval, n.limit, n.start_ms, n.end_ms),
    "fetch_depth": lambda n: queries.depth(_need("symbol", n.symbol), n.limit),
    "fetch_public_trades": lambda n: queries.public_trades(_need("symbol", n.symbol), n.limit),
    "check_key": lambda n: queries.api_key_info(),
    "open_listen_key": lambda n: queries.new_listen_key(),
    "extend_listen_key": lambda n: queries.extend_listen_key(_need("listen_key", n.listen_key)),
}


def preview_line(line: Line) -> Line:
    """The unsigned request of one line. Raises Refused naming what is wrong with it."""
    wish = _normalized(line)
    action = wish.get("action")
    if isinstance(action, str) and action in _READS:
        return shown(_READS[action](_convert(wish, Numbers)))
    if action == _BATCH:
        return shown(_of_batch(wish))
    if isinstance(action, str) and action in _ACTIONS:
        wish["type"] = _ACTIONS[action]
    kind = wish.get("type")
    if isinstance(kind, str) and kind.startswith("intent."):
        return shown(_of_intent(_convert(line, OrderIntent)))
    if not isinstance(kind, str) or not kind.startswith("command."):
        known = ", ".join(sorted({*_ACTIONS, *_READS, _BATCH}))
        raise _refused("action", f"one of {known}; or a `type` of command.* or intent.*", "name what to do")
    return shown(_of_command(_command(wish, kind), _instrument(wish)))


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


def _of_command(command: Command, instrument: Instrument) -> HttpRequest:
    match command:
        case SubmitOrder():
            return requests.submit_order(command, instrument)
        case SubmitOrderList():
            raise _refused("type", "MEXC has no order lists", "preview the orders one by one")
        case CancelOrder():
            return requests.cancel_order(command)
        case CancelAllOrders():
            return requests.cancel_all_orders(command)
        case QueryOrder():
            return queries.order(
                command.symbol, client_order_id=command.client_order_id, exchange_order_id=command.exchange_order_id
            )


def _of_batch(wish: Line) -> HttpRequest:
    """Up to twenty orders of one symbol."""
    orders = wish.get("orders")
    if not isinstance(orders, list) or not all(isinstance(order, dict) for order in orders):
        raise _refused("orders", "a list of orders is needed", 'give "orders": [{…}, {…}]')
    shared = {name: value for name, value in wish.items() if name not in {"orders", "action", "type"}}
    wishes = [{**shared, **_normalized(order)} for order in orders]
    commands = [_command(each, "command.submit_order") for each in wishes]
    return requests.batch_orders(
        [command for command in commands if isinstance(command, SubmitOrder)],
        _instrument({**shared, **wishes[0]} if wishes else shared),
    )


def _of_intent(intent: OrderIntent) -> HttpRequest:
    frame: dict[str, Any] = {
        "command_id": "preview",
        "bracket_id": ids.bracket_id(intent.account_id, intent.intent_id),
        "account_id": intent.account_id,
        "exchange": Exchange.MEXC,
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
            return requests.submit_order(entry, intent.instrument)
        case CancelOrderIntent():
            order_id, exchange_id = intent.client_order_id, intent.exchange_order_id
            return requests.cancel_order(CancelOrder(**frame, client_order_id=order_id, exchange_order_id=exchange_id))
        case CancelAllOrdersIntent():
            return requests.cancel_all_orders(CancelAllOrders(**frame))
        case _:
            raise _refused("type", "exits are planned by the order-engine", "preview its command.submit_order")


def _normalized(line: Mapping[str, Any]) -> Line:
    wish: Line = {_ALIASES.get(key, key): value for key, value in line.items()}
    for key in _CAPITALS:
        if isinstance(wish.get(key), str):
            wish[key] = wish[key].upper()
    if isinstance(wish.get("symbol"), str):
        wish["symbol"] = wish["symbol"].replace("/", "")
    order_type = wish.get("order_type")
    if isinstance(order_type, str) and order_type in _TIMED_TYPES:
        wish["time_in_force"] = _TIMED_TYPES[order_type]
        wish["order_type"] = "LIMIT"
    return wish


def _command(wish: Line, kind: str) -> Command:
    """A command; orders without a name get one, since a preview sends nothing."""
    full: Line = {**_FRAME, **wish, "type": kind}
    if kind in {"command.submit_order", "command.query_order"}:
        full.setdefault("client_order_id", "preview")
    return cast("Command", _convert(full, Command))


def _instrument(wish: Mapping[str, Any]) -> Instrument:
    if isinstance(wish.get("instrument"), dict):
        return cast("Instrument", _convert(wish["instrument"], Instrument))
    symbol = wish.get("symbol")
    name = _need("symbol", symbol if isinstance(symbol, str) else None)
    # Without its rules nothing is rounded.
    return Instrument(
        exchange=Exchange.MEXC,
        symbol=name,
        exchange_symbol=name,
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


def _need(field: str, value: str | None) -> str:
    if not value:
        raise _refused(field, f"{field} is needed", f"give {field}")
    return value


def _refused(field: str | None, rule: str, fix: str) -> Refused:
    return Refused(code="bad_line", title="This cannot be previewed", field=field, rule=rule, fix=fix)
