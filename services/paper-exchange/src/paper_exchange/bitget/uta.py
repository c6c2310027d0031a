"""v3 market data, orders and balances of unified accounts (section 10.2); strategy orders have their own room."""

from collections.abc import Callable

from paper_exchange.bitget import quotes, strategies, uta_render
from paper_exchange.bitget.call import Call, Json
from paper_exchange.bitget.errors import ApiError, no_order
from paper_exchange.bitget.intake import check_base, check_px, check_value, read_order
from paper_exchange.bitget.numbers import short
from paper_exchange.bitget.params import Params
from paper_exchange.bitget.public import find_candles, orderbook
from paper_exchange.bitget.queries import chosen, ended, own_fills
from paper_exchange.bitget.trading import find_open, ids
from paper_exchange.core.refusals import Refused

Rows = list[Json]


def _is_spot(call: Call) -> bool:
    """Other categories are empty here."""
    return call.params.choice("category", ("spot", "margin", "usdt-futures", "coin-futures", "usdc-futures")) == "spot"


# -- market data ----------------------------------------------------------------------------------------------------


def instruments(call: Call) -> Rows:
    """Every symbol of the category, or the one asked for."""
    return [quotes.instrument_row(market) for market in call.markets()] if _is_spot(call) else []


def tickers(call: Call) -> Rows:
    """The last 24 hours."""
    markets = call.markets() if _is_spot(call) else []
    return [
        {
            "category": "SPOT", "symbol": market.instrument.symbol, "ts": str(call.now_ms),
            **quotes.uta_ticker(market, call.now_ms),
        }
        for market in markets
    ]  # fmt: skip


def book(call: Call) -> Json:
    """The book, under shorter names than in v2."""
    found = orderbook(call)
    return {"a": found["asks"], "b": found["bids"], "ts": found["ts"]}


def candles(call: Call) -> list[list[str]]:
    """Candles, the unfinished one last."""
    return [quotes.uta_candle(found) for found in find_candles(call, quotes.WS_INTERVALS, "interval")]


def market_fills(call: Call) -> Rows:
    """The last public trades, newest first."""
    market, limit = call.market(), call.params.limit(100, 100)
    return [
        {
            "execId": str(trade.trade_id), "price": short(trade.px), "size": short(trade.qty),
            "side": quotes.taker_side(trade), "ts": str(trade.ts_ms),
        }
        for trade in list(market.tape)[: -limit - 1 : -1]
    ]  # fmt: skip


# -- orders ---------------------------------------------------------------------------------------------------------


def place_order(call: Call) -> Json:
    """Accept one order."""
    return _place(call, call.params)


def _place(call: Call, params: Params) -> Json:
    params.choice("category", ("spot",))
    market = call.market(params)
    request = read_order(call, params, market, size_name="qty", force_name="timeInForce")
    exits = strategies.read_attached(call, params, request.side, market)
    try:
        order = call.exchange.place(call.uid, market.instrument.symbol, request, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    if exits:
        call.exchange.attach(order, exits)
    return ids(order.order_id, order.client_order_id)


def _each(call: Call, act: Callable[[Call, Params], Json]) -> Rows:
    """A batch is a bare list in v3; each row answers for itself."""
    if not isinstance(call.sent, list):
        raise ApiError("40017", "Parameter verification failed")
    answers = []
    for item in call.sent:
        params = Params(item)
        try:
            answers.append({**act(call, params), "code": "00000", "msg": "success"})
        except ApiError as error:
            named = {"orderId": params.text("orderId") or "", "clientOid": params.text("clientOid") or ""}
            answers.append({**named, "code": error.code, "msg": error.msg})
    return answers


def place_batch(call: Call) -> Rows:
    """Many orders."""
    return _each(call, _place)


def cancel_order(call: Call) -> Json:
    """Cancel one order."""
    return _cancel(call, call.params)


def _cancel(call: Call, params: Params) -> Json:
    order = find_open(call, params)
    call.exchange.cancel(order, "", call.now_ms)
    return ids(order.order_id, order.client_order_id)


def cancel_batch(call: Call) -> Rows:
    """Cancel many orders."""
    return _each(call, _cancel)


def cancel_symbol_order(call: Call) -> Json:
    """Cancel every order of a symbol (or all), with a result for each."""
    symbol = call.params.text("symbol")
    found = [o for o in list(call.account.open_orders.values()) if symbol in {None, o.symbol}]
    for order in found:
        call.exchange.cancel(order, "", call.now_ms)
    rows = [{**ids(o.order_id, o.client_order_id), "code": "00000", "msg": "success"} for o in found]
    return {"list": rows}


def modify_order(call: Call) -> Json:
    """Give a resting limit order another size or price, under the same id."""
    params = call.params
    order = call.venue.order(call.account, params.text("orderId"), params.text("clientOid"))
    if order is None or not order.is_open:
        raise no_order()
    market = call.exchange.markets[order.symbol]
    qty, px = params.decimal("qty") or order.qty, params.decimal("price") or order.px
    check_base(qty, market.instrument)
    check_px(px, market.instrument)
    check_value(qty * px, market, is_market=False)
    try:
        call.exchange.amend(order, qty, px, call.now_ms)
    except Refused as refused:
        raise call.refused(refused, market) from None
    return ids(order.order_id, order.client_order_id)


def order_info(call: Call) -> Json:
    """One order. Raises: 25204 when there is none."""
    order = call.venue.order(call.account, call.params.text("orderId"), call.params.text("clientOid"))
    if order is None:
        raise strategies.not_found()
    return uta_render.order_row(order)


def _page(rows: Rows, cursor: str) -> Json:
    return {"list": rows, "cursor": rows[-1][cursor] if rows else ""}


def unfilled_orders(call: Call) -> Json:
    """Open orders, newest first."""
    return _page([uta_render.order_row(o) for o in chosen(call, call.account.open_orders.values())], "orderId")


def history_orders(call: Call) -> Json:
    """Orders that are over, newest first."""
    return _page([uta_render.order_row(order) for order in chosen(call, ended(call))], "orderId")


def fills(call: Call) -> Json:
    """Own trades, newest first."""
    return _page([uta_render.fill_row(order, fill) for order, fill in own_fills(call)], "execId")


# -- the account ----------------------------------------------------------------------------------------------------


def assets(call: Call) -> Json:
    """Balances of the coins that there are any of."""
    held = [coin for coin, balance in call.account.balances.items() if balance.free or balance.locked]
    return {"accountEquity": "0", "usdtEquity": "0", "assets": [uta_render.asset_row(call.account, c) for c in held]}


def settings(call: Call) -> Json:
    """What kind of account this is; clients ask it to learn whether an account is unified."""
    return {"uid": str(call.uid), "accountMode": "unified", "assetMode": "single", "holdMode": "one_way_mode"}


def fee_rate(call: Call) -> Json:
    """The account's fee rates."""
    call.market()
    return {"makerFeeRate": short(call.account.maker_rate), "takerFeeRate": short(call.account.taker_rate)}
