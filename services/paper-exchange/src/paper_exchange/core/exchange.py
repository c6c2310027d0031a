"""The exchange: accounts place and cancel; somebody outside moves the price and the clock."""

from decimal import Decimal

from paper_exchange.core.market import Market
from paper_exchange.core.money import floor_to
from paper_exchange.core.orders import Order, OrderList
from paper_exchange.core.placing import Placing
from paper_exchange.core.refusals import Reason, Refused


class Exchange(Placing):
    """Every command changes everything it should or raises `Refused` and changes nothing. Call `settle` after each."""

    # -- canceling ------------------------------------------------------------------------------------------------

    def cancel(self, order: Order, cancel_id: str, now_ms: int) -> None:
        """Cancel an open order; a leg takes its whole list with it. Raises: Refused(NOT_OPEN)."""
        if not order.is_open:
            raise Refused(Reason.NOT_OPEN)
        if order.order_list is not None:
            self.cancel_list(order.order_list, cancel_id, now_ms)
            return
        market = self.markets[order.symbol]
        self._end(order, market, "CANCELED", now_ms)
        self._report_canceled(order, cancel_id, now_ms)
        self._report_balances(self._account(order.uid), market, now_ms)

    def cancel_list(self, order_list: OrderList, cancel_id: str, now_ms: int) -> None:
        """Cancel every open leg of a list. Raises: Refused(NOT_OPEN)."""
        if order_list.is_done:
            raise Refused(Reason.NOT_OPEN)
        market = self.markets[order_list.symbol]
        live = [leg for leg in order_list.legs if leg.is_open]
        for leg in live:
            self._end(leg, market, "CANCELED", now_ms)
        for leg in live:
            self._report_canceled(leg, cancel_id, now_ms)
        self._report_balances(self._account(order_list.uid), market, now_ms)
        self._finish_list(order_list, now_ms)

    # -- amending -------------------------------------------------------------------------------------------------

    def amend(self, order: Order, qty: Decimal, px: Decimal, now_ms: int) -> None:
        """Give a resting limit order another quantity and price; it keeps its id, not its place. Raises: Refused."""
        if not (order.is_open and order.is_working and order.type in {"LIMIT", "LIMIT_MAKER"}):
            raise Refused(Reason.NOT_OPEN)
        market, before = self.markets[order.symbol], (order.qty, order.px)
        market.instrument.check_px(px)
        market.instrument.check_qty(qty)
        market.instrument.check_notional(px * qty, is_market=False)
        if qty <= order.cum_qty:
            raise Refused(Reason.LOT_SIZE)
        market.remove(order)
        order.qty, order.px = qty, px
        try:
            self._relock(order, market)
        except Refused:
            order.qty, order.px = before
            market.add(order)
            raise
        order.updated_ms = now_ms
        self._report_accepted(order, now_ms)
        self._report_balances(self._account(order.uid), market, now_ms)
        self._work(order, market, now_ms)

    # -- the world outside ----------------------------------------------------------------------------------------

    def fill(self, order: Order, qty: Decimal | None, now_ms: int) -> Decimal:
        """The market comes to a resting order and takes `qty` of it (all by default) at its limit; answers how much.

        Orders that the price would have passed on its way are left alone.

        Raises: Refused(NOT_OPEN) when the order does not rest on the book.
        """
        if not (order.is_open and order.is_working):
            raise Refused(Reason.NOT_OPEN)
        qty = order.leaves_qty if qty is None else min(qty, order.leaves_qty)
        market = self.markets[order.symbol]
        market.mark = order.px
        self._hit(order, qty, market, now_ms)
        return qty

    def move(self, symbol: str, px: Decimal, now_ms: int, *, gap: bool = False) -> None:
        """Move the market to `px`: resting orders on the way fill, stops on the way fire, trades print.

        With `gap` nothing trades in between: a stop limit that the price jumped over is left unfilled.
        """
        market = self.markets[symbol]
        market.instrument.check_px(px)
        while True:
            market.mark = px if gap else self._next_px(market, px)
            self._fill_passed(market, now_ms)
            self._print(market, now_ms)
            self.settle(now_ms)
            if market.mark == px:
                return

    def step(self, symbol: str, now_ms: int) -> None:
        """One step of a gentle random walk that leans back to where the market opened."""
        market = self.markets[symbol]
        start, tick = market.instrument.start_px, market.instrument.tick
        lean = float((start - market.mark) / start) * 0.002
        px = floor_to(market.mark * Decimal(1 + self._rng.gauss(lean, 0.0001)), tick)
        self.move(symbol, max(px, market.instrument.min_px), now_ms)

    def _next_px(self, market: Market, target: Decimal) -> Decimal:
        """The nearest price on the way to `target` at which somebody waits."""
        if target >= market.mark:
            waiting = [p for p in (market.asks.best_px(), market.on_rise.best_px()) if p is not None]
            return max(market.mark, min([target, *waiting]))
        waiting = [p for p in (market.bids.best_px(), market.on_fall.best_px()) if p is not None]
        return min(market.mark, max([target, *waiting]))

    def _fill_passed(self, market: Market, now_ms: int) -> None:
        while (ask := market.asks.best()) is not None and ask.px <= market.mark:
            self._hit(ask, ask.leaves_qty, market, now_ms)
        while (bid := market.bids.best()) is not None and bid.px >= market.mark:
            self._hit(bid, bid.leaves_qty, market, now_ms)

    def _print(self, market: Market, now_ms: int) -> None:
        """A trade between two strangers at the mark."""
        qty = market.instrument.step * self._rng.randrange(1, 500)
        self._record(market, market.mark, qty, now_ms, buyer_is_maker=self._rng.random() < 0.5)
