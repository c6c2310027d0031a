"""Price orders: orders that are placed when the last price reaches a level (section 8)."""

from decimal import Decimal

from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import OrderRequest
from paper_exchange.core.trigger import BalanceRule, Trigger, TriggerRequest
from paper_exchange.gateio import render
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_argument, bad_body, bad_value, missing, no_order, too_small
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.intake import SIDES, on_grid
from paper_exchange.gateio.notes import TriggerNote
from paper_exchange.gateio.numbers import plain
from paper_exchange.gateio.render import Json

LONGEST_S = 2_592_000  # 30 days are known to be accepted; the true bound is not documented.
_BALANCE_RULES: dict[str, BalanceRule] = {"ignore": "IGNORE", "check": "CHECK", "lock": "LOCK"}
_KEYS = {
    "": {"market", "trigger", "put"},
    "trigger": {"price", "rule", "expiration"},
    "put": {"type", "side", "price", "amount", "account", "time_in_force", "auto_borrow", "auto_repay", "text"},
}


def place(call: Call) -> Json:
    """POST /spot/price_orders: answers the id and nothing else."""
    fields = Fields.of(call.body)
    trigger, put = _part(fields, "trigger"), _part(fields, "put")
    _check_keys(call, "", fields)
    _check_keys(call, "trigger", trigger)
    _check_keys(call, "put", put)
    market = call.market(fields, "market")
    rule = trigger.text("rule") or ""
    if rule not in {">=", "<="}:
        raise bad_argument("Trigger.rule")
    request = _read(call, market, trigger, put, rises=rule == ">=")
    symbol = market.instrument.symbol
    call.venue.check_repeat(call.uid, symbol, rule, call.now_ms)
    armed = call.venue.exchange.arm(call.uid, symbol, request, call.now_ms)
    call.venue.count_trigger(call.uid, symbol, rule, call.now_ms)
    return {"id": armed.order_id, "id_string": str(armed.order_id)}


def _part(fields: Fields, name: str) -> Fields:
    part = fields.raw(name)
    if part is None:
        raise missing(name)
    if not isinstance(part, dict):
        raise bad_body()
    return Fields(part)


def _check_keys(call: Call, part: str, fields: Fields) -> None:
    """Read-only and unknown keys are refused, even as null or zero."""
    unknown = set(fields.names()) - _KEYS[part]
    if unknown and call.switches.extra_trigger_keys == "refuse":
        raise bad_argument(f"{part}{'.' if part else ''}{min(unknown)}")


def _read(call: Call, market: Market, trigger: Fields, put: Fields, *, rises: bool) -> TriggerRequest:
    instrument, trigger_px = market.instrument, trigger.need_decimal("price")
    on_grid(call, instrument, ZERO, trigger_px)
    child = _read_child(call, market, put, trigger_px)
    expiration_s = trigger.integer("expiration")
    if expiration_s is not None and not 0 < expiration_s <= LONGEST_S:
        raise bad_argument("trigger.expiration", "invalid range")
    if call.switches.trigger_direction_check:
        _check_direction(trigger_px, market.last, rises=rises)
    return TriggerRequest(
        "", trigger_px, child, rises,
        expires_ms=None if expiration_s is None else call.now_ms + expiration_s * 1000,
        balance=_BALANCE_RULES[call.switches.trigger_balance],
        note=TriggerNote(expiration_s, put.need("account"), put.text("text") or "api"),
    )  # fmt: skip


def _check_direction(trigger_px: Decimal, last: Decimal, *, rises: bool) -> None:
    """`>=` waits above the last price, `<=` below it."""
    if rises and trigger_px <= last:
        raise ApiError("AUTO_TRIGGER_PRICE_GREATE_LAST", "trigger.price must > last_price")
    if not rises and trigger_px >= last:
        raise ApiError("AUTO_TRIGGER_PRICE_LESS_LAST", "trigger.price must < last_price")


def _read_child(call: Call, market: Market, put: Fields, trigger_px: Decimal) -> OrderRequest:
    kind, side = put.text("type") or "limit", put.need("side")
    if kind not in {"limit", "market"} or (kind == "market" and call.switches.market_triggers == "refuse"):
        raise bad_argument("put.type")
    if side not in SIDES:
        raise bad_argument("put.side")
    # The word is not `spot` here (section 8).
    if put.need("account") != ("unified" if call.uid in call.venue.unified else "normal"):
        raise bad_argument("put.account")
    tif = put.need("time_in_force")
    if tif not in ({"ioc"} if kind == "market" else {"gtc", "ioc"}):
        raise bad_argument("put.time_in_force")
    amount, px = put.need_decimal("amount"), _read_px(put, kind)
    counts_quote = (kind, side) == ("market", "buy") and call.switches.market_buy_trigger_amount == "quote"
    if counts_quote:
        _check_value(call, market, amount)
        return OrderRequest("", "BUY", "MARKET", quote_qty=amount, time_in_force="IOC", self_trade_mode="NONE")
    qty, px = on_grid(call, market.instrument, amount, px)
    if qty < market.instrument.min_qty:
        raise ApiError(
            "AMOUNT_TOO_LITTLE", f"Order amount {plain(qty)} is less than {plain(market.instrument.min_qty)}"
        )
    _check_value(call, market, qty * (px or trigger_px))
    return OrderRequest(
        "", SIDES[side], "LIMIT" if px else "MARKET", qty, px, time_in_force="GTC" if tif == "gtc" else "IOC",
        self_trade_mode="NONE",
    )  # fmt: skip


def _read_px(put: Fields, kind: str) -> Decimal:
    """Mandatory for both types; the market's is zero."""
    if kind == "limit":
        return put.need_decimal("price")
    put.need("price")
    put.decimal("price")
    return ZERO


def _check_value(call: Call, market: Market, value: Decimal) -> None:
    minimum = market.instrument.min_notional
    if call.switches.trigger_minimum_check and value < minimum:
        raise too_small(plain(value), plain(minimum), market.instrument.quote)


# -- looking at and cancelling ---------------------------------------------------------------------------------------


def listing(call: Call) -> list[Json]:
    """GET /spot/price_orders, open or finished, newest first."""
    query = call.query
    is_over = query.choice("status", ("open", "finished"), query.need("status")) == "finished"
    symbol, offset, limit = call.optional_symbol("market"), query.integer("offset") or 0, query.integer("limit") or 100
    if not 1 <= limit <= 1000:
        raise bad_value("limit", limit)
    if offset < 0:
        raise bad_value("offset", offset)
    known = reversed(call.venue.exchange.triggers.get(call.uid, {}).values())
    rows = [found for found in known if render.is_over(found) == is_over and symbol in {None, found.symbol}]
    return [render.price_order(call.venue, found) for found in rows[offset : offset + limit]]


def _find(call: Call) -> Trigger:
    known = call.venue.exchange.triggers.get(call.uid, {})
    found = known.get(int(call.name)) if call.name.isdecimal() else None
    if found is None:
        raise no_order()
    return found


def get(call: Call) -> Json:
    """GET /spot/price_orders/{id}."""
    return render.price_order(call.venue, _find(call))


def cancel(call: Call) -> Json:
    """DELETE /spot/price_orders/{id}. Which label an ended one answers is not documented: a switch."""
    found = _find(call)
    if not found.is_armed:
        raise ApiError(call.switches.ended_trigger_label, "Order already finished")
    call.venue.exchange.cancel_trigger(found, call.now_ms)
    return render.price_order(call.venue, found)


def cancel_all(call: Call) -> list[Json]:
    """DELETE /spot/price_orders: without a market, those of every market."""
    symbol = call.optional_symbol("market")
    armed = call.venue.exchange.armed(call.uid, symbol)
    for found in armed:
        call.venue.exchange.cancel_trigger(found, call.now_ms)
    return [render.price_order(call.venue, found) for found in armed]
