"""Commands, intents and plain wishes, as JSON, to the unsigned request they would become.

A wish is what a person writes: `{"action": "create_order", "symbol": "BTC/USDT", "side": "buy", "quantity": "0.1"}`.
What an exchange adds is how it says a command (`request_of`), how it reads (`reads`) and how it names a symbol.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

import msgspec

from common import ids
from common.commands import CancelAllOrders, CancelOrder, Command, SubmitOrder
from common.connector.ports import HttpRequest
from common.errors import Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.intents import CancelAllOrdersIntent, CancelOrderIntent, OrderIntent, PlaceOrder
from common.tools.lines import Line

# Frame of a command that is only looked at: what the wish leaves out does not reach the exchange.
_FRAME = {
    "command_id": "preview",
    "bracket_id": "preview",
    "account_id": "preview",
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
    "listClientOrderId": "list_client_order_id",
}
_CAPITALS = ("side", "order_type", "time_in_force")
_LEGS = ("take_profit", "stop_loss")
_ACTIONS = {
    "create_order": "command.submit_order",
    "create_oco": "command.submit_order_list",
    "create_order_list": "command.submit_order_list",
    "cancel_order": "command.cancel_order",
    "cancel_all_orders": "command.cancel_all_orders",
    "fetch_order": "command.query_order",
}


class Terms(msgspec.Struct, frozen=True):
    """What a wish may say beside the order itself."""

    limit: int = 100
    since_ms: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    interval: str = "1m"
    symbol: str | None = None
    symbols: tuple[str, ...] = ()
    exchange_order_id: str | None = None
    listen_key: str | None = None
    unified: bool = False
    """Whether it is for a unified (v3) account, on Bitget."""
    reference_px: Decimal | None = None
    """The best ask, for a market buy of a base quantity where the exchange takes quote amounts only."""

    @property
    def pair(self) -> str:
        """The symbol. Raises Refused where the wish has none."""
        return needed("symbol", self.symbol)


@dataclass(frozen=True)
class Preview:
    """What an exchange adds to the previews."""

    exchange: Exchange
    request_of: Callable[[Command, Instrument, Terms], HttpRequest]
    shown: Callable[[HttpRequest], Line]
    reads: Mapping[str, Callable[[Terms], HttpRequest]]
    exchange_symbol: Callable[[str], str] = lambda written: written.replace("/", "")
    """A symbol as a person writes it -> as the exchange writes it. May raise Refused."""
    own_words: Callable[[Line], Line] = lambda wish: wish
    """A wish with the exchange's own words -> with ours."""
    batch_of: Callable[[list[SubmitOrder], Instrument], HttpRequest] | None = field(default=None)
    """Several orders of one symbol in one request, where the exchange takes them (`create_orders`)."""

    def line(self, line: Line) -> Line:
        """The unsigned request of one line. Raises Refused naming what is wrong with it."""
        return self.shown(self._request(line))

    def _request(self, line: Line) -> HttpRequest:
        wish = self._normalized(line)
        action = wish.get("action")
        if isinstance(action, str) and action in self.reads:
            return self.reads[action](_convert(wish, Terms))
        if action == "create_orders" and self.batch_of is not None:
            return self.batch_of(*self._batch(wish))
        kind = _ACTIONS.get(action) if isinstance(action, str) else wish.get("type")
        if isinstance(kind, str) and kind.startswith("intent."):
            return self._of_intent(_convert(line, OrderIntent), _convert(wish, Terms))
        if not isinstance(kind, str) or not kind.startswith("command."):
            batch = ("create_orders",) if self.batch_of is not None else ()
            known = ", ".join(sorted({*_ACTIONS, *self.reads, *batch}))
            raise bad_line("action", f"one of {known}; or a `type` of command.* or intent.*", "name what to do")
        command = _convert(_completed({**wish, "type": kind}, self.exchange), Command)
        return self.request_of(command, self._instrument(wish), _convert(wish, Terms))

    def _of_intent(self, intent: OrderIntent, terms: Terms) -> HttpRequest:
        frame: dict[str, Any] = {
            "command_id": "preview",
            "bracket_id": ids.bracket_id(intent.account_id, intent.intent_id),
            "account_id": intent.account_id,
            "exchange": self.exchange,
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
                return self.request_of(entry, intent.instrument, terms)
            case CancelOrderIntent():
                order_id, exchange_id = intent.client_order_id, intent.exchange_order_id
                cancel = CancelOrder(**frame, client_order_id=order_id, exchange_order_id=exchange_id)
                return self.request_of(cancel, self._unrounded(intent.symbol), terms)
            case CancelAllOrdersIntent():
                return self.request_of(CancelAllOrders(**frame), self._unrounded(intent.symbol), terms)
            case _:
                raise bad_line("type", "exits are planned by the order-engine", "preview its command.submit_order")

    def _batch(self, wish: Line) -> tuple[list[SubmitOrder], Instrument]:
        orders = wish.get("orders")
        if not isinstance(orders, list) or not all(isinstance(order, dict) for order in orders):
            raise bad_line("orders", "a list of orders is needed", 'give "orders": [{…}, {…}]')
        shared = {name: value for name, value in wish.items() if name not in {"orders", "action", "type"}}
        wishes = [{**shared, **self._normalized(order)} for order in orders]
        commands = [
            _convert(_completed({**each, "type": "command.submit_order"}, self.exchange), Command) for each in wishes
        ]
        return commands, self._instrument({**shared, **wishes[0]} if wishes else shared)

    def _normalized(self, line: Mapping[str, Any]) -> Line:
        wish: Line = {_ALIASES.get(key, key): value for key, value in line.items()}
        for key in _CAPITALS:
            if isinstance(wish.get(key), str):
                wish[key] = wish[key].upper()
        symbol = wish.get("symbol")
        if isinstance(symbol, str) and symbol and "instrument" not in wish:
            wish["symbol"] = self.exchange_symbol(symbol)
        for leg in _LEGS:
            if isinstance(wish.get(leg), dict):
                wish[leg] = self._normalized(wish[leg])
        return self.own_words(wish)

    def _instrument(self, wish: Mapping[str, Any]) -> Instrument:
        if isinstance(wish.get("instrument"), dict):
            return cast("Instrument", _convert(wish["instrument"], Instrument))
        symbol = wish.get("symbol")
        return self._unrounded(needed("symbol", symbol if isinstance(symbol, str) else None))

    def _unrounded(self, symbol: str) -> Instrument:
        """An instrument without its rules: nothing is rounded by it."""
        return Instrument(
            exchange=self.exchange,
            symbol=symbol,
            exchange_symbol=self.exchange_symbol(symbol),
            base="",
            quote="",
            tick_size=Decimal(0),
            lot_size=Decimal(0),
        )


def needed(name: str, value: str | None) -> str:
    """What a wish must say. Raises Refused where it does not."""
    if not value:
        example = "BTCUSDT" if name == "symbol" else "…"
        raise bad_line(name, f"a {name} is needed", f'give "{name}": "{example}"')
    return value


def bad_line(name: str | None, rule: str, fix: str) -> Refused:
    """A line that cannot be previewed."""
    return Refused(code="bad_line", title="This cannot be previewed", field=name, rule=rule, fix=fix)


def _completed(wish: Line, exchange: Exchange) -> Line:
    """Names for orders that have none: a preview sends nothing."""
    full: Line = {**_FRAME, "exchange": exchange.value, **wish}
    if full["type"] in {"command.submit_order", "command.query_order"}:
        full.setdefault("client_order_id", "preview")
    if full["type"] == "command.submit_order_list":
        full.setdefault("list_client_order_id", "preview-list")
        for leg in _LEGS:
            if isinstance(full.get(leg), dict):
                full[leg] = {"client_order_id": f"preview-{leg}", **full[leg]}
    return full


def _convert(value: Any, type_: Any) -> Any:
    try:
        return msgspec.convert(value, type_, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise bad_line(None, str(error), "correct the field that is named") from error
