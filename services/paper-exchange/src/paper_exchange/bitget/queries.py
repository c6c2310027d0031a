"""v2 questions about one's own orders, fills and balances (sections 5 and 6)."""

from collections.abc import Iterable, Iterator

from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import missing
from paper_exchange.bitget.numbers import short
from paper_exchange.bitget.render import asset_row, fill_row, history_row, order_row, tpsl_row, unfilled_row
from paper_exchange.core.orders import Fill, Order

CLIENT_OID_KNOWN_MS = 2 * 3_600_000


def order_info(call: Call) -> list[Json]:
    """One order in a list, or an empty list. By client id only young ones, and no children of plans (rule 13)."""
    params = call.params
    order_id, client_oid = params.text("orderId"), params.text("clientOid")
    if order_id is None and client_oid is None:
        raise missing("orderId")
    order = call.venue.order(call.account, order_id, client_oid)
    if order is None or (order_id is None and not _known_by_name(call, order)):
        return []
    instrument = call.exchange.markets[order.symbol].instrument
    return [order_row(order, instrument.base, instrument.quote)]


def _known_by_name(call: Call, order: Order) -> bool:
    if order.order_id in call.venue.children and not call.switches.child_found_by_client_oid:
        return False
    return call.now_ms - order.created_ms <= CLIENT_OID_KNOWN_MS


def unfilled_orders(call: Call) -> list[Json]:
    """Open orders, newest first; TP/SL orders only when asked for."""
    if call.params.text("tpslType") == "tpsl":
        return _tpsl_orders(call, pending=True)
    found = chosen(call, call.account.open_orders.values())
    return [unfilled_row(order, call.exchange.attached_to(order)) for order in found]


def history_orders(call: Call) -> list[Json]:
    """Orders that are over, newest first, after a delay that a switch sets; TP/SL orders only when asked for."""
    if call.params.text("tpslType") == "tpsl":
        return _tpsl_orders(call, pending=False)
    return [history_row(order) for order in chosen(call, ended(call))]


def _tpsl_orders(call: Call, *, pending: bool) -> list[Json]:
    """TP/SL orders that wait, or that are over, newest first; with which words history says so is not documented."""
    symbol = call.params.text("symbol")
    found = (t for t in call.venue.newest_triggers(call.uid, "tpsl") if t.is_armed is pending)
    rows = [tpsl_row(trigger) for trigger in found if symbol in {None, trigger.symbol}]
    return rows[: call.params.limit(100, 100)]


def ended(call: Call) -> Iterator[Order]:
    """Orders that are over for long enough to be listed."""
    until_ms = call.now_ms - call.switches.history_delay_ms
    return (o for o in call.account.orders.values() if not o.is_open and o.updated_ms <= until_ms)


def chosen(call: Call, orders: Iterable[Order]) -> list[Order]:
    """The page of `orders` that the parameters ask for, newest first."""
    params = call.params
    symbol, order_id, below = params.text("symbol"), params.integer("orderId"), params.integer("idLessThan")
    start, end = params.integer("startTime"), params.integer("endTime")
    if symbol is not None:
        call.market_of(symbol)
    found = [
        order
        for order in orders
        if symbol in {None, order.symbol}
        and order_id in {None, order.order_id}
        and (below is None or order.order_id < below)
        and (start is None or order.created_ms >= start)
        and (end is None or order.created_ms <= end)
    ]
    found.sort(key=lambda order: order.order_id, reverse=True)
    return found[: params.limit(100, 100)]


def own_fills(call: Call) -> list[tuple[Order, Fill]]:
    """The page of the account's fills that the parameters ask for, newest first."""
    params = call.params
    symbol, order_id, below = params.text("symbol"), params.integer("orderId"), params.integer("idLessThan")
    start, end = params.integer("startTime"), params.integer("endTime")
    found = [
        (order, fill)
        for order in call.account.orders.values()
        if symbol in {None, order.symbol} and order_id in {None, order.order_id}
        for fill in order.fills
        if (below is None or fill.trade_id < below)
        and (start is None or fill.ts_ms >= start)
        and (end is None or fill.ts_ms <= end)
    ]
    found.sort(key=lambda pair: pair[1].trade_id, reverse=True)
    return found[: params.limit(100, 100)]


def fills(call: Call) -> list[Json]:
    """Own trades, newest first."""
    return [fill_row(order, fill) for order, fill in own_fills(call)]


def assets(call: Call) -> list[Json]:
    """Balances; coins without any are left out unless `assetType` is `all`."""
    coin, shows_all = call.params.text("coin"), call.params.text("assetType") == "all"
    held = call.account.balances.items()
    names = [name for name, balance in held if shows_all or balance.free or balance.locked]
    return [asset_row(call.account, name) for name in names if coin in {None, name}]


def account_info(call: Call) -> Json:
    """Who asks."""
    assert call.key is not None
    rights = {"read": "stor", "trade": "stow"}
    return {
        "userId": str(call.uid), "inviterId": "", "ips": "",
        "authorities": [rights[name] for name in sorted(call.key.permissions & rights.keys())],
        "parentId": call.uid, "traderType": "not_trader", "channelCode": "", "channel": "",
        "regisTime": str(call.now_ms),
    }  # fmt: skip


def trade_rate(call: Call) -> Json:
    """The account's fee rates."""
    call.market()
    return {"makerFeeRate": short(call.account.maker_rate), "takerFeeRate": short(call.account.taker_rate)}
