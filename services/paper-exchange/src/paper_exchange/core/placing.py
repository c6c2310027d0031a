"""Accounts open, and place orders and lists."""

import random
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from paper_exchange.core import checks
from paper_exchange.core.contingencies import Contingencies
from paper_exchange.core.events import BalanceAdjusted, Emit
from paper_exchange.core.habits import BINANCE, Habits
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.orders import CONTINGENT, Order, OrderList, OrderRequest
from paper_exchange.core.refusals import Reason, Refused


class Placing(Contingencies):
    """Adds accounts and placing to lists and triggers."""

    def __init__(
        self, instruments: Iterable[Instrument], rng: random.Random, emit: Emit, now_ms: int, habits: Habits = BINANCE
    ) -> None:
        super().__init__(instruments, rng, emit, now_ms, habits)
        self._releasable: list[OrderList] = []

    # -- accounts -------------------------------------------------------------------------------------------------

    def open_account(
        self, uid: int, balances: Mapping[str, Decimal], now_ms: int, *, discount: bool = False
    ) -> Account:
        """A new account; `discount` pays its fees in the discount asset when it has some."""
        account = self.ledger.accounts[uid] = Account(uid, pays_with_discount_asset=discount, updated_ms=now_ms)
        for asset, qty in balances.items():
            self.ledger.adjust(account, asset, qty)
        return account

    def adjust(self, uid: int, asset: str, delta: Decimal, now_ms: int) -> None:
        """Deposit (positive) or withdraw (negative). Raises: Refused(INSUFFICIENT_BALANCE)."""
        account = self._account(uid)
        self.ledger.adjust(account, asset, delta)
        self._emit(BalanceAdjusted(uid, now_ms, asset, delta))
        self._emit(self.ledger.snapshot(account, (asset,), now_ms))

    # -- placing --------------------------------------------------------------------------------------------------

    def place(self, uid: int, symbol: str, request: OrderRequest, now_ms: int) -> Order:
        """Place one order; it has taken what it can when this returns."""
        account, market = self._account(uid), self.markets[symbol]
        qty = self.validate(uid, symbol, request, now_ms)
        order = self._new_order(account, market, request, qty, now_ms)
        self._relock_or_drop(account, market, [order])
        self._go_live([order], market, now_ms)
        return order

    def validate(self, uid: int, symbol: str, request: OrderRequest, now_ms: int) -> Decimal:
        """Every check that `place` makes except locking; answers the order's quantity."""
        account, market = self._account(uid), self._open_market(symbol)
        qty = request.qty
        if request.quote_qty:
            qty = checks.qty_for_quote(request.side, request.quote_qty, market)
        checks.check_shape(request, market, now_ms, qty)
        checks.check_room(account, market, 1, request.type in CONTINGENT, 0)
        checks.check_trigger(request, market)
        self._check_client_ids(account, symbol, [request])
        self._check_makers([request], market)
        if request.type == "MARKET" and not request.px:
            self._check_can_pay(account, market, request, qty)
        return qty

    def _check_makers(self, requests: Sequence[OrderRequest], market: Market) -> None:
        if self.habits.accepts_takers_as_makers:
            return
        for request in requests:
            if request.type == "LIMIT_MAKER" and self.would_take(request.side, request.px, market):
                raise Refused(Reason.WOULD_TAKE)

    def _check_can_pay(self, account: Account, market: Market, request: OrderRequest, qty: Decimal) -> None:
        """A market order locks nothing, so what it needs is looked up in the book."""
        if request.side == "SELL":
            needed, asset = qty, market.instrument.base
        else:
            needed, asset = request.quote_qty or checks.cost_of(qty, market), market.instrument.quote
        if account.balance(asset).free < needed:
            raise Refused(Reason.INSUFFICIENT_BALANCE)

    def place_oco(
        self, uid: int, symbol: str, client_list_id: str, above: OrderRequest, below: OrderRequest, now_ms: int
    ) -> OrderList:
        """Place a pair of which one leg at most will fill."""
        account, market = self._account(uid), self._open_market(symbol)
        requests = self._stop_first(above, below)
        for request in requests:
            checks.check_shape(request, market, now_ms, request.qty)
        checks.check_room(account, market, 2, sum(r.type in CONTINGENT for r in requests), 1)
        checks.check_oco_prices(above, below, market)
        self._check_makers(requests, market)
        self._check_client_ids(account, symbol, requests, client_list_id)
        legs = [self._new_order(account, market, r, r.qty, now_ms) for r in requests]
        order_list = self._new_list(account, market, client_list_id, legs, legs, None, now_ms)
        self._relock_or_drop(account, market, legs, order_list)
        self._report_list(order_list, now_ms)
        self._go_live(legs, market, now_ms)
        return order_list

    def place_oto(
        self, uid: int, symbol: str, client_list_id: str, working: OrderRequest, pending: Sequence[OrderRequest],
        now_ms: int, *, sizes_by_proceeds: bool = False,
    ) -> OrderList:  # fmt: skip
        """Place a working order that releases one pending order, or an OCO pair (above, below), once wholly filled.

        Whether Binance asks for the pending legs' balance already now is not verified (section 16); it is asked for
        at the release, when the working order has delivered it.
        """
        account, market = self._account(uid), self._open_market(symbol)
        self.validate(uid, symbol, working, now_ms)
        pending = self._stop_first(*pending) if len(pending) == 2 else list(pending)
        for request in pending:
            checks.check_shape(request, market, now_ms, request.qty)
        checks.check_room(account, market, 1 + len(pending), 0, 1)
        self._check_client_ids(account, symbol, [working, *pending], client_list_id)
        legs = [self._new_order(account, market, r, r.qty, now_ms) for r in (working, *pending)]
        for leg in legs[1:]:
            leg.status = "PENDING_NEW"
        pair = legs[1:] if len(legs) == 3 else []
        order_list = self._new_list(account, market, client_list_id, legs, pair, legs[0], now_ms)
        order_list.sizes_by_proceeds = sizes_by_proceeds
        self._relock_or_drop(account, market, legs, order_list)
        self._report_list(order_list, now_ms)
        for leg in legs[1:]:
            self._report_accepted(leg, now_ms)
        self._go_live(legs[:1], market, now_ms)
        return order_list

    @staticmethod
    def _stop_first(above: OrderRequest, below: OrderRequest) -> list[OrderRequest]:
        """Every sample prints the stop before the limit leg, whichever is above."""
        return [below, above] if checks.has_stop(below) else [above, below]

    def _check_release(self, order_list: OrderList, legs: list[Order], market: Market) -> None:
        stops = sum(leg.type in CONTINGENT for leg in legs)
        self._check_makers([leg.request for leg in legs], market)
        for leg in legs:
            market.instrument.check_qty(leg.qty)
            px = leg.px or leg.stop_px or market.last
            market.instrument.check_notional(px * leg.qty, is_market=not leg.px)
            checks.check_trigger(leg.request, market)
            if leg.type == "MARKET":
                self._check_can_pay(self._account(order_list.uid), market, leg.request, leg.qty)
        # The legs count as open already: the question is whether there is room for none more.
        checks.check_room(self._account(order_list.uid), market, 0, stops, 0, counted=True)

    def _open_market(self, symbol: str) -> Market:
        market = self.markets[symbol]
        if not market.is_open:
            raise Refused(Reason.MARKET_CLOSED)
        return market

    def _check_client_ids(
        self, account: Account, symbol: str, requests: Sequence[OrderRequest], client_list_id: str | None = None
    ) -> None:
        """Ids are unique among the account's open orders and among its open lists, no further (section 11)."""
        if not self.habits.unique_client_ids:
            return
        wanted = [request.client_order_id for request in requests]
        # An id that is open is also the newest of its name, because a second one would have been refused.
        known = (account.by_client_id.get((symbol, client_id)) for client_id in wanted)
        if len(set(wanted)) < len(wanted) or any(order is not None and order.is_open for order in known):
            raise Refused(Reason.DUPLICATE_CLIENT_ORDER_ID)
        newest = None if client_list_id is None else account.list_by_client_id.get(client_list_id)
        if newest is not None and not newest.is_done:
            raise Refused(Reason.DUPLICATE_CLIENT_ORDER_ID)

    @staticmethod
    def _new_order(account: Account, market: Market, request: OrderRequest, qty: Decimal, now_ms: int) -> Order:
        order = Order(
            account.uid, market.instrument.symbol, market.ids.next_order_id(), request.client_order_id, request,
            request.side, request.type, qty, request.px, request.stop_px, now_ms, now_ms,
        )  # fmt: skip
        account.orders[order.symbol, order.order_id] = order
        account.open_orders[order.symbol, order.order_id] = order
        return order

    def _new_list(
        self, account: Account, market: Market, client_list_id: str, legs: list[Order], pair: list[Order],
        working: Order | None, now_ms: int,
    ) -> OrderList:  # fmt: skip
        self._last_list_id += 1
        order_list = OrderList(
            self._last_list_id, account.uid, market.instrument.symbol, client_list_id, legs, pair, working,
            now_ms, now_ms,
        )  # fmt: skip
        account.lists[order_list.list_id] = account.open_lists[order_list.list_id] = order_list
        for leg in legs:
            leg.order_list = order_list
        return order_list

    def _relock_or_drop(
        self, account: Account, market: Market, legs: list[Order], order_list: OrderList | None = None
    ) -> None:
        """Lock what the new orders need, or forget them as if they had never been sent."""
        try:
            for leg in legs:
                self._relock(leg, market)
        except Refused:
            for leg in legs:
                leg.status = "EXPIRED"
                self._relock(leg, market)
                del account.orders[leg.symbol, leg.order_id], account.open_orders[leg.symbol, leg.order_id]
            if order_list is not None:
                del account.lists[order_list.list_id], account.open_lists[order_list.list_id]
            raise
        if order_list is not None:
            account.list_by_client_id[order_list.client_list_id] = order_list
        for leg in legs:
            account.by_client_id[leg.symbol, leg.client_order_id] = leg
