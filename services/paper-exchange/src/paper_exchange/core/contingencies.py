"""What order lists do when a leg moves (section 6.5 of the Binance reference), and stops when the price does."""

from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.matching import Matching
from paper_exchange.core.money import ZERO, floor_to
from paper_exchange.core.orders import ExpiryReason, Order, OrderList
from paper_exchange.core.refusals import Refused


class Contingencies(Matching):
    """Adds lists and triggers to matching."""

    _releasable: list[OrderList]

    def settle(self, now_ms: int) -> None:
        """Carry out what the last command set off: releases of pending legs, then stops that the last price reached.

        Kept apart from the command, because an exchange answers the command before its consequences.
        """
        while True:
            if self._releasable:
                self._release(self._releasable.pop(0), now_ms)
            elif (reached := self._next_reached()) is not None:
                self._trigger(*reached, now_ms)
            else:
                return

    def _next_reached(self) -> tuple[Order, Market] | None:
        for market in self.markets.values():
            for queue in (market.on_rise, market.on_fall):
                order = queue.best()
                if order is not None and market.has_reached(order):
                    return order, market
        return None

    def _trigger(self, order: Order, market: Market, now_ms: int) -> None:
        """The stop price is reached: the sibling expires, the order begins to work."""
        market.remove(order)
        order.updated_ms = now_ms
        sibling = self._live_sibling(order)
        if sibling is not None:
            self._end(sibling, market, "EXPIRED", now_ms)
        order.is_working, order.working_ms = True, now_ms
        self._relock(order, market)
        # Whether Binance reports this moment by itself is not verified (section 16); we say NEW with w=true.
        self._report_accepted(order, now_ms)
        if sibling is not None:
            self._report_expired(sibling, "OCO_TRIGGER", now_ms)
        self._report_balances(self.ledger.accounts[order.uid], market, now_ms)
        self._work(order, market, now_ms)

    @staticmethod
    def _live_sibling(order: Order) -> Order | None:
        if order.order_list is None or order not in order.order_list.pair:
            return None
        return next((leg for leg in order.order_list.pair if leg is not order and leg.is_open), None)

    def _before_fill(self, order: Order, market: Market, now_ms: int) -> None:
        """The first fill of one leg ends the other; it is taken off the book here and reported after the fill."""
        sibling = self._live_sibling(order)
        if sibling is not None and order.order_list is not None:
            self._end(sibling, market, "EXPIRED", now_ms)
            order.order_list.ending.append(sibling)

    def _ended(self, order: Order, market: Market, now_ms: int) -> None:
        order_list = order.order_list
        if order_list is None:
            return
        if order is order_list.working:
            if order.status == "FILLED":
                self._releasable.append(order_list)
            else:
                self._end_legs(order_list.pending, "OTO_PHASE_ONE_EXPIRED", market, now_ms)
        elif order in order_list.pair and order.status == "EXPIRED_IN_MATCH":
            sibling = self._live_sibling(order)
            self._end_legs([sibling] if sibling is not None else [], "OCO_TRIGGER", market, now_ms)
        self._settle_list(order, market, now_ms)

    def _end_legs(self, legs: list[Order], reason: ExpiryReason, market: Market, now_ms: int) -> None:
        for leg in legs:
            self._end(leg, market, "EXPIRED", now_ms)
        for leg in legs:
            self._report_expired(leg, reason, now_ms)

    def _settle_list(self, order: Order, market: Market, now_ms: int) -> None:
        """Report siblings that the fill ended, and the end of the list once no leg is open."""
        order_list = order.order_list
        if order_list is None:
            return
        ending, order_list.ending = order_list.ending, []
        for leg in ending:
            self._report_expired(leg, "OCO_TRIGGER", now_ms)
        if not order_list.is_done and not any(leg.is_open for leg in order_list.legs):
            self._finish_list(order_list, now_ms)

    def _finish_list(self, order_list: OrderList, now_ms: int) -> None:
        order_list.is_done, order_list.updated_ms = True, now_ms
        self.ledger.accounts[order_list.uid].open_lists.pop(order_list.list_id, None)
        self._report_list(order_list, now_ms)

    def _release(self, order_list: OrderList, now_ms: int) -> None:
        """The working order is filled: the pending legs go to the book together, or die with reason REJECTED."""
        legs, market = order_list.pending, self.markets[order_list.symbol]
        if not legs:
            return
        if order_list.sizes_by_proceeds:
            self._size_by_proceeds(order_list, legs, market)
        for leg in legs:
            leg.status, leg.updated_ms = "NEW", now_ms
        try:
            self._check_release(order_list, legs, market)
            for leg in legs:
                self._relock(leg, market)
        except Refused:
            self._end_legs(legs, "REJECTED", market, now_ms)
            self._settle_list(legs[0], market, now_ms)
            return
        self._go_live(legs, market, now_ms)

    def _go_live(self, legs: list[Order], market: Market, now_ms: int) -> None:
        """Accepted, checked and locked legs take their places; contingent ones wait for their trigger."""
        for leg in legs:
            if not leg.awaits_trigger:
                leg.is_working, leg.working_ms = True, now_ms
            self._report_accepted(leg, now_ms)
        self._report_balances(self.ledger.accounts[legs[0].uid], market, now_ms)
        for leg in legs:
            if leg.awaits_trigger:
                market.add(leg)
            elif leg.is_open:
                self._work(leg, market, now_ms)

    def _size_by_proceeds(self, order_list: OrderList, legs: list[Order], market: Market) -> None:
        """OPO and OPOCO sell what the entry delivered, net of commission, floored to the lot (section 6.4)."""
        working, base = order_list.working, market.instrument.base
        assert working is not None
        fees = sum((fill.fee for fill in working.fills if fill.fee_asset == base), ZERO)
        for leg in legs:
            leg.qty = floor_to(working.cum_qty - fees, market.instrument.step)

    def _check_release(self, order_list: OrderList, legs: list[Order], market: Market) -> None:
        raise NotImplementedError

    def _account(self, uid: int) -> Account:
        return self.ledger.accounts[uid]
