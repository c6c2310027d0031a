"""The private stream of one account: a login per socket, four channels, a text ping every half minute.

Nothing is replayed and `orders` and `orders-algo` begin without a snapshot: whoever connects reads over REST what was
missed. Which of the two endpoints to connect to depends on the account's family; where nobody has asked yet, the
balances are asked for first, and the answer shows it.
"""

from typing import Final

from bitget_connector.facts import time_ms
from bitget_connector.family import CLASSIC, UNIFIED, Family, family_of
from bitget_connector.ledger import Ledger
from bitget_connector.memory import Memory
from bitget_connector.public_frames import SocketFrame
from bitget_connector.refusals import KEY_REFUSED_ON_SOCKET, LOGIN_FAILED, OK, UNIFIED_ON_CLASSIC
from bitget_connector.replies import code_of, parse, value_of
from bitget_connector.rows import OrderRow, Page, TradeRow
from bitget_connector.signing import UnusableKey, login_frame
from bitget_connector.sockets import ANSWER_WITHIN_MS, Pulse, as_bytes, as_text, subscribe_frames
from bitget_connector.translate import balances, is_child, order_fields, plan_fact, standing, trade_fact
from common.accounts import Credentials
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    Frame,
    ReadAgain,
    Reply,
    Send,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame
from common.orders import OrderFact, OrderSnapshot, OrderStatus

_PROBE: Final = "family"
_ORDERS: Final = {"orders", "order"}
_PLANS: Final = {"orders-algo", "strategy-order"}


class AccountStream:
    """Implements the kit's PrivateStream for Bitget."""

    def __init__(self, classic_url: str, unified_url: str, memory: Memory) -> None:
        self._urls = {False: classic_url, True: unified_url}
        self._memory = memory
        self._words: Family = CLASSIC
        self._credentials: Credentials | None = None
        self._ledger = Ledger()
        self._pulse = Pulse()
        self._open = False
        self._probing = False
        self._probed = False
        self._asked_ms: int | None = None
        """When the login or a subscription was sent that is not answered yet."""
        self._unanswered = 0
        self._subscribed = False

    # --- connecting -------------------------------------------------------------------------------------------------

    def prepare(self, now_ms: int) -> StreamEvents:
        """Ask for the family where it is not known."""
        return self._probe() if self._credentials is not None else []

    def url(self) -> str | None:
        """The endpoint of the account's family; None while it is being found out."""
        if self._probing:
            return None
        if self._credentials is not None:
            self._words = family_of(self._memory, self._credentials.account_id)
        return self._urls[self._words is UNIFIED]

    def on_open(self, now_ms: int) -> StreamEvents:
        """Log in, once it is known that this is the right door."""
        self._open = True
        self._pulse.heard(now_ms)
        return self._enter(now_ms) if self._credentials is not None else []

    def add(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        """Stream this account; a renewed lease only replaces the credentials."""
        self._credentials = credentials
        if not self._open or self._subscribed or self._asked_ms is not None:
            return []
        return self._enter(now_ms)

    def remove(self, account_id: str, now_ms: int) -> StreamEvents:
        """The account leaves, and with it the reason for this socket, which the kit closes."""
        if self._credentials is None or self._credentials.account_id != account_id:
            return []
        self._credentials, self._subscribed = None, False
        return [CloseAndReconnect("its account has left")] if self._open else []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """The family, or trades that were asked for."""
        if request_id == _PROBE:
            return self._on_probe(reply, now_ms)
        if self._credentials is None:
            return []
        account_id = self._credentials.account_id
        page = value_of(reply, self._words.read_trades) if isinstance(reply, Reply) else reply
        if not isinstance(page, Page):
            return [ReadAgain(account_id, "the trades of an order could not be read")]
        return self._told_trades([row for row in reversed(page.rows) if self._ledger.read(row, now_ms)], now_ms)

    def on_time(self, now_ms: int) -> StreamEvents:
        """Ping, give up on answers that never came, and tell what only one channel knows."""
        if not self._open:
            return []
        if self._asked_ms is not None and now_ms - self._asked_ms > ANSWER_WITHIN_MS:
            return [CloseAndReconnect("the login or a subscription was never answered")]
        events = self._pulse.beat(now_ms)
        if self._credentials is None:
            return events
        account_id = self._credentials.account_id
        if self._memory.is_unified(account_id) is not None and family_of(self._memory, account_id) is not self._words:
            return [CloseAndReconnect("the account is of the other family")]
        events += self._told_trades(self._ledger.overdue(now_ms), now_ms)
        for order_id, symbol in self._ledger.owing(now_ms):
            request = self._words.trades(symbol, since_ms=None, order_id=order_id)
            events.append(Ask(f"trades-{order_id}", account_id, request))
        return events

    def _enter(self, now_ms: int) -> StreamEvents:
        if probe := self._probe():
            return probe
        return [] if self._probing else self._knock(now_ms)

    def _knock(self, now_ms: int) -> StreamEvents:
        """Log in here, or go to the other door."""
        assert self._credentials is not None, "whoever logs in has a key"
        if family_of(self._memory, self._credentials.account_id) is not self._words:
            return [CloseAndReconnect("the account is of the other family")]
        return self._login(now_ms)

    def _probe(self) -> StreamEvents:
        assert self._credentials is not None, "an account is probed with its key"
        account_id = self._credentials.account_id
        if self._probing or self._probed or self._memory.is_unified(account_id) is not None:
            return []
        self._probing = True
        return [Ask(_PROBE, account_id, CLASSIC.balances())]

    def _on_probe(self, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        self._probing, self._probed = False, True
        if self._credentials is None:
            return []
        code = code_of(reply) if isinstance(reply, Reply) else None
        if code in {OK, UNIFIED_ON_CLASSIC}:
            self._memory.remember_family(self._credentials.account_id, unified=code == UNIFIED_ON_CLASSIC)
        return self._knock(now_ms) if self._open else []

    def _login(self, now_ms: int) -> StreamEvents:
        assert self._credentials is not None, "whoever logs in has a key"
        self._asked_ms = now_ms
        try:
            return [Send(login_frame(self._credentials, now_ms))]
        except UnusableKey as error:
            self._asked_ms = None
            return [SubscriptionLost(self._credentials.account_id, str(error), retryable=False)]

    # --- frames -----------------------------------------------------------------------------------------------------

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """A pong, the answer to an operation, or data of a channel."""
        self._pulse.heard(now_ms)
        if as_text(raw) == "pong":
            return []
        data = as_bytes(raw)
        account_id = None if self._credentials is None else self._credentials.account_id
        try:
            frame = parse(data, SocketFrame)
            if frame.event is not None:
                return self._on_event(frame, data, now_ms)
            if frame.arg is None:
                raise UnreadableFrame("neither an event nor data of a channel")
            return [] if account_id is None else self._on_data(frame, account_id, now_ms)
        except UnreadableFrame as error:
            return [Unreadable(data, error.reason, account_id)]

    def _on_event(self, frame: SocketFrame, data: bytes, now_ms: int) -> StreamEvents:
        if self._credentials is None:
            return []
        match frame.event:
            case "login" if str(frame.code) == "0":
                args = self._words.subscriptions()
                self._asked_ms, self._unanswered = now_ms, len(args)
                return [Send(text) for text in subscribe_frames("subscribe", args)]
            case "subscribe":
                self._unanswered -= 1
                if self._unanswered != 0:
                    return []
                self._asked_ms, self._subscribed = None, True
                return [Subscribed(self._credentials.account_id)]
            case "login" | "error":
                return self._refused(frame)
            case "unsubscribe":
                return []
            case _:
                raise UnreadableFrame(f"event: {frame.event!r} is not documented")

    def _refused(self, frame: SocketFrame) -> StreamEvents:
        assert self._credentials is not None, "only a socket with an account logs in"
        account_id, code = self._credentials.account_id, str(frame.code)
        reason = f"{code}: {frame.msg or ''}"
        if self._unanswered or self._subscribed:
            return [CloseAndReconnect(f"a subscription was refused ({reason})")]
        self._asked_ms = None
        # Without a known family a key that is merely refused may have knocked at the wrong door.
        at_the_right_door = code != LOGIN_FAILED or self._memory.is_unified(account_id) is not None
        if code in KEY_REFUSED_ON_SOCKET and at_the_right_door:
            return [SubscriptionLost(account_id, reason, retryable=False)]
        return [CloseAndReconnect(f"the login was refused ({reason})")]

    def _on_data(self, frame: SocketFrame, account_id: str, now_ms: int) -> StreamEvents:
        assert frame.arg is not None, "data is of a channel"
        channel, rows = frame.arg.channel or frame.arg.topic or "", bytes(frame.data)
        if channel in _ORDERS:
            told = self._words.pushed_orders(rows)
            return [event for row, trade in told for event in self._on_order(row, trade, account_id, now_ms)]
        if channel in _PLANS:
            pushed = self._words.pushed_plans(rows)
            plans = tuple(self._memory.named(account_id, plan) for plan in pushed)
            for plan in plans:
                self._memory.remember_plan(account_id, plan.plan_id, plan.client_oid or plan.plan_id)
            return [FactsReceived(account_id, orders=tuple(plan_fact(plan, account_id, now_ms) for plan in plans))]
        if channel == "fill":
            trades = self._words.pushed_trades(rows)
            return self._told_trades([row for row in reversed(trades) if self._ledger.trade(row, now_ms)], now_ms)
        if channel == "account":
            assets = self._words.pushed_balances(rows)
            ts_ms = time_ms(frame.ts, "ts") if frame.ts not in (None, "") else now_ms
            return [FactsReceived(account_id, balances=(balances(assets, account_id, ts_ms, now_ms),))]
        raise UnreadableFrame(f"channel: {channel!r} was never subscribed")

    def _on_order(self, row: OrderRow, trade: TradeRow | None, account_id: str, now_ms: int) -> StreamEvents:
        name = self._memory.name_of(account_id, row.order_id, row.client_oid)
        if name is None:
            # A plan may have spawned it that was placed before this process began: reading finds its name.
            return [ReadAgain(account_id, "an order whose plan is not known")]
        if is_child(row, name):
            self._memory.remember_child(account_id, row.order_id, name)
        else:
            self._memory.remember_order(account_id, row.order_id, name)
        fresh = self._ledger.order(row, trade, now_ms)
        facts: list[OrderFact] = [
            trade_fact(each, account_id, now_ms, row if each is trade else None, name) for each in fresh
        ]
        state = standing(row, name, account_id, now_ms)
        if state is not None:
            facts.append(state)
        elif trade is None or trade not in fresh or (row.status is OrderStatus.FILLED and len(fresh) > 1):
            facts.append(OrderSnapshot(**order_fields(row, name, account_id, now_ms)))
        return [FactsReceived(account_id, orders=tuple(facts))]

    def _told_trades(self, rows: list[TradeRow], now_ms: int) -> StreamEvents:
        """Trades without their order's state; one whose order nobody named is read about."""
        if self._credentials is None or not rows:
            return []
        account_id = self._credentials.account_id
        named = [(row, self._memory.order_name(account_id, row.order_id)) for row in rows]
        facts = tuple(trade_fact(row, account_id, now_ms, name=name) for row, name in named if name is not None)
        events: StreamEvents = [FactsReceived(account_id, orders=facts)] if facts else []
        if any(name is None for _, name in named):
            events.append(ReadAgain(account_id, "a trade of an order nobody named"))
        return events
