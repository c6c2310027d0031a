"""Calls that place, cancel and amend orders (section 6)."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from paper_exchange.core.market import Market
from paper_exchange.core.orders import Order
from paper_exchange.core.refusals import Refused
from paper_exchange.gateio import attached, intake, render
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_body, bad_value, missing, no_order, refusal
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.numbers import plain
from paper_exchange.gateio.render import Json

MOST_PLACED_PAIRS, MOST_PLACED_PER_PAIR, MOST_CANCELED, MOST_AMENDED = 4, 10, 20, 5


# -- placing --------------------------------------------------------------------------------------------------------


def place(call: Call) -> Json:
    """POST /spot/orders."""
    fields = Fields.of(call.body)
    market, mode = call.market(fields), intake.read_action_mode(fields)
    call.spend("create", f"{call.uid}{market.instrument.symbol}")
    return render.order(call.venue, _place(call, fields, market), mode)


def _place(call: Call, fields: Fields, market: Market) -> Order:
    request = intake.read_order(call, fields, market)
    entry = None if request.type == "MARKET" else (request.side, request.px)
    exits = attached.read_exits(call, fields, {}, market, entry)
    intake.check_takes(call, market, request)
    iceberg = fields.decimal("iceberg")
    order = call.venue.exchange.place(call.uid, market.instrument.symbol, request, call.now_ms)
    note = call.venue.note(order)
    note.slippage = fields.text("slippage")
    note.iceberg = "0" if iceberg is None else plain(iceberg)
    attached.attach(call, order, market, exits)
    return order


def place_batch(call: Call) -> list[Json]:
    """POST /spot/batch_orders: 200 whatever becomes of the single orders."""
    bodies = _elements(call.body, MOST_PLACED_PAIRS * MOST_PLACED_PER_PAIR)
    wanted: dict[str, int] = {}
    for fields in bodies:
        fields.need("text")
        symbol = call.market(fields).instrument.symbol
        wanted[symbol] = wanted.get(symbol, 0) + 1
    if len(wanted) > MOST_PLACED_PAIRS:
        raise ApiError("TOO_MANY_CURRENCY_PAIRS", f"at most {MOST_PLACED_PAIRS} currency pairs in one batch")
    if max(wanted.values()) > MOST_PLACED_PER_PAIR:
        raise ApiError("TOO_MANY_ORDERS", f"at most {MOST_PLACED_PER_PAIR} orders of a currency pair in one batch")
    if len({fields.text("account") or "spot" for fields in bodies}) > 1:
        raise ApiError("MIXED_ACCOUNT_TYPE", "only one kind of account in one batch")
    for symbol, count in wanted.items():
        call.spend("create", f"{call.uid}{symbol}", count)
    return [_placed_element(call, fields) for fields in bodies]


def _placed_element(call: Call, fields: Fields) -> Json:
    def act() -> Json:
        order = _place(call, fields, call.market(fields))
        return render.order(call.venue, order, intake.read_action_mode(fields)) | {"order_id": str(order.order_id)}

    return _outcome(act, {"order_id": "", "amend_text": "", "text": fields.text("text")})


def _elements(body: Any, most: int) -> list[Fields]:
    if not isinstance(body, list) or not body:
        raise bad_body()
    if len(body) > most:
        raise ApiError("TOO_MANY_ORDERS", f"at most {most} orders in one batch")
    return [Fields.of(element) for element in body]


def _outcome(act: Callable[[], Json], otherwise: Json) -> Json:
    """One element of a batch: what it did, or why not."""
    try:
        return act() | {"succeeded": True, "label": "", "message": ""}
    except ApiError as error:
        return otherwise | {"succeeded": False} | error.body()
    except Refused as refused:
        return otherwise | {"succeeded": False} | refusal(refused.reason).body()


# -- canceling ------------------------------------------------------------------------------------------------------


def find(call: Call, fields: Fields, name: str | None) -> Order:
    """The order of that id or text on the mandatory pair. Raises: ORDER_NOT_FOUND."""
    market = call.market(fields)
    order = call.venue.order(call.account, market.instrument.symbol, intake.need_name(name))
    if order is None:
        raise no_order()
    return order


def cancel(call: Call) -> Json:
    """DELETE /spot/orders/{id}."""
    order, mode = find(call, call.query, call.name), intake.read_action_mode(call.query)
    intake.check_account(call, call.query)
    _cancel(call, order)
    return render.order(call.venue, order, mode)


def _cancel(call: Call, order: Order) -> None:
    _check_open(call, order)
    call.venue.exchange.cancel(order, "", call.now_ms)


def _check_open(call: Call, order: Order) -> None:
    """Refuse what has ended. Raises: ORDER_CLOSED, ORDER_CANCELLED, ORDER_NOT_FOUND."""
    if order.is_open:
        return
    if call.switches.ended_order_label == "ORDER_NOT_FOUND":
        raise no_order()
    if order.status == "FILLED":
        raise ApiError("ORDER_CLOSED", "Order already closed")
    raise ApiError("ORDER_CANCELLED", "Order already cancelled")


def cancel_all(call: Call) -> list[Json]:
    """DELETE /spot/orders: without a pair, those of every pair."""
    symbol, side = call.optional_symbol(), call.query.choice("side", ("buy", "sell", ""), "")
    wanted = [
        order
        for order in call.account.open_orders.values()
        if symbol in {None, order.symbol} and side in {"", render.side(order)}
    ]
    return [_outcome(partial(_canceled, call, order), {}) for order in wanted]


def _canceled(call: Call, order: Order) -> Json:
    _cancel(call, order)
    return render.order(call.venue, order)


def cancel_batch(call: Call) -> list[Json]:
    """POST /spot/cancel_batch_orders: 200 whatever becomes of the single orders."""
    return [_canceled_element(call, fields) for fields in _elements(call.body, MOST_CANCELED)]


def _canceled_element(call: Call, fields: Fields) -> Json:
    body = {"currency_pair": fields.need("currency_pair"), "id": fields.need("id"), "text": ""}
    own = call.venue.account_word(call.uid)

    def act() -> Json:
        # Only here a unified account must say so (section 16).
        if (fields.text("account") or "spot") != own:
            raise no_order()
        order = find(call, fields, fields.need("id"))
        _cancel(call, order)
        return body | {"text": order.client_order_id}

    return _outcome(act, body) | {"account": fields.text("account") or ""}


# -- amending -------------------------------------------------------------------------------------------------------


def amend(call: Call) -> Json:
    """PATCH /spot/orders/{id}; the pair may stand in the body or in the query."""
    fields = Fields.of(call.body)
    where = fields if fields.text("currency_pair") else call.query
    market = call.market(where)
    call.spend("create", f"{call.uid}{market.instrument.symbol}")
    order = find(call, where, call.name)
    mode = intake.read_action_mode(fields)
    _amend(call, fields, market, order)
    return render.order(call.venue, order, mode)


def amend_batch(call: Call) -> list[Json]:
    """POST /spot/amend_batch_orders: 200 whatever becomes of the single orders."""
    bodies = _elements(call.body, MOST_AMENDED)
    for fields in bodies:
        call.spend("create", f"{call.uid}{call.market(fields).instrument.symbol}")
    return [_amended_element(call, fields) for fields in bodies]


def _amended_element(call: Call, fields: Fields) -> Json:
    name = fields.need("order_id")

    def act() -> Json:
        order = find(call, fields, name)
        _amend(call, fields, call.market(fields), order)
        return render.order(call.venue, order) | {"order_id": str(order.order_id)}

    return _outcome(act, {"order_id": name, "amend_text": "", "text": ""})


def _amend(call: Call, fields: Fields, market: Market, order: Order) -> None:
    """`amount` is the new total; what is no more than filled already ends the order."""
    _check_open(call, order)
    if order.type == "MARKET":
        raise bad_value("type", "market")
    exits = _amended_exits(call, fields, market, order)
    if not (fields.has("amount") or fields.has("price")) and exits is None:
        raise missing("amount or price")
    qty = order.qty if fields.text("amount") is None else fields.need_decimal("amount")
    px = order.px if fields.text("price") is None else fields.need_decimal("price")
    qty, px = intake.on_grid(call, market.instrument, qty, px)
    if (qty, px) == (order.qty, order.px) and exits is None:
        raise ApiError("NO_CHANGE", "No change")
    note = call.venue.note(order)
    before = replace(note)
    note.amend_text, note.is_amended = fields.text("amend_text") or note.amend_text, True
    try:
        _change(call, market, order, qty, px)
    except (ApiError, Refused):
        note.amend_text, note.is_amended = before.amend_text, before.is_amended
        raise
    if exits is not None:
        attached.attach(call, order, market, exits)


def _amended_exits(call: Call, fields: Fields, market: Market, order: Order) -> attached.Exits | None:
    if all(fields.raw(name) is None for name in attached.NAMES):
        return None
    px = order.px if fields.text("price") is None else fields.need_decimal("price")
    return attached.read_exits(call, fields, call.venue.note(order).exits, market, (order.side, px))


def _change(call: Call, market: Market, order: Order, qty: Any, px: Any) -> None:
    if qty <= order.cum_qty:
        _cancel(call, order)
    elif (qty, px) != (order.qty, order.px):
        intake.check_size(market.instrument, qty, px)
        if order.type == "LIMIT_MAKER":
            intake.check_rests(call, market, order.side, px)
        call.venue.exchange.amend(order, qty, px, call.now_ms)
