"""The WebSocket API of one connection: requests, session, and user data subscriptions (section 7)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import orjson

from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError, bad_key
from paper_exchange.binance.face import BinanceFace
from paper_exchange.binance.keys import ApiKey
from paper_exchange.binance.params import from_json
from paper_exchange.binance.routes import WS, Route

Json = dict[str, Any]
_SESSION_WEIGHT = 2
MOST_SUBSCRIPTIONS, MOST_SUBSCRIPTION_IDS = 1000, 65535
_TERMINATED = "eventStreamTerminated"


@dataclass(frozen=True, slots=True)
class WsRequest:
    """One parsed request; `params` as the text that was signed."""

    id: Any
    method: str
    params: dict[str, str]


@dataclass(slots=True)
class Subscription:
    """One account's events on one connection; `by_session` ends with the session."""

    id: int
    key: ApiKey
    by_session: bool


@dataclass(slots=True, eq=False)
class Session:
    """What the server remembers of one connection."""

    address: str
    connected_ms: int
    returns_limits: bool = True
    key: ApiKey | None = None
    authorized_ms: int | None = None
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    last_subscription_id: int = -1


def parse(frame: str | bytes) -> WsRequest:
    """Read one request frame. Raises: ApiError -1135 when it is none."""
    try:
        request = orjson.loads(frame)
        params = from_json(request.get("params") or {})
        return WsRequest(request.get("id"), str(request["method"]).removeprefix("v3/"), params)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise ApiError(-1135, "Invalid JSON Request") from None


class WsApi:
    """Answers requests, and says which subscriptions want an account's events."""

    def __init__(self, face: BinanceFace, on_terminated: Callable[[Session, int, bytes], None]) -> None:
        self._face = face
        self._on_terminated = on_terminated
        self._listening: dict[int, dict[tuple[Session, int], None]] = {}
        self._methods: dict[str, Callable[[Session, WsRequest, int], Any]] = {
            "session.logon": self._logon,
            "session.status": lambda session, _, now_ms: self._status(session, now_ms),
            "session.logout": self._logout,
            "session.subscriptions": lambda session, *_: [{"subscriptionId": s} for s in session.subscriptions],
            "userDataStream.subscribe": self._subscribe_by_session,
            "userDataStream.subscribe.signature": self._subscribe_by_signature,
            "userDataStream.unsubscribe": self._unsubscribe,
        }

    def subscribers(self, uid: int) -> Collection[tuple[Session, int]]:
        """(session, subscription id) of everybody who listens to this account."""
        return self._listening.get(uid, ())

    def answer(self, session: Session, request: WsRequest, now_ms: int) -> bytes:
        """Answer one request."""
        call, route = None, WS.get(request.method)
        body: Json = {"id": request.id, "status": 200}
        returns_limits = _flag(request.params.get("returnRateLimits"), session.returns_limits)
        try:
            if session.key is not None and session.key.is_revoked:
                session.key, body["id"] = None, None  # an error with id null says that the session died
                raise bad_key()
            if route is not None:
                call = self._face.ws_call(route, request.params, session.key, session.address, now_ms)
                body["result"] = self._face.run(route, call, session.address)
            else:
                body["result"] = self._session_call(session, request, now_ms)
        except ApiError as error:
            body["status"], body["error"] = error.status, error.body()
            if error.retry_after_ms:
                body["error"]["data"] = {"serverTime": now_ms, "retryAfter": now_ms + error.retry_after_ms}
        if returns_limits:
            body["rateLimits"] = self._limits(session, route, call, now_ms)
        return orjson.dumps(body)

    def refuse(self, error: ApiError) -> bytes:
        """The answer to a frame that is no request."""
        return orjson.dumps({"id": None, "status": error.status, "error": error.body()})

    def _limits(self, session: Session, route: Route | None, call: Call | None, now_ms: int) -> list[Json]:
        rows: list[Json] = []
        if call is not None and route is not None and route.security == "TRADE" and call.orders_placed:
            rows = self._face.meter.order_table(call.signer.uid, now_ms)
        return [*rows, self._face.meter.weight_row(session.address, now_ms)]

    def _session_call(self, session: Session, request: WsRequest, now_ms: int) -> Any:
        method = self._methods.get(request.method)
        if method is None:
            raise ApiError(-1020, "This operation is not supported.")
        self._face.meter.spend(session.address, _SESSION_WEIGHT, now_ms)
        return method(session, request, now_ms)

    # -- session --------------------------------------------------------------------------------------------------

    def _logon(self, session: Session, request: WsRequest, now_ms: int) -> Json:
        key = self._face.ws_key(request.params, None, now_ms)
        if not key.can_log_on:
            raise ApiError(-4056, "HMAC_SHA256 API key is not supported.")
        session.key, session.authorized_ms = key, now_ms
        return self._status(session, now_ms)

    def _status(self, session: Session, now_ms: int) -> Json:
        return {
            "apiKey": session.key.api_key if session.key is not None else None,
            "authorizedSince": session.authorized_ms if session.key is not None else None,
            "connectedSince": session.connected_ms,
            "returnRateLimits": session.returns_limits,
            "serverTime": now_ms,
            "userDataStream": any(subscription.by_session for subscription in session.subscriptions.values()),
        }

    def _logout(self, session: Session, _: WsRequest, now_ms: int) -> Json:
        for subscription in [s for s in session.subscriptions.values() if s.by_session]:
            self._end(session, subscription, now_ms)
        session.key = session.authorized_ms = None
        return self._status(session, now_ms)

    # -- user data ------------------------------------------------------------------------------------------------

    def _subscribe_by_session(self, session: Session, _: WsRequest, _now_ms: int) -> Json:
        if session.key is None:
            raise bad_key()
        return self._subscribe(session, session.key, by_session=True)

    def _subscribe_by_signature(self, session: Session, request: WsRequest, now_ms: int) -> Json:
        return self._subscribe(session, self._face.ws_key(request.params, None, now_ms), by_session=False)

    def _subscribe(self, session: Session, key: ApiKey, *, by_session: bool) -> Json:
        active = session.subscriptions.values()
        if any(subscription.key.uid == key.uid for subscription in active):
            raise ApiError(-2035, "User Data Stream subscription already active.")
        if len(active) >= MOST_SUBSCRIPTIONS or session.last_subscription_id + 1 >= MOST_SUBSCRIPTION_IDS:
            raise ApiError(-2042, "All User Data Stream subscription IDs have been used.")
        session.last_subscription_id += 1
        subscription = Subscription(session.last_subscription_id, key, by_session)
        session.subscriptions[subscription.id] = subscription
        self._listening.setdefault(key.uid, {})[session, subscription.id] = None
        return {"subscriptionId": subscription.id}

    def _unsubscribe(self, session: Session, request: WsRequest, now_ms: int) -> Json:
        wanted = request.params.get("subscriptionId")
        if wanted is None:
            ending = list(session.subscriptions.values())
        else:
            found = session.subscriptions.get(int(wanted)) if wanted.isdigit() else None
            ending = [found] if found is not None else []
        if not ending:
            raise ApiError(-2036, "User Data Stream subscription not active.")
        for subscription in ending:
            self._end(session, subscription, now_ms)
        return {}

    def _end(self, session: Session, subscription: Subscription, now_ms: int) -> None:
        self._forget(session, subscription)
        self._on_terminated(session, subscription.id, orjson.dumps({"e": _TERMINATED, "E": now_ms}))

    def _forget(self, session: Session, subscription: Subscription) -> None:
        session.subscriptions.pop(subscription.id, None)
        listening = self._listening.get(subscription.key.uid, {})
        listening.pop((session, subscription.id), None)
        if not listening:
            self._listening.pop(subscription.key.uid, None)

    def close(self, session: Session) -> None:
        """The connection is gone, and its subscriptions with it."""
        for subscription in list(session.subscriptions.values()):
            self._forget(session, subscription)

    def end_account(self, uid: int, now_ms: int) -> None:
        """The account's key was revoked: its streams end."""
        for session, subscription_id in list(self.subscribers(uid)):
            self._end(session, session.subscriptions[subscription_id], now_ms)


def _flag(text: str | None, default: bool) -> bool:
    return default if text is None else text == "true"


def envelope(subscription_id: int, event: bytes) -> bytes:
    """One user data event as it goes over the wire."""
    return b'{"subscriptionId":%d,"event":%b}' % (subscription_id, event)
