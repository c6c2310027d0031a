"""What an order must satisfy before it is accepted; everything here only reads."""

from decimal import Decimal

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, floor_to
from paper_exchange.core.orders import CONTINGENT, STOPS, OrderRequest, Side
from paper_exchange.core.refusals import Reason, Refused


def check_shape(request: OrderRequest, market: Market, now_ms: int, qty: Decimal) -> None:
    """Refuse prices, quantities and values outside the instrument's filters."""
    instrument = market.instrument
    reference = market.average_px(now_ms)
    if request.px:
        instrument.check_px(request.px)
        instrument.check_px_near(request.px, reference)
    if request.stop_px:
        instrument.check_px(request.stop_px)
    if qty == 0:
        return  # sized by proceeds: checked when it is released
    instrument.check_qty(qty)
    if request.type == "MARKET":
        instrument.check_market_qty(qty)
    is_market = request.type == "MARKET" or not request.px
    px = (not is_market and request.px) or request.stop_px or market.last
    if px * qty <= 0:
        raise Refused(Reason.ZERO_NOTIONAL)
    instrument.check_notional(px * qty, is_market=is_market)


def check_room(
    account: Account, market: Market, adding: int, adding_algo: int, adding_lists: int, *, counted: bool = False
) -> None:
    """Refuse more open orders, stops or lists on this symbol than the instrument allows.

    `counted` says that the added stops are among the account's open orders already.
    """
    instrument, open_count = market.instrument, len(account.open_orders)
    if open_count + adding > instrument.max_orders and _open_here(account, market) + adding > instrument.max_orders:
        raise Refused(Reason.MAX_NUM_ORDERS)
    # The first comparison is a cheap upper bound: most accounts have fewer orders altogether than one symbol allows.
    if adding_algo and open_count + adding_algo > instrument.max_algo_orders:
        room = instrument.max_algo_orders + (adding_algo if counted else 0)
        if _algos_here(account, market) + adding_algo > room:
            raise Refused(Reason.MAX_NUM_ALGO_ORDERS)
    if adding_lists and len(account.open_lists) + adding_lists > instrument.max_lists:
        lists = sum(1 for found in account.open_lists.values() if found.symbol == instrument.symbol)
        if lists + adding_lists > instrument.max_lists:
            raise Refused(Reason.MAX_NUM_ORDER_LISTS)


def _open_here(account: Account, market: Market) -> int:
    return sum(1 for order in account.open_orders.values() if order.symbol == market.instrument.symbol)


def _algos_here(account: Account, market: Market) -> int:
    # A leg that waits for its entry is not on the book yet, so it takes no place among the stops.
    return sum(
        1
        for order in account.open_orders.values()
        if order.symbol == market.instrument.symbol and order.type in CONTINGENT and order.status != "PENDING_NEW"
    )


def check_trigger(request: OrderRequest, market: Market) -> None:
    """Refuse a stop price that the last trade has reached already (section 6.1)."""
    if request.type in CONTINGENT:
        rises = request.triggers_on_rise()
        if market.last >= request.stop_px if rises else market.last <= request.stop_px:
            raise Refused(Reason.WOULD_TRIGGER)


def check_oco_prices(above: OrderRequest, below: OrderRequest, market: Market) -> None:
    """Refuse a pair that does not straddle the last price (section 6.4)."""
    upper, lower = _level(above), _level(below)
    if not upper > market.last > lower:
        raise Refused(Reason.BAD_OCO_PRICES)


def _level(request: OrderRequest) -> Decimal:
    return request.px if request.type == "LIMIT_MAKER" else request.stop_px


def has_stop(*requests: OrderRequest) -> bool:
    """Whether one of the legs is a stop loss."""
    return any(request.type in STOPS for request in requests)


def qty_for_quote(side: Side, quote_qty: Decimal, market: Market) -> Decimal:
    """How much `quote_qty` buys or must be sold for at the present book, floored to the lot.

    Beyond the book it goes on at the last level's price, so that such an order ends unfilled, not smaller.
    """
    left, qty, px = quote_qty, ZERO, market.mark
    for px, offered in market.depth("SELL" if side == "BUY" else "BUY", 1000):
        taken = min(offered, left / px)
        qty, left = qty + taken, left - taken * px
        if left <= 0:
            break
    return floor_to(qty + left / px, market.instrument.step)


def cost_of(qty: Decimal, market: Market) -> Decimal:
    """Quote that buying `qty` at the present book takes; what the book cannot deliver costs nothing."""
    cost = ZERO
    for px, offered in market.depth("SELL", 1000):
        taken = min(offered, qty)
        cost, qty = cost + taken * px, qty - taken
        if qty <= 0:
            break
    return cost
