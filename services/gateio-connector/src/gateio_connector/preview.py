"""Commands and plain wishes, as JSON, to the unsigned request they would become. The README shows the shapes."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec

from common import ids
from common.commands import (
    CancelAllOrders,
    CancelOrder,
    Command,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, OrderIntent, PlaceOrder
from gateio_connector import queries, requests
from gateio_connector.names import price_order_of, text_of
from gateio_connector.signing import PREFIX

Line = dict[str, Any]

# Frame of a command that is only looked at: what the wish leaves out does not reach the exchange.
_FRAME = {
    "command_id": "preview",
    "bracket_id": "preview",
    "account_id": "preview",
    "exchange": "gateio",
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


HABITS = requests.Habits()
_QUOTES = ("USDT", "USDC", "USD1", "BTC", "ETH", "GT")


class Numbers(msgspec.Struct, frozen=True):
    """What the plain reading wishes may say."""

    limit: int = 100
    since_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    interval: str = "1m"
    symbol: str | None = None
    exchange_order_id: str | None = None


_READS: dict[str, Callable[[Numbers], HttpRequest]] = {
    "fetch_open_orders": lambda n: queries.open_orders() if n.symbol is None else queries.orders(_pair(n), "open"),
    "fetch_price_orders": lambda n: queries.price_orders("open", None if n.symbol is None else _pair(n)),
    "fetch_my_trades": lambda n: queries.my_trades(_pair(n), since_ms=n.since_ms, order_id=n.exchange_order_id),
    "fetch_balance": lambda n: queries.accounts(),
    "fetch_time": lambda n: queries.time(),
    "fetch_instruments": lambda n: queries.currency_pairs(),
    "fetch_ticker": lambda n: queries.tickers(_pair(n)),
    "fetch_tickers": lambda n: queries.tickers(None),
    "fetch_candles": lambda n: queries.candles(_pair(n), n.interval, n.limit, n.start_ms, n.end_ms),
    "fetch_depth": lambda n: queries.depth(_pair(n), n.limit),
    "fetch_public_trades": lambda n: queries.public_trades(_pair(n), n.limit),
    "check_key": lambda n: queries.account_detail(),
}


def preview_line(line: Line) -> Line:
    """The unsigned request of one line. Raises Refused naming what is wrong with it."""
    wish = _normalized(line)
    action = wish.get("action")
    if isinstance(action, str) and action in _READS:
        return shown(_READS[action](_convert(wish, Numbers)))
    if isinstance(action, str) and action in _ACTIONS:
        wish["type"] = _ACTIONS[action]
    kind = wish.get("type")
    if isinstance(kind, str) and kind.startswith("intent."):
        return shown(_of_intent(_convert(line, OrderIntent)))
    if not isinstance(kind, str) or not kind.startswith("command."):
        known = ", ".join(sorted({*_ACTIONS, *_READS}))
        raise _refused("action", f"one of {known}; or a `type` of command.* or intent.*", "name what to do")
    reference_px = _convert(wish.get("reference_px"), Decimal | None)
    return shown(_of_command(_convert(_completed(wish, kind), Command), _instrument(wish), reference_px))


def shown(request: HttpRequest) -> Line:
    """What the exchange would see, without key, time and signature."""
    line: Line = {"method": request.method, "path": PREFIX + request.path}
    line |= {"params": dict(request.params)} if request.body is None else {"body": request.body}
    return line | {"signed": request.signed, "weight": request.weight, "order_count": request.order_count}


def _of_command(command: Command, instrument: Instrument, reference_px: Decimal | None = None) -> HttpRequest:
    pair = instrument.exchange_symbol
    match command:
        case SubmitOrder() if command.order_type.waits_for_trigger:
            return requests.arm(command, instrument, HABITS)
        case SubmitOrder():
            return requests.submit_order(command, instrument, HABITS, reference_px)
        case SubmitOrderList():
            raise _refused("type", "Gate.io has no order lists", "preview each leg as a command.submit_order")
        case CancelOrder():
            return _cancel(command, pair)
        case CancelAllOrders():
            return requests.cancel_all(pair)
        case QueryOrder():
            price_order_id = price_order_of(command.exchange_order_id)
            if price_order_id is not None:
                return queries.price_order(price_order_id)
            return queries.order(pair, command.exchange_order_id or text_of(command.client_order_id))


def _cancel(command: CancelOrder, pair: str) -> HttpRequest:
    price_order_id = price_order_of(command.exchange_order_id)
    if price_order_id is not None:
        return requests.disarm(price_order_id)
    return requests.cancel(pair, command.exchange_order_id or text_of(command.client_order_id or ""))


def _of_intent(intent: OrderIntent) -> HttpRequest:
    frame: dict[str, Any] = {
        "command_id": "preview",
        "bracket_id": ids.bracket_id(intent.account_id, intent.intent_id),
        "account_id": intent.account_id,
        "exchange": Exchange.GATEIO,
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
            return _of_command(entry, intent.instrument, intent.reference_px)
        case CancelOrderIntent():
            order_id, exchange_id = intent.client_order_id, intent.exchange_order_id
            wanted = CancelOrder(**frame, client_order_id=order_id, exchange_order_id=exchange_id)
            return _cancel(wanted, _pair_of(intent.symbol))
        case CancelAllOrdersIntent():
            return requests.cancel_all(_pair_of(intent.symbol))
        case _:
            raise _refused("type", "exits are planned by the order-engine", "preview its command.submit_order")


def _normalized(line: Mapping[str, Any]) -> Line:
    wish: Line = {_ALIASES.get(key, key): value for key, value in line.items()}
    for key in _CAPITALS:
        if isinstance(wish.get(key), str):
            wish[key] = wish[key].upper()
    return wish


def _completed(wish: Line, kind: str) -> Line:
    """Names for orders that have none: a preview sends nothing."""
    full: Line = {**_FRAME, **wish}
    if kind in {"command.submit_order", "command.query_order"}:
        full.setdefault("client_order_id", "preview")
    return full


def _instrument(wish: Mapping[str, Any]) -> Instrument:
    if isinstance(wish.get("instrument"), dict):
        return cast("Instrument", _convert(wish["instrument"], Instrument))
    symbol = wish.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise _refused("symbol", "a symbol is needed", 'give "symbol": "BTCUSDT"')
    # Without its rules nothing is rounded.
    return Instrument(
        exchange=Exchange.GATEIO,
        symbol=symbol,
        exchange_symbol=_pair_of(symbol),
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


def _pair(numbers: Numbers) -> str:
    if not numbers.symbol:
        raise _refused("symbol", "a symbol is needed", 'give "symbol": "BTC/USDT"')
    return _pair_of(numbers.symbol)


def _pair_of(symbol: str) -> str:
    """The pair of a symbol as it was written. A preview has no list of pairs to look into; it sends nothing, so for a
    symbol without a separator it may assume a quote that is common. The connector itself never does."""
    written = symbol.replace("/", "_")
    if written.count("_") == 1 and not written.startswith("_") and not written.endswith("_"):
        return written
    quote = next((each for each in _QUOTES if symbol.endswith(each) and len(symbol) > len(each)), None)
    if quote is None:
        raise _refused("symbol", "the pair must be told: base and quote with / or _ between them", "say BTC/USDT")
    return f"{symbol.removesuffix(quote)}_{quote}"


def _refused(field: str | None, rule: str, fix: str) -> Refused:
    return Refused(code="bad_line", title="This cannot be previewed", field=field, rule=rule, fix=fix)
