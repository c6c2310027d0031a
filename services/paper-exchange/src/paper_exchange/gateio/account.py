"""Calls that read an account, and transfers (sections 5 and 6)."""

from decimal import Decimal
from typing import Any

from paper_exchange.core.candles import DAY_MS
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Order
from paper_exchange.gateio import render
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_value, missing, no_order
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.intake import need_name
from paper_exchange.gateio.numbers import plain
from paper_exchange.gateio.render import Json

WALLETS = ("spot", "margin", "cross_margin", "futures", "delivery", "options")
MOST_FEE_PAIRS = 50


def accounts(call: Call) -> list[Json]:
    """GET /spot/accounts, of one currency or of all."""
    wanted = call.query.text("currency")
    return [
        {
            "currency": currency,
            "available": plain(balance.free),
            "locked": plain(balance.locked),
            "update_id": call.venue.balances.update_id(call.uid, currency),
        }
        for currency, balance in call.account.balances.items()
        if wanted in {None, currency}
    ]


def unified_accounts(call: Call) -> Json:
    """GET /unified/accounts: the mode, and the same balances in another shape."""
    balances = {
        currency: {
            "available": plain(balance.free),
            "freeze": plain(balance.locked),
            "borrowed": "0",
            "equity": plain(balance.free + balance.locked),
            "spot_in_use": "0",
        }
        for currency, balance in call.account.balances.items()
    }
    mode = "multi_currency" if call.uid in call.venue.unified else "classic"
    return {"user_id": call.uid, "locked": False, "mode": mode, "balances": balances}


def detail(call: Call) -> Json:
    """GET /account/detail."""
    assert call.key is not None
    return {
        "user_id": call.uid,
        "ip_whitelist": sorted(call.key.addresses),
        "currency_pairs": [],
        "tier": 0,
        "key": {"mode": 2 if call.uid in call.venue.unified else 1},
        "copy_trading_role": 0,
    }


def total_balance(call: Call) -> Json:
    """GET /wallet/total_balance: everything at market prices, in USDT."""
    value = call.venue.exchange.value_in
    total = sum(
        (value(balance.free + balance.locked, name, "USDT") for name, balance in call.account.balances.items()), ZERO
    )
    amount = {"amount": plain(total.quantize(Decimal("0.00000001"))), "currency": "USDT"}
    return {"total": amount, "details": {"spot": amount}}


# -- fees -----------------------------------------------------------------------------------------------------------


def fee(call: Call) -> Json:
    """GET /spot/fee and GET /wallet/fee."""
    call.optional_symbol()
    pair = call.query.text("currency_pair")
    return _fee(call) | {"rpi_maker_fee": "0", "rpi_mm": 0} | ({} if pair is None else {"currency_pair": pair})


def batch_fee(call: Call) -> Json:
    """GET /spot/batch_fee: by pair."""
    pairs = call.query.need("currency_pairs").split(",")
    if len(pairs) > MOST_FEE_PAIRS:
        raise ApiError("TOO_MANY_CURRENCY_PAIRS", f"at most {MOST_FEE_PAIRS} currency pairs")
    for pair in pairs:
        call.venue.market(pair)
    return {pair: _fee(call) | {"currency_pair": pair} for pair in pairs}


def _fee(call: Call) -> Json:
    account = call.account
    return {
        "user_id": call.uid,
        "taker_fee": plain(account.taker_rate),
        "maker_fee": plain(account.maker_rate),
        **render.gt_rates(account, call.venue),
        "loan_fee": "0.18",
        "point_type": "1",
        "debit_fee": 1 if account.pays_with_discount_asset else 3,
    }


# -- orders and trades ----------------------------------------------------------------------------------------------


def order(call: Call) -> Json:
    """GET /spot/orders/{id}; the pair is mandatory for open orders, and asked for always."""
    market = call.market(call.query)
    found = call.venue.order(call.account, market.instrument.symbol, need_name(call.name))
    if found is None:
        raise no_order()
    return render.order(call.venue, found)


def orders(call: Call) -> list[Json]:
    """GET /spot/orders, open or finished, newest first; the time of a finished one is that of its end."""
    query = call.query
    is_open = query.choice("status", ("open", "finished"), query.need("status")) == "open"
    symbol, side, span = call.optional_symbol(), query.choice("side", ("buy", "sell", ""), ""), query.span_ms()
    if is_open and symbol is None:
        raise missing("currency_pair")
    page = query.page(most=100 if is_open else 1000)
    rows = [
        found
        for found in _newest(call)
        if found.is_open == is_open
        and symbol in {None, found.symbol}
        and (is_open or (side in {"", render.side(found)} and span[0] <= found.updated_ms <= span[1]))
    ]
    return [render.order(call.venue, found) for found in rows[page]]


def _newest(call: Call) -> list[Order]:
    return sorted(call.account.orders.values(), key=lambda found: -found.order_id)


def open_orders(call: Call) -> list[Json]:
    """GET /spot/open_orders: by pair; the pages are inside each pair."""
    page, by_pair = call.query.page(most=100), dict[str, list[Order]]()
    for found in _newest(call):
        if found.is_open:
            by_pair.setdefault(call.venue.pair(found.symbol), []).append(found)
    return [
        {"currency_pair": pair, "total": len(rows), "orders": [render.order(call.venue, o) for o in rows[page]]}
        for pair, rows in by_pair.items()
    ]


def my_trades(call: Call) -> list[Json]:
    """GET /spot/my_trades, newest first: the last seven days unless times are given."""
    query, symbol, order_id = call.query, call.optional_symbol(), call.query.text("order_id")
    if order_id is not None and symbol is None:
        raise missing("currency_pair")
    start, end = _trade_span(call)
    rows = [
        (fill, found)
        for found in call.account.orders.values()
        if symbol in {None, found.symbol} and order_id in {None, str(found.order_id)}
        for fill in found.fills
        if start <= fill.ts_ms <= end
    ]
    rows.sort(key=lambda row: (-row[0].trade_id, row[1].order_id))
    return [render.my_trade(call.venue, found, fill) for fill, found in rows[query.page()]]


def _trade_span(call: Call) -> tuple[int, int]:
    query, week = call.query, 7 * DAY_MS
    start, end = query.span_ms()
    has_start, has_end = query.text("from") is not None, query.text("to") is not None
    if has_start and has_end and end - start > 30 * DAY_MS + 999:
        raise bad_value("from", "more than 30 days before to")
    if has_start and not has_end:
        return start, start + week
    return (end - week if has_end else call.now_ms - week) if not has_start else start, end


# -- transfers ------------------------------------------------------------------------------------------------------


def transfer(call: Call) -> Json:
    """POST /wallet/transfers: out of spot the money is gone from here, into spot it appears."""
    fields = Fields.of(call.body)
    currency, amount = fields.need("currency"), fields.need_decimal("amount")
    source = fields.choice("from", WALLETS, fields.need("from"))
    target = fields.choice("to", WALLETS, fields.need("to"))
    if source == target or "spot" not in {source, target}:
        raise bad_value("to", target)
    if max(0, -_exponent(amount)) > 8:
        raise bad_value("amount", fields.text("amount"))
    if "margin" in {source, target}:
        fields.need("currency_pair")
    if {source, target} & {"futures", "delivery"}:
        fields.need("settle")
    delta = -amount if source == "spot" else amount
    call.venue.transfer(call.uid, currency, delta, source, target, call.now_ms)
    return {"tx_id": call.venue.next_tx_id()}


def _exponent(value: Decimal) -> int:
    exponent: Any = value.normalize().as_tuple().exponent
    return int(exponent)
