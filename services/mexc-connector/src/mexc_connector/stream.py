"""The private stream: one account, one socket, whose URL holds a listen key that REST gives.

A key lives 60 minutes and is extended every 30. That it is lost is not announced: the stream only falls silent, so a
silent one has its key proven once a minute. Nothing is replayed; who reconnects reads over REST what was missed.
"""

from collections import OrderedDict

import msgspec

from common.accounts import Credentials
from common.connector.bodies import parse
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    Frame,
    HttpRequest,
    Rejected,
    Reply,
    Send,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unknown,
    Unreadable,
)
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderFact
from mexc_connector import control, queries
from mexc_connector.frames import ListenKeyBody
from mexc_connector.replies import BANNED, FORBIDDEN, TOO_MANY_REQUESTS, refusal
from mexc_connector.told import ToldTrades
from mexc_connector.translate import ACCOUNT, DEALS, ORDERS, balance_fact, fill_fact, order_fact, read_push

CHANNELS = (
    "spot@private.orders.v3.api.pb",
    "spot@private.deals.v3.api.pb",
    "spot@private.account.v3.api.pb",
)
KEEP_ALIVE_MS = 30 * 60_000
DEFAULT_PROVE_SILENT_MS = 60_000
ASK_AGAIN_MS = 10_000
MAX_NAMES = 10_000

_SUBSCRIBE_ID = 1
_NEW, _REUSE, _KEEP = "new-key", "reuse-key", "keep-key"
_LATER = {TOO_MANY_REQUESTS, BANNED, FORBIDDEN}

ListenKeys = dict[str, str]
"""The last key of every account: the next connection of the same account uses it again while it lives."""


class UserDataStream:
    """Implements the kit's PrivateStream for MEXC; carries one account."""

    def __init__(
        self, url: str, listen_keys: ListenKeys, told: ToldTrades, *, prove_silent_ms: int = DEFAULT_PROVE_SILENT_MS
    ) -> None:
        self._url = url
        self._listen_keys = listen_keys
        self._told = told
        self._prove_silent_ms = prove_silent_ms
        self._credentials: Credentials | None = None
        self._prepared = False
        self._usable = False
        self._asked_ms: int | None = None
        self._opened_ms = 0
        self._subscribed = False
        self._kept_ms = 0
        self._heard_ms = 0
        self._heartbeat = control.Heartbeat()
        self._names: OrderedDict[str, str] = OrderedDict()
        """Client ids by exchange id: a deal may leave its order's out."""

    # --- the listen key ---------------------------------------------------------------------------------------------

    def prepare(self, now_ms: int) -> StreamEvents:
        """Ask for a key, or whether the last one still lives."""
        self._prepared = True
        return self._ask_for_key(now_ms)

    def url(self) -> str | None:
        """The socket of the listen key; None until there is one."""
        key = self._listen_keys.get(self._account_id or "")
        return f"{self._url}?listenKey={key}" if self._usable and key is not None else None

    def add(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        """The account of this socket; a renewed lease only replaces the credentials."""
        known = self._account_id
        self._credentials = credentials
        return self._ask_for_key(now_ms) if self._prepared and known is None else []

    def remove(self, account_id: str, now_ms: int) -> StreamEvents:
        """Forget the account; its key expires by itself."""
        if account_id == self._account_id:
            self._credentials = None
        return []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """A key, the proof that one lives, or a refusal."""
        account_id, self._asked_ms = self._account_id, None
        if account_id is None:
            return []
        refused = reply if isinstance(reply, Unknown) else refusal(reply)
        if refused is None:
            return self._key_told(account_id, request_id, reply, now_ms)
        return self._key_refused(account_id, request_id, reply, refused, now_ms)

    def _key_refused(
        self, account_id: str, request_id: str, reply: Reply | Unknown, refused: Rejected | Unknown, now_ms: int
    ) -> StreamEvents:
        reason = f"listen key: {refused.code} {refused.reason}"
        category = refused.category if isinstance(refused, Rejected) else None
        if category is ErrorCategory.CLOCK:
            return [SubscriptionLost(account_id, reason, retryable=True), CloseAndReconnect(reason)]
        # What refuses to extend a key says that there is no such key; a time-out or a limit says nothing of it.
        says_no = isinstance(reply, Reply) and reply.status < 500 and reply.status not in _LATER
        if says_no and request_id != _NEW:
            self._listen_keys.pop(account_id, None)
            return self._ask_for_key(now_ms) if request_id == _REUSE else [CloseAndReconnect("the listen key is lost")]
        if request_id == _KEEP:
            self._asked_ms = now_ms  # Asked again after a pause; meanwhile the socket may well be alive.
            return []
        if category in {ErrorCategory.AUTH, ErrorCategory.PERMISSION}:
            return [SubscriptionLost(account_id, reason, retryable=False), CloseAndReconnect(reason)]
        return [CloseAndReconnect(reason)]

    def _key_told(self, account_id: str, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        assert isinstance(reply, Reply), "Unknown is a refusal"
        if request_id == _NEW:
            try:
                self._listen_keys[account_id] = parse(reply.body, ListenKeyBody).listen_key
            except UnreadableFrame as error:
                return [CloseAndReconnect(f"listen key: {error.reason}")]
        self._usable, self._kept_ms = True, now_ms
        return []

    def _ask_for_key(self, now_ms: int) -> StreamEvents:
        if self._account_id is None:
            return []
        known = self._listen_keys.get(self._account_id)
        if known is None:
            return self._ask(_NEW, queries.new_listen_key(), now_ms)
        return self._ask(_REUSE, queries.extend_listen_key(known), now_ms)

    def _ask(self, request_id: str, request: HttpRequest, now_ms: int) -> StreamEvents:
        assert self._account_id is not None, "a key belongs to an account"
        self._asked_ms = now_ms
        return [Ask(request_id, self._account_id, request)]

    # --- the socket -------------------------------------------------------------------------------------------------

    def on_open(self, now_ms: int) -> StreamEvents:
        """The key alone delivers nothing: subscribe."""
        self._heartbeat.opened(now_ms)
        self._opened_ms = self._heard_ms = now_ms
        return [Send(control.request_frame(control.SUBSCRIPTION, CHANNELS, _SUBSCRIBE_ID))]

    def on_time(self, now_ms: int) -> StreamEvents:
        """Ping; keep the key alive; prove it when nothing was heard; give up on what is never answered."""
        if self._heartbeat.lost(now_ms):
            return [CloseAndReconnect("a ping was never answered")]
        if not self._subscribed and now_ms - self._opened_ms > control.ANSWER_WITHIN_MS:
            return [CloseAndReconnect("a subscription was never answered")]
        events: StreamEvents = [Send(control.PING)] if self._heartbeat.due(now_ms) else []
        return events + self._keep_alive(now_ms)

    def _keep_alive(self, now_ms: int) -> StreamEvents:
        key = self._listen_keys.get(self._account_id or "")
        if key is None or (self._asked_ms is not None and now_ms - self._asked_ms < ASK_AGAIN_MS):
            return []
        silent = now_ms - max(self._heard_ms, self._kept_ms) >= self._prove_silent_ms
        if not silent and now_ms - self._kept_ms < KEEP_ALIVE_MS:
            return []
        return self._ask(_KEEP, queries.extend_listen_key(key), now_ms)

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """A push, or the answer to a control frame."""
        try:
            return self._on_control(raw) if control.is_text(raw) else self._on_push(control.as_bytes(raw), now_ms)
        except UnreadableFrame as error:
            return [Unreadable(control.as_bytes(raw), error.reason, self._account_id)]

    def _on_control(self, raw: Frame) -> StreamEvents:
        if control.as_bytes(raw).decode("utf-8", "replace").strip() == control.INVALID_KEY:
            self._listen_keys.pop(self._account_id or "", None)
            return [CloseAndReconnect("the listen key is invalid")]
        answer = control.read_control(raw)
        if answer.msg == control.PONG:
            self._heartbeat.answered()
            return []
        if control.is_refusal(answer):
            return [CloseAndReconnect(f"not subscribed: {answer.msg}")]
        if answer.id != _SUBSCRIBE_ID or self._account_id is None:
            return []
        if missing := control.missing(CHANNELS, answer):
            return [CloseAndReconnect(f"not subscribed: {', '.join(missing)}")]
        self._subscribed = True
        return [Subscribed(self._account_id)]

    def _on_push(self, raw: bytes, now_ms: int) -> StreamEvents:
        push, body = read_push(raw)
        account_id, self._heard_ms = self._account_id, now_ms
        if account_id is None:
            return []
        if body == ACCOUNT:
            return [FactsReceived(account_id, balances=(balance_fact(push, account_id, now_ms),))]
        fact: OrderFact | None = None
        if body == ORDERS:
            fact = order_fact(push, account_id, now_ms)
        elif body == DEALS:
            fact = fill_fact(push, account_id, now_ms)
            self._told.note(fact)
        return [] if fact is None else [FactsReceived(account_id, orders=(self._named(fact),))]

    def _named(self, fact: OrderFact) -> OrderFact:
        exchange_id = fact.exchange_order_id or ""
        if fact.client_order_id is None:
            return msgspec.structs.replace(fact, client_order_id=self._names.get(exchange_id))
        if exchange_id not in self._names:
            self._names[exchange_id] = fact.client_order_id
            if len(self._names) > MAX_NAMES:
                self._names.popitem(last=False)
        return fact

    @property
    def _account_id(self) -> str | None:
        return None if self._credentials is None else self._credentials.account_id
