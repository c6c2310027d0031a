"""Orders meet the book: taking, filling, expiring, and telling what happened."""

import random
from collections.abc import Iterable
from decimal import Decimal

from paper_exchange.core.events import (
    Emit,
    ListChanged,
    MarketTraded,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderTraded,
    TradePrevented,
)  # fmt: skip
from paper_exchange.core.habits import BINANCE, Habits
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ledger import Account, Ledger
from paper_exchange.core.market import Counters, Market
from paper_exchange.core.money import ZERO, down, floor_to
from paper_exchange.core.orders import PRICED, ExpiryReason, Fill, Order, OrderList, Side, Status

OPPOSITE: dict[Side, Side] = {"BUY": "SELL", "SELL": "BUY"}
Snapshot = tuple[Order, int, int, Status, Decimal, Decimal, Decimal, bool, int]


class Matching:
    """Markets, ledger and the matching of one exchange; `Contingencies` and `Exchange` build on it."""

    def __init__(
        self, instruments: Iterable[Instrument], rng: random.Random, emit: Emit, now_ms: int, habits: Habits = BINANCE
    ) -> None:
        ids = None if habits.shared_ids_after is None else Counters(habits.shared_ids_after)
        self.markets = {i.symbol: Market(i, rng, now_ms, ids) for i in instruments}
        self.habits = habits
        self.ledger = Ledger(self.value_in, habits.discount_asset, habits.discount)
        self._rng, self._emit = rng, emit
        self._last_execution_id = self._last_list_id = 0

    def value_in(self, amount: Decimal, asset: str, wanted: str) -> Decimal:
        """`amount` of `asset` at market prices, in `wanted`; by way of USDT when no market joins them."""
        if asset == wanted or amount == 0:
            return amount
        if (direct := self.markets.get(asset + wanted)) is not None:
            return amount * direct.mark
        if (inverse := self.markets.get(wanted + asset)) is not None:
            return amount / inverse.mark
        return self.value_in(self.value_in(amount, asset, "USDT"), "USDT", wanted)

    # -- taking ---------------------------------------------------------------------------------------------------

    def _work(self, order: Order, market: Market, now_ms: int) -> None:
        """`order` begins to work: it takes what it can; then it rests, or ends."""
        order.is_working, order.working_ms = True, now_ms
        if order.request.time_in_force == "FOK" and not self._fills_at_once(order, market):
            self._expire(order, market, "UNFILLED_FOK_ORDER_EXPIRED", now_ms)
            return
        if order.type != "LIMIT_MAKER":
            self._take(order, market, now_ms)
        elif self.would_take(order.side, order.px, market):
            self._expire(order, market, "WOULD_TAKE", now_ms)
        if not order.is_open:
            return
        if order.type not in PRICED:
            self._expire(order, market, "INSUFFICIENT_LIQUIDITY", now_ms)
        elif order.request.time_in_force != "GTC":
            self._expire(order, market, "UNFILLED_IOC_QUANTITY_EXPIRED", now_ms)
        else:
            market.add(order)

    def would_take(self, order_side: Side, px: Decimal, market: Market) -> bool:
        """Whether an order at `px` would trade at once."""
        best = market.best_px(OPPOSITE[order_side])
        return best != 0 and (px >= best if order_side == "BUY" else px <= best)

    def _fills_at_once(self, order: Order, market: Market) -> bool:
        side, available = OPPOSITE[order.side], ZERO
        for px, qty in market.depth(side, 1000):
            if order.px and not self._accepts(order, px):
                break
            available += qty
        return available >= order.leaves_qty

    @staticmethod
    def _accepts(order: Order, px: Decimal) -> bool:
        return px <= order.px if order.side == "BUY" else px >= order.px

    def _take(self, order: Order, market: Market, now_ms: int) -> None:
        """Trade against the best levels until filled, too dear, out of money or out of levels."""
        side = OPPOSITE[order.side]
        resting, house = market.resting(side), market.house_levels(side)
        level = next(house, None)
        while order.is_open and order.leaves_qty > 0:
            maker = resting.best()
            if maker is not None and level is not None and maker.px != level[0]:
                maker = maker if (maker.px < level[0]) == (side == "SELL") else None
            px = maker.px if maker is not None else level[0] if level is not None else None
            if px is None or (order.px and not self._accepts(order, px)):
                return
            if maker is not None and maker.uid == order.uid and order.request.self_trade_mode != "NONE":
                self._prevent(order, maker, market, now_ms)
                continue
            offered = maker.leaves_qty if maker is not None else level[1] if level is not None else ZERO
            qty = self._affordable(order, px, min(order.leaves_qty, offered), market)
            if qty <= 0:
                return
            self._trade(order, maker, px, qty, market, now_ms)
            if maker is None:
                level = next(house, None)

    def _affordable(self, order: Order, px: Decimal, qty: Decimal, market: Market) -> Decimal:
        """Unlocked purchases may not spend more than is free, nor more than their quote budget; sales pay in base."""
        quote_qty = order.request.quote_qty
        if quote_qty:
            qty = min(qty, floor_to((quote_qty - order.cum_quote) / px, market.instrument.step))
        if order.side == "BUY" and not order.px:
            free = self.ledger.accounts[order.uid].balance(market.instrument.quote).free
            qty = min(qty, floor_to(free / px, market.instrument.step))
        return qty

    def _prevent(self, taker: Order, maker: Order, market: Market, now_ms: int) -> None:
        """Self-trade prevention: expire the maker, the taker or both instead of trading (section 14)."""
        mode, match_id = taker.request.self_trade_mode, market.ids.next_prevented_id()
        prevented = min(taker.leaves_qty, maker.leaves_qty)
        ending = {"EXPIRE_MAKER": [maker], "EXPIRE_TAKER": [taker], "EXPIRE_BOTH": [maker, taker]}[mode]
        for order in ending:
            self._end(order, market, "EXPIRED_IN_MATCH", now_ms)
            counter = taker if order is maker else maker
            self._emit(
                TradePrevented(*self._snap(order, now_ms), match_id, counter.order_id, maker.px, prevented)
            )  # fmt: skip
            self._report_balances(self.ledger.accounts[order.uid], market, now_ms)
            self._ended(order, market, now_ms)

    # -- filling --------------------------------------------------------------------------------------------------

    def _trade(self, taker: Order, maker: Order | None, px: Decimal, qty: Decimal, market: Market, now_ms: int) -> None:
        """One trade between `taker` and `maker`, or the house when there is none."""
        trade_id = self._record(market, px, qty, now_ms, buyer_is_maker=taker.side == "SELL")
        if maker is None:
            self._absorb(taker.side, px, qty, market)
        else:
            self._fill(maker, px, qty, trade_id, market, now_ms, is_maker=True)
        self._fill(taker, px, qty, trade_id, market, now_ms, is_maker=False)

    def _hit(self, maker: Order, qty: Decimal, market: Market, now_ms: int) -> None:
        """The house takes `qty` of a resting order at its limit price."""
        px = maker.px
        trade_id = self._record(market, px, qty, now_ms, buyer_is_maker=maker.side == "BUY")
        self._absorb(maker.side, px, qty, market)
        self._fill(maker, px, qty, trade_id, market, now_ms, is_maker=True)

    def _record(self, market: Market, px: Decimal, qty: Decimal, now_ms: int, *, buyer_is_maker: bool) -> int:
        """Print a trade for everybody; answers its id."""
        trade_id = market.ids.next_trade_id()
        trade = MarketTraded(market.instrument.symbol, trade_id, px, qty, down(px * qty), now_ms, buyer_is_maker)
        market.record(trade)
        self._emit(trade)
        return trade_id

    def _absorb(self, user_side: Side, px: Decimal, qty: Decimal, market: Market) -> None:
        base, quote = (market.instrument.base, qty), (market.instrument.quote, down(px * qty))
        self.ledger.absorb(*((quote, base) if user_side == "BUY" else (base, quote)))

    def _fill(
        self, order: Order, px: Decimal, qty: Decimal, trade_id: int, market: Market, now_ms: int, *, is_maker: bool
    ) -> None:  # fmt: skip
        """Settle one side of a trade, report it, and let its list react."""
        account, instrument, quote = self.ledger.accounts[order.uid], market.instrument, down(px * qty)
        self._before_fill(order, market, now_ms)
        order.cum_qty += qty
        order.cum_quote += quote
        is_full = order.leaves_qty <= 0
        if is_full:
            self._end(order, market, "FILLED", now_ms)
        else:
            order.status, order.updated_ms = "PARTIALLY_FILLED", now_ms
            self._relock(order, market)
        paid, received = (instrument.quote, quote), (instrument.base, qty)
        if order.side == "SELL":
            paid, received = received, paid
        self.ledger.exchange(account, paid, received)
        charged = received if self.habits.fees_in == "received" else (instrument.quote, quote)
        fee, fee_asset = self.ledger.charge(account, *charged, is_maker=is_maker)
        fill = Fill(trade_id, px, qty, quote, fee, fee_asset, now_ms, is_maker)
        order.fills.append(fill)
        self._emit(OrderTraded(*self._snap(order, now_ms), fill))
        self._report_balances(account, market, now_ms, fee_asset)
        if is_full:
            self._ended(order, market, now_ms)
        else:
            self._settle_list(order, market, now_ms)

    def _relock(self, order: Order, market: Market) -> None:
        asset = market.instrument.quote if order.side == "BUY" else market.instrument.base
        self.ledger.relock(order, asset, with_fee=order.side == "BUY" and self.habits.fees_in == "quote")

    # -- ending ---------------------------------------------------------------------------------------------------

    def _end(self, order: Order, market: Market, status: Status, now_ms: int) -> None:
        """Take `order` out of book and locks; reporting it is the caller's."""
        market.remove(order)
        order.status, order.is_working, order.updated_ms = status, False, now_ms
        account = self.ledger.accounts[order.uid]
        account.open_orders.pop((order.symbol, order.order_id), None)
        self._relock(order, market)

    def _expire(self, order: Order, market: Market, reason: ExpiryReason, now_ms: int) -> None:
        """End `order` by the exchange's own decision and report it."""
        self._end(order, market, "EXPIRED", now_ms)
        self._report_expired(order, reason, now_ms)
        self._report_balances(self.ledger.accounts[order.uid], market, now_ms)
        self._ended(order, market, now_ms)

    def _report_expired(self, order: Order, reason: ExpiryReason, now_ms: int) -> None:
        order.expiry_reason = reason
        self._emit(OrderExpired(*self._snap(order, now_ms), reason))

    def _before_fill(self, order: Order, market: Market, now_ms: int) -> None:
        raise NotImplementedError

    def _ended(self, order: Order, market: Market, now_ms: int) -> None:
        raise NotImplementedError

    def _settle_list(self, order: Order, market: Market, now_ms: int) -> None:
        raise NotImplementedError

    # -- telling --------------------------------------------------------------------------------------------------

    def _snap(self, order: Order, now_ms: int) -> Snapshot:
        self._last_execution_id += 1
        return (
            order, now_ms, self._last_execution_id, order.status, order.qty, order.cum_qty, order.cum_quote,
            order.is_working, order.working_ms,
        )  # fmt: skip

    def _report_accepted(self, order: Order, now_ms: int) -> None:
        self._emit(OrderAccepted(*self._snap(order, now_ms)))

    def _report_canceled(self, order: Order, cancel_id: str, now_ms: int) -> None:
        self._emit(OrderCanceled(*self._snap(order, now_ms), cancel_id))

    def _report_list(self, order_list: OrderList, now_ms: int) -> None:
        self._emit(ListChanged(order_list, now_ms, order_list.is_done))

    def _report_balances(self, account: Account, market: Market, now_ms: int, *others: str) -> None:
        assets = (market.instrument.base, market.instrument.quote, *others)
        self._emit(self.ledger.snapshot(account, assets, now_ms))
