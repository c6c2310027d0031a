"""One Gate.io: its exchange, keys, limits, switches, and what it remembers beside the core."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from paper_exchange.core.events import BalancesChanged, Event
from paper_exchange.core.habits import Habits
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, floor_to
from paper_exchange.core.orders import Order
from paper_exchange.core.refusals import Reason, Refused
from paper_exchange.core.trigger import Trigger
from paper_exchange.core.triggers import TriggerExchange
from paper_exchange.gateio.balances import BalanceBook, BalanceRows
from paper_exchange.gateio.errors import ApiError, bad_pair
from paper_exchange.gateio.instruments import GATE_INSTRUMENTS, pair_of, pairs_of
from paper_exchange.gateio.keys import KeyRing
from paper_exchange.gateio.limits import Meter
from paper_exchange.gateio.notes import OrderNote
from paper_exchange.gateio.switches import Switches

FIRST_UID = 110_000_000
FIRST_ORDER_ID = 900_000_000_000
FEE_RATE = Decimal("0.002")
REPEAT_MS = 1500
HABITS = Habits(
    shared_ids_after=FIRST_ORDER_ID,
    accepts_takers_as_makers=True,
    unique_client_ids=False,
    discount_asset="GT",
    discount=Decimal("0.8"),
)
Told = Event | BalanceRows
Listener = Callable[[Told], None]


class GateExchange(TriggerExchange):
    """Triggers that may sell what there is when it is less than they were to sell."""

    shrinks_oversize = False

    def _fire(self, trigger: Trigger, now_ms: int) -> None:
        asked, instrument = trigger.request, self.markets[trigger.symbol].instrument
        free = floor_to(self._account(trigger.uid).balance(instrument.base).free, instrument.step)
        if self.shrinks_oversize and asked.child.side == "SELL" and 0 < free < asked.child.qty:
            trigger.request = replace(asked, child=replace(asked.child, qty=free))
        super()._fire(trigger, now_ms)
        trigger.request = asked


class Venue:
    """Time is whatever the caller says it is."""

    def __init__(
        self, rng: random.Random, now_ms: int, instruments: Iterable[Instrument] = GATE_INSTRUMENTS,
        *, limit_scale: int = 1,
    ) -> None:  # fmt: skip
        listed = list(instruments)
        self.switches, self.keys, self.meter = Switches(), KeyRing(), Meter(limit_scale)
        self.exchange = GateExchange(listed, rng, self._on_event, now_ms, HABITS, self._name_child)
        self.symbols = pairs_of(listed)
        self.balances = BalanceBook()
        self.listeners: list[Listener] = []
        self.unified: set[int] = set()
        self.rng = rng
        self._notes: dict[Order, OrderNote] = {}
        self._last_uid, self._last_tx_id = FIRST_UID, 0
        self._purses: dict[tuple[int, str, str], Decimal] = {}
        self._triggered_ms: dict[tuple[int, str, str], int] = {}

    # -- accounts -------------------------------------------------------------------------------------------------

    def open_account(
        self, balances: Mapping[str, Decimal], now_ms: int, *, discount: bool = False, unified: bool = False
    ) -> Account:
        """A new account; `discount` pays fees in GT, `unified` says `unified` where others say `spot`."""
        self._last_uid += 1
        account = self.exchange.open_account(self._last_uid, balances, now_ms, discount=discount)
        account.maker_rate = account.taker_rate = FEE_RATE
        self.balances.seed(account)
        if unified:
            self.unified.add(account.uid)
        return account

    def account_word(self, uid: int) -> str:
        """How orders of this account call it (section 16)."""
        return "unified" if uid in self.unified else "spot"

    def transfer(self, uid: int, currency: str, delta: Decimal, source: str, target: str, now_ms: int) -> None:
        """Move money between spot and another wallet, which must have it. Raises: Refused(INSUFFICIENT_BALANCE)."""
        purse = uid, target if source == "spot" else source, currency
        if self._purses.get(purse, ZERO) - delta < 0:
            raise Refused(Reason.INSUFFICIENT_BALANCE)
        self.exchange.adjust(uid, currency, delta, now_ms)
        self._purses[purse] = self._purses.get(purse, ZERO) - delta

    def next_tx_id(self) -> int:
        """The id of the next transfer."""
        self._last_tx_id += 1
        return 59_000_000_000 + self._last_tx_id

    # -- looking up -----------------------------------------------------------------------------------------------

    def market(self, pair: str) -> Market:
        """The market of a pair. Raises: INVALID_CURRENCY_PAIR."""
        symbol = self.symbols.get(pair)
        if symbol is None:
            raise bad_pair(pair)
        return self.exchange.markets[symbol]

    def pair(self, symbol: str) -> str:
        """The pair of a symbol."""
        return pair_of(self.exchange.markets[symbol].instrument)

    def note(self, order: Order) -> OrderNote:
        """What is remembered of an order."""
        return self._notes.setdefault(order, OrderNote())

    def order(self, account: Account, symbol: str, name: str) -> Order | None:
        """An order by its id, or by its `text` as far as that goes (section 6)."""
        if name.isdecimal():
            return account.orders.get((symbol, int(name)))
        named = account.by_client_id.get((symbol, name)) if name.startswith("t-") else None
        if named is None or named.is_open or self.switches.found_by_text_after_end == "always":
            return named
        return None

    # -- price orders ---------------------------------------------------------------------------------------------

    def check_repeat(self, uid: int, symbol: str, rule: str, now_ms: int) -> None:
        """Refuse a second price order of the same rule too soon after the first. Raises: REPEAT_REQUEST."""
        last_ms = self._triggered_ms.get((uid, symbol, rule))
        if self.switches.repeat_request and last_ms is not None and now_ms - last_ms < REPEAT_MS:
            raise ApiError("REPEAT_REQUEST", "repeat request")

    def count_trigger(self, uid: int, symbol: str, rule: str, now_ms: int) -> None:
        """Remember when a price order of this rule was placed."""
        self._triggered_ms[uid, symbol, rule] = now_ms

    def _name_child(self, _: Trigger) -> str:
        return self.switches.fired_text

    # -- time and facts -------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Let happen what a command or the clock has set off."""
        self.obey_switches()
        self.exchange.settle(now_ms)

    def obey_switches(self) -> None:
        """Tell the core how the switches stand that it has to know of."""
        self.exchange.tells_fired_first = self.switches.fired_told == "before_order"
        self.exchange.shrinks_oversize = self.switches.oversize_triggers == "shrink"

    def _on_event(self, event: Event) -> None:
        self.balances.hear(event)
        told: Told = self.balances.changes(event) if isinstance(event, BalancesChanged) else event
        for listener in self.listeners:
            listener(told)
