"""One Bitget: its exchange, keys, limits, switches, and what it remembers beside the core."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal

from paper_exchange.bitget.errors import ApiError
from paper_exchange.bitget.keys import KeyRing
from paper_exchange.bitget.limits import Meter
from paper_exchange.bitget.notes import Kind, note_of
from paper_exchange.bitget.switches import Switches
from paper_exchange.core.events import Event, TriggerChanged
from paper_exchange.core.habits import Habits
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS, Instrument
from paper_exchange.core.ledger import Account
from paper_exchange.core.orders import Order
from paper_exchange.core.trigger import Trigger
from paper_exchange.core.triggers import TriggerExchange

FIRST_UID = 1_000_000_000
FIRST_ORDER_ID = 1_300_000_000_000_000_000
PLANS_PER_SYMBOL = 50  # The number is not published; this is the one in the example of 43071.
MIN_VALUE = {"USDT": Decimal(1), "BTC": Decimal("0.00001")}
_CANCEL_PACE_MS = 1000
_SWEEP_AFTER_MS = (50, 500)
HABITS = Habits(shared_ids_after=FIRST_ORDER_ID, accepts_takers_as_makers=True, discount_asset="BGB")
Listener = Callable[[Event], None]


def as_bitget(instruments: Iterable[Instrument]) -> list[Instrument]:
    """The instruments with Bitget's minimum value; its price band looks at one side only and is checked by the face."""
    return [
        replace(
            i, min_notional=MIN_VALUE[i.quote], max_notional=Decimal(10**12), max_algo_orders=PLANS_PER_SYMBOL,
            max_orders=200, multiplier_up=Decimal(10**6), multiplier_down=Decimal(0),
        )
        for i in instruments
    ]  # fmt: skip


class Venue:
    """Time is whatever the caller says it is."""

    def __init__(
        self, rng: random.Random, now_ms: int, instruments: Iterable[Instrument] = DEFAULT_INSTRUMENTS,
        *, limit_scale: int = 1,
    ) -> None:  # fmt: skip
        self.exchange = TriggerExchange(as_bitget(instruments), rng, self._on_event, now_ms, HABITS, self._name_child)
        self.switches, self.keys, self.meter = Switches(), KeyRing(), Meter(limit_scale)
        self.limit_scale = limit_scale
        self.listeners: list[Listener] = []
        self.children: dict[int, Trigger] = {}
        self._rng = rng
        self._last_uid = FIRST_UID
        self._canceled_ms: dict[int, int] = {}
        self._sweeps: list[tuple[int, int, str]] = []

    def next_uid(self) -> int:
        """Uids count up."""
        self._last_uid += 1
        return self._last_uid

    def new_number(self) -> str:
        """A client id as Bitget makes them for plans: a number of nineteen digits."""
        return str(self._rng.randrange(10**18, 10**19))

    def _name_child(self, trigger: Trigger) -> str:
        return trigger.client_id if self.switches.child_client_oid == "own" else str(trigger.order_id)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, TriggerChanged) and event.order is not None:
            self.children[event.order.order_id] = event.trigger
        for listener in self.listeners:
            listener(event)

    # -- time -----------------------------------------------------------------------------------------------------

    def settle(self, now_ms: int) -> None:
        """Let happen what a command has set off."""
        self.exchange.tells_fired_first = self.switches.executed_before_child
        self.exchange.settle(now_ms)

    def tick(self, now_ms: int) -> None:
        """Carry out what was put off: cancels of whole symbols (rule 17)."""
        due = [sweep for sweep in self._sweeps if sweep[0] <= now_ms]
        self._sweeps = [sweep for sweep in self._sweeps if sweep[0] > now_ms]
        for _, uid, symbol in due:
            for order in list(self.exchange.ledger.accounts[uid].open_orders.values()):
                if order.symbol == symbol and order.is_open:
                    self.exchange.cancel(order, "", now_ms)
        self.settle(now_ms)

    def sweep_later(self, uid: int, symbol: str, now_ms: int) -> None:
        """Cancel every order of a symbol in a moment."""
        self._sweeps.append((now_ms + self._rng.randint(*_SWEEP_AFTER_MS), uid, symbol))

    def check_cancel_pace(self, order_id: int, now_ms: int) -> None:
        """The same order may be canceled once a second. Raises: 45129."""
        if now_ms - self._canceled_ms.get(order_id, -_CANCEL_PACE_MS) < _CANCEL_PACE_MS:
            text = "Cancel order is too frequent, the same orderId is only allowed to be canceled once in a second"
            raise ApiError("45129", text)
        self._canceled_ms = {k: at for k, at in self._canceled_ms.items() if now_ms - at < _CANCEL_PACE_MS}
        self._canceled_ms[order_id] = now_ms

    # -- looking up -----------------------------------------------------------------------------------------------

    def order(self, account: Account, order_id: str | None, client_oid: str | None) -> Order | None:
        """An order by its id, or else the newest of its client id."""
        symbols = self.exchange.markets
        if order_id is not None:
            number = int(order_id) if order_id.isdigit() else -1
            return next((o for s in symbols if (o := account.orders.get((s, number))) is not None), None)
        named = [o for s in symbols if (o := account.by_client_id.get((s, client_oid or ""))) is not None]
        return max(named, key=lambda order: order.order_id, default=None)

    def trigger(self, uid: int, kind: Kind, order_id: str | None, client_oid: str | None) -> Trigger | None:
        """A trigger by its id, or else the newest of its client id."""
        known = self.exchange.triggers.get(uid, {})
        if order_id is not None:
            found = known.get(int(order_id) if order_id.isdigit() else -1)
            return found if found is not None and note_of(found).kind == kind else None
        return next((t for t in self.newest_triggers(uid, kind) if t.client_id == client_oid), None)

    def newest_triggers(self, uid: int, kind: Kind) -> Iterator[Trigger]:
        """The account's triggers of a kind, newest first."""
        known = self.exchange.triggers.get(uid, {}).values()
        return (trigger for trigger in reversed(known) if note_of(trigger).kind == kind)

    def has_open(self, account: Account, client_oid: str) -> bool:
        """Whether an order or a trigger of the account that lives is called so."""
        named = (account.by_client_id.get((symbol, client_oid)) for symbol in self.exchange.markets)
        return any(order is not None and order.is_open for order in named) or any(
            trigger.client_id == client_oid for trigger in self.exchange.armed(account.uid)
        )
