"""The exchange with MEXC's manners: what a command sets off later, and who is told what when."""

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial

from paper_exchange.core.events import Event, MarketTraded
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.habits import Habits
from paper_exchange.core.ledger import Account
from paper_exchange.core.orders import Order, OrderRequest
from paper_exchange.core.refusals import Reason, Refused
from paper_exchange.mexc import ids
from paper_exchange.mexc.catalog import LISTINGS, MAKER_RATE, TAKER_RATE, State
from paper_exchange.mexc.errors import ApiError, oversold, refusal
from paper_exchange.mexc.intake import check_count
from paper_exchange.mexc.keys import KeyRing, ListenKeys
from paper_exchange.mexc.limits import Meter
from paper_exchange.mexc.pushes import PrivateFeed, Push
from paper_exchange.mexc.switches import Switches

FIRST_UID = 730_000_000
HABITS = Habits(
    shared_ids_after=ids.FIRST, accepts_takers_as_makers=True, fees_in="quote", unique_client_ids=False,
    discount_asset="MX", discount=Decimal("0.8"),
)  # fmt: skip
Later = Callable[[int, Callable[[int], None]], None]
"""Run an action, with the time that it is then, after so many ms."""


class Venue:
    """Accounts, orders and keys of one MEXC. `rng` makes the market, `fault_rng` shuffles pushes."""

    def __init__(self, rng: random.Random, fault_rng: random.Random, now_ms: int, later: Later) -> None:
        instruments = [listing.instrument for listing in LISTINGS.values()]
        self.exchange = Exchange(instruments, rng, self._on_event, now_ms, HABITS)
        self.keys, self.listen_keys, self.meter = KeyRing(), ListenKeys(), Meter()
        self.switches = Switches()
        self.states = dict.fromkeys(LISTINGS, State.OPEN)
        self.on_push: list[Callable[[Push, int], None]] = []
        self.on_trade: list[Callable[[MarketTraded], None]] = []
        self._feed, self._later, self._rng = PrivateFeed(), later, fault_rng
        self._withholds = False
        self._last_uid = FIRST_UID

    def open_account(self, balances: Mapping[str, Decimal], now_ms: int, *, pays_in_mx: bool) -> Account:
        """A new account, at the rates that exchangeInfo shows."""
        self._last_uid += 1
        account = self.exchange.open_account(self._last_uid, balances, now_ms, discount=pays_in_mx)
        account.maker_rate, account.taker_rate = MAKER_RATE, TAKER_RATE
        self._feed.prime(account)
        return account

    def after(self, delay_ms: int, now_ms: int, action: Callable[[int], None]) -> None:
        """Run `action` now when there is no delay, else later."""
        if delay_ms <= 0:
            action(now_ms)
        else:
            self._later(delay_ms, action)

    # -- commands -------------------------------------------------------------------------------------------------

    def check(self, account: Account, symbol: str, request: OrderRequest, now_ms: int) -> None:
        """Every check that `place` makes, except whether it can be paid. Raises: ApiError, Refused."""
        check_count(account)
        market = self.exchange.markets[symbol]
        known = account.by_client_id.get((symbol, request.client_order_id))
        if self.switches.duplicate_client_ids == "refuse" and request.client_order_id and known is not None:
            raise refusal(Reason.DUPLICATE_CLIENT_ORDER_ID)
        is_strict = self.switches.limit_maker_crossing == "reject" and request.type == "LIMIT_MAKER"
        if is_strict and self.exchange.would_take(request.side, request.px, market):
            raise refusal(Reason.WOULD_TAKE)
        self.exchange.validate(account.uid, symbol, request, now_ms)

    def place(self, account: Account, symbol: str, request: OrderRequest, now_ms: int) -> Order:
        """Place an order. Raises: ApiError."""
        try:
            self.check(account, symbol, request, now_ms)
            order = self.exchange.place(account.uid, symbol, request, now_ms)
        except Refused as refused:
            raise self.worded(refused, request) from None
        self.exchange.settle(now_ms)
        return order

    def worded(self, refused: Refused, request: OrderRequest) -> ApiError:
        """The core's refusal in MEXC's words; want of something to sell has two codes."""
        if refused.reason is Reason.INSUFFICIENT_BALANCE and request.side == "SELL":
            return oversold(self.switches.oversold_code)
        return refusal(refused.reason)

    def cancel(self, order: Order, now_ms: int) -> None:
        """Take a cancel in: it works a moment later, and until then the order may fill. Raises: -2011."""
        if not order.is_open:
            raise refusal(Reason.NOT_OPEN)
        self.after(self.switches.cancel_lag_ms, now_ms, partial(self._cancel, order))

    def _cancel(self, order: Order, now_ms: int) -> None:
        if not order.is_open:
            return  # it filled, or an earlier cancel ended it
        instrument, lag_ms = self.exchange.markets[order.symbol].instrument, self.switches.unfreeze_lag_ms
        asset = instrument.quote if order.side == "BUY" else instrument.base
        freed, self._withholds = order.locked, lag_ms > 0
        try:
            self.exchange.cancel(order, "", now_ms)
        finally:
            self._withholds = False
        self.exchange.settle(now_ms)
        if lag_ms > 0:
            # The order has ended, but a sale sent now is still refused (section 13.2).
            self.exchange.ledger.hold(order.uid, asset, freed)
            self._later(lag_ms, partial(self._unfreeze, order.uid, asset, freed))

    def _unfreeze(self, uid: int, asset: str, qty: Decimal, now_ms: int) -> None:
        self.exchange.ledger.hold(uid, asset, -qty)
        self._schedule(self._feed.released(self.exchange.ledger.accounts[uid], asset, now_ms), now_ms)

    # -- telling --------------------------------------------------------------------------------------------------

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MarketTraded):
            for hear in self.on_trade:
                hear(event)
            return
        pushes = self._feed.translate(event, withheld=self._withholds)
        if pushes:
            self._schedule(pushes, event.ts_ms)

    def _schedule(self, pushes: list[Push], now_ms: int) -> None:
        for push in pushes:
            self.after(self._delay_ms(push), now_ms, partial(self._tell, push))

    def _delay_ms(self, push: Push) -> int:
        switches = self.switches
        if switches.push_order == "shuffled":
            return self._rng.randint(0, switches.shuffle_ms)
        if not push.of_fill:
            return 0
        if push.kind == "account":
            return switches.account_lag_ms
        is_late = (push.kind == "deals") == (switches.push_order == "documented")
        return switches.deals_lag_ms if is_late else 0

    def _tell(self, push: Push, now_ms: int) -> None:
        for hear in self.on_push:
            hear(push, now_ms)
