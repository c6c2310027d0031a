"""Whatever traders and the market do: nobody goes below zero, nothing is lost, and locks are what orders need."""

import contextlib
import random
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from paper_exchange.core.events import Event, ListChanged, OrderEvent
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS
from paper_exchange.core.market import AVERAGE_MS, TAPE_LENGTH
from paper_exchange.core.orders import OrderRequest, Side
from paper_exchange.core.refusals import Refused

SYMBOL = "BTCUSDT"
UIDS = (1, 2)
TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
uids = st.sampled_from(UIDS)
sides = st.sampled_from(("BUY", "SELL"))
prices = st.integers(9_700_000, 9_900_000).map(lambda cents: Decimal(cents) / 100)
near_prices = st.integers(-300, 300).map(lambda ticks: Decimal(9_800_000 + ticks) / 100)
quantities = st.integers(10, 30_000).map(lambda lots: Decimal(lots) / 100_000)
tifs = st.sampled_from(("GTC", "GTC", "IOC", "FOK"))


class Traders(RuleBasedStateMachine):
    """Two traders, one of whom pays fees in BNB."""

    @initialize(seed=st.integers(0, 99))
    def begin(self, seed: int) -> None:
        self.events: list[Event] = []
        self.now_ms = 1_795_341_600_000
        self.exchange = Exchange(DEFAULT_INSTRUMENTS, random.Random(seed), self.events.append, self.now_ms)
        self.count = 0
        for uid in UIDS:
            balances = {"USDT": Decimal(40_000), "BTC": Decimal("0.4"), "BNB": Decimal("0.02")}
            self.exchange.open_account(uid, balances, self.now_ms, discount=uid == 2)
        self.total = self.totals()

    def totals(self) -> dict[str, Decimal]:
        ledger, sums = self.exchange.ledger, defaultdict[str, Decimal](Decimal)
        for account in ledger.accounts.values():
            for asset, balance in account.balances.items():
                sums[asset] += balance.free + balance.locked
        for asset, amount in ledger.house.items():
            sums[asset] += amount
        return {asset: amount for asset, amount in sums.items() if amount}

    def name(self) -> str:
        self.count += 1
        return f"o{self.count}"

    def request(self, kind: Any, side: Any, qty: Decimal, px: Decimal, stop: Decimal, tif: Any = "GTC") -> OrderRequest:
        priced = kind in {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}
        return OrderRequest(
            self.name(), side, kind, qty, px if priced else Decimal(0),
            stop if "STOP" in kind or "PROFIT" in kind else Decimal(0),
            time_in_force=tif if priced and kind != "LIMIT_MAKER" else "GTC",
        )  # fmt: skip

    def attempt(self, action: Any) -> None:
        with contextlib.suppress(Refused):
            action()
        self.exchange.settle(self.now_ms)

    @rule(
        uid=uids,
        kind=st.sampled_from(TYPES),
        side=sides,
        qty=quantities,
        px=prices | near_prices,
        stop=prices,
        tif=tifs,
    )
    def place(self, **drawn: Any) -> None:
        uid = drawn.pop("uid")
        self.attempt(lambda: self.exchange.place(uid, SYMBOL, self.request(**drawn), self.now_ms))

    @rule(uid=uids, side=sides, quote=st.integers(10, 50_000))
    def place_for_quote(self, uid: int, side: Any, quote: int) -> None:
        request = OrderRequest(self.name(), side, "MARKET", quote_qty=Decimal(quote))
        self.attempt(lambda: self.exchange.place(uid, SYMBOL, request, self.now_ms))

    @rule(uid=uids, side=sides, qty=quantities, up=prices, down=prices, market_stop=st.booleans())
    def place_oco(self, uid: int, side: Any, qty: Decimal, up: Decimal, down: Decimal, market_stop: bool) -> None:
        stop = "STOP_LOSS" if market_stop else "STOP_LOSS_LIMIT"
        kinds = ("LIMIT_MAKER", stop) if side == "SELL" else (stop, "LIMIT_MAKER")
        above, below = self.request(kinds[0], side, qty, up, up), self.request(kinds[1], side, qty, down, down)
        self.attempt(lambda: self.exchange.place_oco(uid, SYMBOL, self.name(), above, below, self.now_ms))

    @rule(uid=uids, qty=quantities, px=prices | near_prices, by_proceeds=st.booleans(), tif=tifs)
    def place_otoco(self, uid: int, qty: Decimal, px: Decimal, by_proceeds: bool, tif: Any) -> None:
        working = self.request("LIMIT", "BUY", qty, px, px, tif)
        size = Decimal(0) if by_proceeds else qty
        above = self.request("LIMIT_MAKER", "SELL", size, Decimal(98_600), px)
        below = self.request("STOP_LOSS_LIMIT", "SELL", size, Decimal(97_400), Decimal(97_500))
        self.attempt(
            lambda: self.exchange.place_oto(
                uid, SYMBOL, self.name(), working, (above, below), self.now_ms, sizes_by_proceeds=by_proceeds
            )
        )

    @rule(uid=uids, pick=st.integers(0, 50))
    def cancel(self, uid: int, pick: int) -> None:
        orders = list(self.exchange.ledger.accounts[uid].open_orders.values())
        if orders:
            self.attempt(lambda: self.exchange.cancel(orders[pick % len(orders)], "c", self.now_ms))

    @rule(px=prices, gap=st.booleans())
    def move(self, px: Decimal, gap: bool) -> None:
        self.now_ms += 40_000
        self.attempt(lambda: self.exchange.move(SYMBOL, px, self.now_ms, gap=gap))

    @rule(uid=uids, pick=st.integers(0, 50), qty=quantities)
    def fill(self, uid: int, pick: int, qty: Decimal) -> None:
        orders = list(self.exchange.ledger.accounts[uid].open_orders.values())
        if orders:
            self.attempt(lambda: self.exchange.fill(orders[pick % len(orders)], qty, self.now_ms))

    @invariant()
    def nobody_is_below_zero(self) -> None:
        for account in self.exchange.ledger.accounts.values():
            assert all(balance.free >= 0 <= balance.locked for balance in account.balances.values())

    @invariant()
    def nothing_appears_or_vanishes(self) -> None:
        assert self.totals() == self.total

    @invariant()
    def locked_is_what_open_orders_need(self) -> None:
        for account in self.exchange.ledger.accounts.values():
            needed = defaultdict[str, Decimal](Decimal)
            pairs: dict[int, tuple[str, Decimal]] = {}
            for order in account.open_orders.values():
                asset = "USDT" if order.side == "BUY" else "BTC"
                if order.order_list is not None and order in order.order_list.pair:
                    held = pairs.get(order.order_list.list_id, (asset, Decimal(0)))[1]
                    pairs[order.order_list.list_id] = (asset, max(held, order.needs()))
                else:
                    needed[asset] += order.needs()
            for asset, amount in pairs.values():
                needed[asset] += amount
            for asset, balance in account.balances.items():
                assert balance.locked == needed[asset]

    @invariant()
    def a_pair_never_fills_on_both_legs(self) -> None:
        for account in self.exchange.ledger.accounts.values():
            for order_list in account.lists.values():
                assert sum(leg.cum_qty > 0 for leg in order_list.pair) <= 1
                assert sum(leg.cum_qty for leg in order_list.pair) <= max(
                    (leg.qty for leg in order_list.pair), default=0
                )
                assert order_list.is_done == (not any(leg.is_open for leg in order_list.legs))

    @invariant()
    def the_best_price_is_where_the_best_level_stands(self) -> None:
        market = self.exchange.markets[SYMBOL]
        sides: tuple[Side, ...] = ("BUY", "SELL")
        for side in sides:
            best_px = next((px for px, _ in market.depth(side, 1)), Decimal(0))  # Traders may have emptied it.
            assert market.best_px(side) == market.best(side)[0] == best_px

    @invariant()
    def the_average_price_is_that_of_the_last_five_minutes(self) -> None:
        market = self.exchange.markets[SYMBOL]
        assert len(market.tape) < TAPE_LENGTH, "the tape must hold every trade to be compared with"
        recent = [trade for trade in market.tape if trade.ts_ms >= self.now_ms - AVERAGE_MS]
        volume = sum(trade.qty for trade in recent)
        expected = sum(trade.quote for trade in recent) / volume if volume else market.last
        assert market.average_px(self.now_ms) == expected

    @invariant()
    def open_orders_are_the_open_ones(self) -> None:
        for account in self.exchange.ledger.accounts.values():
            assert all(order.is_open == (key in account.open_orders) for key, order in account.orders.items())

    def teardown(self) -> None:
        if not hasattr(self, "events"):
            return
        ids = [event.execution_id for event in self.events if isinstance(event, OrderEvent)]
        assert ids == sorted(set(ids))
        done = Counter(e.order_list.list_id for e in self.events if isinstance(e, ListChanged) and e.is_done)
        assert all(times == 1 for times in done.values())


TestTraders = Traders.TestCase
TestTraders.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
