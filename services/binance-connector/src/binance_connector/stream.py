"""The private stream: many accounts on one WebSocket API connection, each subscribed with its own signature.

A subscription ends with its connection and nothing is replayed ("User Data Stream subscriptions"): who reconnects
subscribes again, and reads over REST what was missed. A quiet stream is normal; ping frames are the kit's business.
"""

from collections import deque

import msgspec

from binance_connector.frames import (
    USER_EVENT_NAMES,
    AccountPosition,
    BalanceUpdate,
    ErrorBody,
    EventEnvelope,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    ListStatusEvent,
    ServerShutdown,
    UserEvent,
    WsApiFrame,
)
from binance_connector.signing import UnusableSecret, signed_params
from binance_connector.translate import balance_fact, list_fact, order_fact
from binance_connector.ws_frames import RetryData, as_bytes, request_frame
from common.accounts import Credentials
from common.connector.bodies import parse
from common.connector.ports import (
    CloseAndReconnect,
    FactsReceived,
    Frame,
    Reply,
    Send,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame

ANSWER_WITHIN_MS = 10_000
RETRY_AFTER_MS = 5_000
MAX_HELD = 1_000

ALREADY_SUBSCRIBED = -2035
IDS_EXHAUSTED = -2042
_KEY_REFUSED = {-1002, -1022, -2008, -2014, -2015}


class SubscriptionResult(msgspec.Struct, frozen=True, rename="camel"):
    subscription_id: int


class _Account:
    """One account on this socket: subscribed, asking, or waiting to ask again."""

    __slots__ = ("asked_ms", "credentials", "request_id", "retry_at_ms", "subscription_id")

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.subscription_id: int | None = None
        self.request_id: str | None = None
        self.asked_ms = 0
        self.retry_at_ms: int | None = None


class UserDataStream:
    """Implements the kit's PrivateStream for Binance."""

    def __init__(self, url: str, recv_window_ms: int) -> None:
        self._url = url
        self._recv_window_ms = recv_window_ms
        self._accounts: dict[str, _Account] = {}
        self._by_subscription: dict[int, str] = {}
        self._by_request: dict[str, str] = {}
        self._ended: set[int] = set()
        self._held: deque[tuple[int, UserEvent, Frame]] = deque(maxlen=MAX_HELD)
        self._next_id = 1
        self._open = False

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """The WebSocket API; what it carries is decided by subscriptions."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe every account that was added before."""
        self._open = True
        return [event for account_id in self._accounts for event in self._subscribe(account_id, now_ms)]

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def add(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        """Stream this account; a renewed lease only replaces the credentials."""
        known = self._accounts.get(credentials.account_id)
        if known is not None:
            known.credentials = credentials
            if known.subscription_id is not None or known.request_id is not None:
                return []
        else:
            self._accounts[credentials.account_id] = _Account(credentials)
        return self._subscribe(credentials.account_id, now_ms) if self._open else []

    def remove(self, account_id: str, now_ms: int) -> StreamEvents:
        """Stop streaming the account and forget its key."""
        account = self._accounts.pop(account_id, None)
        if account is None:
            return []
        self._by_request.pop(account.request_id or "", None)
        return [] if account.subscription_id is None else self._unsubscribe(account.subscription_id)

    def on_time(self, now_ms: int) -> StreamEvents:
        """Subscribe again where the answer never came, or where it is time after a loss."""
        events: StreamEvents = []
        for account_id, account in self._accounts.items():
            if account.request_id is not None and now_ms - account.asked_ms > ANSWER_WITHIN_MS:
                # The first request may have arrived after all; a fresh connection is the one sure state.
                return [CloseAndReconnect("a subscription was never answered")]
            if account.retry_at_ms is not None and now_ms >= account.retry_at_ms:
                events += self._subscribe(account_id, now_ms)
        return events

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """An event of a subscription, or the answer to one of our requests."""
        try:
            frame = parse(as_bytes(raw), WsApiFrame)
        except UnreadableFrame as error:
            return self._unreadable(raw, error.reason)
        if frame.event is not None:
            return self._on_event(frame.subscription_id, frame.event, raw, now_ms)
        if frame.status is None:
            return [Unreadable(as_bytes(raw), "neither an event nor an answer")]
        return self._on_answer(frame, raw, now_ms)

    def _on_event(self, subscription_id: int | None, event: UserEvent, raw: Frame, now_ms: int) -> StreamEvents:
        if isinstance(event, ServerShutdown):  # It belongs to the connection, so it names no subscription.
            return [CloseAndReconnect("the exchange announced a restart", planned=True)]
        if subscription_id is None:
            return [Unreadable(as_bytes(raw), "an event without a subscription")]
        account_id = self._by_subscription.get(subscription_id)
        if account_id is None:
            if subscription_id not in self._ended and self._by_request:
                # Events may overtake the answer that says whose they are.
                self._held.append((subscription_id, event, raw))
                return []
            return [] if subscription_id in self._ended else [Unreadable(as_bytes(raw), "an unknown subscription")]
        return self._told(account_id, event, raw, now_ms)

    def _told(self, account_id: str, event: UserEvent, raw: Frame, now_ms: int) -> StreamEvents:
        try:
            match event:
                case ExecutionReport():
                    return [FactsReceived(account_id, orders=(order_fact(event, account_id, now_ms),))]
                case ListStatusEvent():
                    return [FactsReceived(account_id, orders=(list_fact(event, account_id, now_ms),))]
                case AccountPosition() | BalanceUpdate() | ExternalLockUpdate():
                    return [FactsReceived(account_id, balances=(balance_fact(event, account_id, now_ms),))]
                case EventStreamTerminated():
                    return self._lost(account_id, "the exchange ended the subscription", now_ms, 0)
                case ServerShutdown():
                    return [CloseAndReconnect("the exchange announced a restart", planned=True)]
        except UnreadableFrame as error:
            return [Unreadable(as_bytes(raw), error.reason, account_id)]

    def _on_answer(self, frame: WsApiFrame, raw: Frame, now_ms: int) -> StreamEvents:
        account_id = self._by_request.pop(str(frame.id), None)
        account = self._accounts.get(account_id or "")
        if account_id is None or account is None:
            return self._on_stray_answer(frame, raw)
        account.request_id = None
        try:
            if frame.status == 200:
                return self._subscribed(account_id, parse(bytes(frame.result), SubscriptionResult), now_ms)
            return self._refused(account_id, parse(bytes(frame.error), ErrorBody), now_ms)
        except UnreadableFrame as error:
            return [Unreadable(as_bytes(raw), error.reason, account_id), CloseAndReconnect("an answer nobody can read")]

    def _on_stray_answer(self, frame: WsApiFrame, raw: Frame) -> StreamEvents:
        """Answers to unsubscribing say nothing, unless the account came and went before its subscription was up."""
        if frame.status != 200:
            reason = "an error without a request" if frame.id is None else "an error of a request nobody waits for"
            return [] if str(frame.id).startswith("un-") else [Unreadable(as_bytes(raw), reason)]
        try:
            subscription_id = parse(bytes(frame.result), SubscriptionResult).subscription_id
        except UnreadableFrame:
            return []
        return self._unsubscribe(subscription_id)

    def _subscribed(self, account_id: str, result: SubscriptionResult, now_ms: int) -> StreamEvents:
        subscription_id = result.subscription_id
        self._accounts[account_id].subscription_id = subscription_id
        self._by_subscription[subscription_id] = account_id
        events: StreamEvents = [Subscribed(account_id)]
        held, self._held = self._held, deque(maxlen=MAX_HELD)
        for owner, event, raw in held:
            events += self._on_event(owner, event, raw, now_ms)
        return events

    def _refused(self, account_id: str, error: ErrorBody, now_ms: int) -> StreamEvents:
        reason = f"{error.code}: {error.msg}"
        if error.code == IDS_EXHAUSTED:
            return [CloseAndReconnect(reason, planned=True)]
        if error.code in _KEY_REFUSED:
            return [SubscriptionLost(account_id, reason, retryable=False)]
        if error.code == ALREADY_SUBSCRIBED:
            # Another account here holds a key of the same exchange account; that one's facts keep arriving.
            return [SubscriptionLost(account_id, reason, retryable=False)]
        return self._lost(account_id, reason, now_ms, _retry_after_ms(error))

    def _lost(self, account_id: str, reason: str, now_ms: int, retry_after_ms: int) -> StreamEvents:
        account = self._accounts[account_id]
        if account.subscription_id is not None:
            self._by_subscription.pop(account.subscription_id, None)
            self._ended.add(account.subscription_id)
            account.subscription_id = None
        account.retry_at_ms = now_ms + retry_after_ms
        return [SubscriptionLost(account_id, reason, retryable=True)]

    def _subscribe(self, account_id: str, now_ms: int) -> StreamEvents:
        account = self._accounts[account_id]
        account.request_id, account.asked_ms, account.retry_at_ms = f"sub-{self._next_id}", now_ms, None
        self._next_id += 1
        try:
            params = signed_params({"recvWindow": self._recv_window_ms}, account.credentials, now_ms)
        except UnusableSecret as error:
            account.request_id = None
            return [SubscriptionLost(account_id, str(error), retryable=False)]
        self._by_request[account.request_id] = account_id
        return [Send(request_frame(account.request_id, "userDataStream.subscribe.signature", params))]

    def _unsubscribe(self, subscription_id: int) -> StreamEvents:
        self._by_subscription.pop(subscription_id, None)
        self._ended.add(subscription_id)
        request_id = f"un-{self._next_id}"
        self._next_id += 1
        return [Send(request_frame(request_id, "userDataStream.unsubscribe", {"subscriptionId": subscription_id}))]

    def _unreadable(self, raw: Frame, reason: str) -> StreamEvents:
        """Event types we do not know are none of our business; a broken one we know is read about over REST."""
        try:
            envelope = parse(as_bytes(raw), EventEnvelope)
        except UnreadableFrame:
            return [Unreadable(as_bytes(raw), reason)]
        if envelope.event.e not in USER_EVENT_NAMES:
            return []
        account_id = self._by_subscription.get(envelope.subscription_id if envelope.subscription_id is not None else -1)
        return [Unreadable(as_bytes(raw), reason, account_id)]


def _retry_after_ms(error: ErrorBody) -> int:
    try:
        data = msgspec.convert(error.data, RetryData)
    except msgspec.ValidationError:
        return RETRY_AFTER_MS
    return max(data.wait_ms, RETRY_AFTER_MS)
