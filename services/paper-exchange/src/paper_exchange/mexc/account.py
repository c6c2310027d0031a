"""Calls that read an account (sections 6.6 to 6.9), and those about listen keys (section 9)."""

from datetime import UTC, datetime
from typing import Any

from paper_exchange.core.candles import DAY_MS
from paper_exchange.core.orders import Order
from paper_exchange.mexc import render
from paper_exchange.mexc.call import Call
from paper_exchange.mexc.catalog import State
from paper_exchange.mexc.errors import malformed, no_order
from paper_exchange.mexc.ids import read_order_id
from paper_exchange.mexc.trading import find_order

Json = dict[str, Any]
WEEK_MS, MONTH_MS = 7 * DAY_MS, 30 * DAY_MS
KEY_LIVES_DAYS = 90


def order(call: Call) -> Json:
    """GET order; without `symbol` all symbols are looked through."""
    found = find_order(call, call.optional_symbol())
    if found is None:
        raise no_order(call.venue.switches.unknown_order_code)
    return render.queried(found)


def open_orders(call: Call) -> list[Json]:
    """GET openOrders, of one symbol or of all."""
    symbol = call.optional_symbol()
    return [render.queried(o) for o in call.account.open_orders.values() if symbol in {None, o.symbol}]


def _span(call: Call, back_ms: int, longest_ms: int) -> tuple[int, int]:
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    end = call.now_ms if end is None else end
    start = end - back_ms if start is None else start
    return max(start, call.now_ms - longest_ms), end


def all_orders(call: Call) -> list[Json]:
    """GET allOrders, newest first: the last day, or at most the last week."""
    symbol, limit = call.market().instrument.symbol, call.params.limit(500, 1000)
    start, end = _span(call, DAY_MS, WEEK_MS)
    mine = [o for o in call.account.orders.values() if o.symbol == symbol and start <= o.created_ms <= end]
    return [render.queried(o) for o in reversed(mine)][:limit]


def my_trades(call: Call) -> list[Json]:
    """GET myTrades, newest first: the last month, and nothing that is too new (section 15)."""
    symbol, switches = call.market().instrument.symbol, call.venue.switches
    limit = call.params.limit(switches.my_trades_most, switches.my_trades_most)
    start, end = _span(call, MONTH_MS, MONTH_MS)
    end = min(end, call.now_ms - switches.my_trades_lag_ms)
    fills = [(fill.trade_id, o, fill) for o in _orders(call, symbol) for fill in o.fills if start <= fill.ts_ms <= end]
    fills.sort(key=lambda row: row[0], reverse=True)
    return [render.my_trade(o, fill) for _, o, fill in fills[:limit]]


def _orders(call: Call, symbol: str) -> list[Order]:
    order_id = call.params.text("orderId")
    if order_id is None:
        return [o for o in call.account.orders.values() if o.symbol == symbol]
    found = call.account.orders.get((symbol, read_order_id(order_id)))
    return [] if found is None else [found]


def account(call: Call) -> Json:
    """GET account, twice a second at most."""
    call.venue.meter.count_call(call.signer.uid, "account", call.venue.switches.account_calls_per_s, call.now_ms)
    return render.account_info(call.account, can_trade="SPOT_DEAL_WRITE" in call.signer.permissions)


def trade_fee(call: Call) -> Json:
    """GET tradeFee; the rates are JSON numbers, as nowhere else."""
    call.market()
    account = call.account
    rates = {"makerCommission": float(account.maker_rate), "takerCommission": float(account.taker_rate)}
    return call.wrapped(rates)


def mx_deduct(call: Call) -> Json:
    """GET mxDeduct/enable: whether fees are paid in MX."""
    return call.wrapped({"mxDeductEnable": call.account.pays_with_discount_asset})


def set_mx_deduct(call: Call) -> Json:
    """POST mxDeduct/enable."""
    wanted = call.params.need("mxDeductEnable").lower()
    if wanted not in {"true", "false"}:
        raise malformed("mxDeductEnable")
    call.account.pays_with_discount_asset = wanted == "true"
    return mx_deduct(call)


def self_symbols(call: Call) -> Json:
    """GET selfSymbols: what this key may trade."""
    allowed = call.signer.symbols
    symbols = [
        symbol
        for symbol, state in call.venue.states.items()
        if state is not State.API_CLOSED and (allowed is None or symbol in allowed)
    ]
    return {"code": 200, "data": symbols, "msg": None}


def uid(call: Call) -> Json:
    """GET uid."""
    return {"uid": str(call.signer.uid)}


def kyc(_: Call) -> Json:
    """GET kyc/status: advanced."""
    return {"status": "3"}


def key_info(call: Call) -> Json:
    """GET apiKeyInfo of one's own key."""
    key = call.signer
    created = datetime.fromtimestamp(key.created_ms / 1000, UTC)
    return {
        "note": "",
        "accessKey": key.api_key,
        "createTime": created.strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
        "permissions": ",".join(sorted(key.permissions)),
        "remainingValidity": KEY_LIVES_DAYS - (call.now_ms - key.created_ms) // DAY_MS,
        "ipWhiteList": "",
        "status": "VALID",
    }


# -- listen keys ----------------------------------------------------------------------------------------------------


def open_listen_key(call: Call) -> Json:
    """POST userDataStream."""
    switches = call.venue.switches
    key = call.venue.listen_keys.open(
        call.signer.uid, call.now_ms, switches.listen_key_ms, switches.most_listen_keys
    )  # fmt: skip
    return {"listenKey": key}


def list_listen_keys(call: Call) -> Json:
    """GET userDataStream, whose shape changed in 2026."""
    switches, keys = call.venue.switches, call.venue.listen_keys.of(call.signer.uid, call.now_ms)
    if switches.listen_keys_shape == "2025":
        return {"listenKey": keys}
    most = switches.most_listen_keys
    return {"total": most, "listenKey": keys, "available": most - len(keys)}


def extend_listen_key(call: Call) -> Json:
    """PUT userDataStream: an hour from now."""
    key = call.params.text("listenKey") or ""
    call.venue.listen_keys.extend(call.signer.uid, key, call.now_ms, call.venue.switches.listen_key_ms)
    return {"listenKey": key}


def close_listen_key(call: Call) -> Json:
    """DELETE userDataStream."""
    key = call.params.text("listenKey") or ""
    call.venue.listen_keys.close(call.signer.uid, key, call.now_ms)
    return {"listenKey": key}
