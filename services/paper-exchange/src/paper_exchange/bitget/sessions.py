"""What a connection may say and what it hears back: login and subscriptions (section 11)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from paper_exchange.bitget import pushes, signing
from paper_exchange.bitget.errors import ApiError
from paper_exchange.bitget.keys import CLOCK_WINDOW_MS, ApiKey
from paper_exchange.bitget.markets import Listener, MarketChannels
from paper_exchange.bitget.pushes import Push, Pushes
from paper_exchange.bitget.venue import Venue
from paper_exchange.windows import Window

Json = dict[str, Any]
MESSAGES_PER_SECOND = 10
PRIVATE = {
    2: frozenset({"orders", "fill", "orders-algo", "account"}),
    3: frozenset({"order", "fill", "strategy-order", "account"}),
}


class Closing(Exception):
    """The connection is over; `frame` is the last word."""

    def __init__(self, frame: bytes) -> None:
        super().__init__(frame.decode())
        self.frame = frame


@dataclass(slots=True, eq=False)
class Session:
    """One connection: of v2 or v3, and perhaps an account's. `topics` are its private channels, each with an arg."""

    version: int
    push: Callable[[bytes], None]
    key: ApiKey | None = None
    topics: dict[tuple[str, str], Json] = field(default_factory=dict)
    messages: Window = field(default_factory=lambda: Window(1000))

    @property
    def is_uta(self) -> bool:
        """Whether it speaks v3."""
        return self.version == 3

    def arg_for(self, told: Push) -> Json | None:
        """The argument under which this connection wants a push, or None."""
        return self.topics.get((told.channel, "default")) or self.topics.get((told.channel, told.symbol))


class Sessions:
    """The protocol of every connection of one face."""

    def __init__(self, venue: Venue, markets: MarketChannels, rows: Pushes) -> None:
        self._venue, self._markets, self._rows = venue, markets, rows

    def hear(self, session: Session, text: str, listener: Listener, now_ms: int) -> None:
        """Answer one text frame. Raises: Closing when the connection ends by it."""
        if session.messages.count(now_ms) >= MESSAGES_PER_SECOND * self._venue.limit_scale:
            raise Closing(_error("30007", "request over limit, connection close"))
        session.messages.add(1, now_ms)
        if text == "ping":
            session.push(b"pong")
            return
        op, args = _read(text)
        if not args:
            session.push(_error("30002", "Illegal request"))
        elif op == "login":
            self._log_in(session, args[0], now_ms)
        elif op in {"subscribe", "unsubscribe"}:
            for arg in args:
                self._change(session, op, arg, listener, now_ms)
        else:
            session.push(_error("30003", "Invalid op"))

    # -- login ----------------------------------------------------------------------------------------------------

    def _log_in(self, session: Session, arg: Json, now_ms: int) -> None:
        """Timestamps of ten digits (seconds) and of thirteen (ms) are accepted, signed as received (section 2)."""
        try:
            session.key = self._check(session, arg, now_ms)
        except ApiError as error:
            raise Closing(_error(error.code, error.msg)) from None
        session.push(orjson.dumps({"event": "login", "code": "0", "msg": ""}))

    def _check(self, session: Session, arg: Json, now_ms: int) -> ApiKey:
        key, timestamp = self._venue.keys.usable(str(arg.get("apiKey"))), str(arg.get("timestamp"))
        if key is None:
            raise ApiError("30011", "Invalid ACCESS_KEY")
        if arg.get("passphrase") != key.passphrase:
            raise ApiError("30012", "Invalid ACCESS_PASSPHRASE")
        if not timestamp.isdigit() or len(timestamp) not in {10, 13}:
            raise ApiError("30013", "Invalid ACCESS_TIMESTAMP")
        sent_ms = int(timestamp) * (1000 if len(timestamp) == 10 else 1)
        if abs(now_ms - sent_ms) > CLOCK_WINDOW_MS:
            raise ApiError("30014", "Request timestamp expired")
        if not signing.fits(key.secret, timestamp + signing.LOGIN_PATH, str(arg.get("sign"))):
            raise ApiError("30015", "Invalid sign")
        if (key.kind == "uta") != session.is_uta:
            raise ApiError("30005", "login failed: the account is of the other kind")
        return key

    # -- subscriptions --------------------------------------------------------------------------------------------

    def _change(self, session: Session, op: str, arg: Json, listener: Listener, now_ms: int) -> None:
        topic = self._markets.topic(arg, session.version)
        private = None if topic is not None else self._private(session, arg)
        if topic is None and private is None:
            session.push(_unknown(session, op, arg))
            return
        if private is not None and session.key is None:
            session.push(_error("30004", "User needs to log in", arg, op))
            return
        session.push(orjson.dumps({"event": op, "arg": arg}))
        if topic is not None:
            if op == "subscribe":
                self._markets.subscribe(listener, topic, arg, now_ms)
            else:
                self._markets.unsubscribe(listener, topic)
        elif private is not None and op == "subscribe":
            session.topics[private] = arg
            self._show(session, private[0], arg, now_ms)
        elif private is not None:
            session.topics.pop(private, None)

    def _private(self, session: Session, arg: Json) -> tuple[str, str] | None:
        """(channel, symbol or `default`) of a private channel; None when there is no such thing."""
        channel = str(arg.get("topic" if session.is_uta else "channel"))
        if channel not in PRIVATE[session.version]:
            return None
        if session.is_uta:
            return (channel, "default") if arg.get("instType") == "UTA" else None
        if arg.get("instType") != "SPOT":
            return None
        symbol = str(arg.get("coin" if channel == "account" else "instId") or "default")
        is_known = symbol == "default" or symbol in self._venue.exchange.markets
        return (channel, symbol if channel != "account" else "default") if is_known or channel == "account" else None

    def _show(self, session: Session, channel: str, arg: Json, now_ms: int) -> None:
        """Balances begin with a snapshot; orders and fills do not, and pending plans only if a switch says so."""
        assert session.key is not None
        uid, rows = session.key.uid, []
        if channel == "account":
            rows = pushes.all_balances(self._venue.exchange.ledger.accounts[uid], is_uta=session.is_uta)
        elif channel == "orders-algo" and self._venue.switches.algo_snapshot:
            rows = [self._rows.plan(trigger) for trigger in self._venue.exchange.armed(uid)]
        elif channel == "strategy-order" and self._venue.switches.algo_snapshot:
            firsts = [t for t in self._venue.exchange.armed(uid) if t is t.group.members[0]]
            rows = [self._rows.strategy(trigger.group.members) for trigger in firsts]
        if rows:
            session.push(frame(arg, rows, now_ms))


def _read(text: str) -> tuple[str, list[Json]]:
    """(op, args) of a frame; no args when it is not what a frame must be."""
    try:
        asked = orjson.loads(text)
    except orjson.JSONDecodeError:
        return "", []
    args = asked.get("args") if isinstance(asked, dict) else None
    if not isinstance(args, list) or not all(isinstance(arg, dict) for arg in args):
        return "", []
    return str(asked.get("op")), args


def frame(arg: Json, rows: list[Json], now_ms: int) -> bytes:
    """A push on a private channel, where `action` means nothing."""
    return orjson.dumps({"action": "snapshot", "arg": arg, "data": rows, "ts": now_ms})


def _error(code: str, msg: str, arg: Json | None = None, op: str | None = None) -> bytes:
    body: Json = {"event": "error", "code": int(code), "msg": msg}
    if arg is not None:
        body |= {"arg": arg, "op": op}
    return orjson.dumps(body)


def _unknown(session: Session, op: str, arg: Json) -> bytes:
    names = ("instType", "topic", "symbol") if session.is_uta else ("instType", "channel", "instId")
    named = ",".join(f"{name}:{arg.get(name)}" for name in names)
    return _error("30001", f"{named} doesn't exist", arg, op)
