"""The WebSocket's own language: subscriptions, pings, and who may follow what (section 13)."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import orjson

from paper_exchange.gateio import signing
from paper_exchange.gateio.errors import ApiError, expired
from paper_exchange.gateio.frames import ANY
from paper_exchange.gateio.keys import ApiKey
from paper_exchange.gateio.private import CHANNELS, Private
from paper_exchange.gateio.sayings import Listener
from paper_exchange.gateio.streams import BadTopic, Streams
from paper_exchange.gateio.venue import Venue

Json = dict[str, Any]
_BAD_FORMAT, _BAD_ARGUMENT, _BAD_AUTH = 1, 2, 4


@dataclass(eq=False, slots=True)
class Session:
    """One connection; `key` is set once it has logged in to the order API."""

    listener: Listener
    address: str
    key: ApiKey | None = None
    conn_id: str = field(default_factory=lambda: secrets.token_hex(8))


class BadFrame(Exception):
    """What a client sent cannot be done; `code` is the protocol's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def read_frame(text: str | bytes) -> Json:
    """The JSON object of a frame. Raises: BadFrame."""
    try:
        asked = orjson.loads(text)
    except orjson.JSONDecodeError:
        asked = None
    if not isinstance(asked, dict):
        raise BadFrame(_BAD_FORMAT, "invalid message")
    return asked


def refuse_frame(error: BadFrame, now_ms: int) -> bytes:
    """The answer to what is no frame at all."""
    body = {"code": error.code, "message": error.message}
    return orjson.dumps(_stamp(now_ms) | {"channel": "", "event": "", "error": body, "result": {"status": "fail"}})


def _stamp(now_ms: int) -> Json:
    return {"time": now_ms // 1000, "time_ms": now_ms}


class Subscribing:
    """Answers everything but the order API."""

    def __init__(self, venue: Venue, streams: Streams, private: Private[Session]) -> None:
        self._venue, self._streams, self._private = venue, streams, private

    def answer(self, session: Session, asked: Json, now_ms: int) -> bytes:
        """Act on one frame; answers its answer."""
        channel = str(asked.get("channel", ""))
        if channel == "spot.ping":
            return orjson.dumps(_stamp(now_ms) | {"channel": "spot.pong", "event": "", "error": None, "result": None})
        body: Json = _stamp(now_ms)
        if isinstance(asked.get("id"), int):
            body["id"] = asked["id"]
        body |= {"conn_id": session.conn_id, "trace_id": secrets.token_hex(16)}
        body |= {"channel": channel, "event": asked.get("event", ""), "payload": asked.get("payload") or []}
        try:
            self._act(session, channel, asked, now_ms)
        except BadFrame as error:
            body["error"] = {"code": error.code, "message": error.message}
            body["result"] = None if error.code == _BAD_AUTH else {"status": "fail"}
        else:
            body["result"] = {"status": "success"}
        return orjson.dumps(body)

    def _act(self, session: Session, channel: str, asked: Json, now_ms: int) -> None:
        event, payload = asked.get("event"), asked.get("payload") or []
        if event not in {"subscribe", "unsubscribe"} or not isinstance(payload, list):
            raise BadFrame(_BAD_FORMAT, "invalid event or payload")
        if channel in CHANNELS:
            self._follow(session, channel, str(event), asked, now_ms)
        elif self._streams.knows(channel):
            act = self._streams.subscribe if event == "subscribe" else self._streams.unsubscribe
            try:
                act(session.listener, channel, payload)
            except BadTopic as error:
                raise BadFrame(_BAD_ARGUMENT, str(error)) from None
        else:
            raise BadFrame(_BAD_ARGUMENT, f"unknown channel {channel}")

    def _follow(self, session: Session, channel: str, event: str, asked: Json, now_ms: int) -> None:
        """Private channels are signed per frame, so one connection may follow many accounts."""
        try:
            key = self._key(session, channel, event, asked, now_ms)
        except ApiError as error:
            raise BadFrame(_BAD_AUTH, orjson.dumps(error.body()).decode() + "\n") from None
        pairs = [ANY] if channel == "spot.balances" else list(map(str, asked.get("payload") or []))
        if not pairs:
            raise BadFrame(_BAD_ARGUMENT, "payload is empty")
        for pair in pairs:
            if pair != ANY and pair not in self._venue.symbols:
                raise BadFrame(_BAD_ARGUMENT, f"unknown currency pair {pair}")
        act = self._private.add if event == "subscribe" else self._private.remove
        act(session, channel, key.uid, pairs)

    def _key(self, session: Session, channel: str, event: str, asked: Json, now_ms: int) -> ApiKey:
        auth, time_s = asked.get("auth"), asked.get("time")
        if not isinstance(auth, dict) or auth.get("method") != "api_key":
            raise ApiError("INVALID_CREDENTIALS", "auth is missing")
        key = self._venue.keys.find(str(auth.get("KEY", "")), session.address)
        if not isinstance(time_s, int):
            raise expired()
        signing.check_time(str(time_s), now_ms)
        signing.check_signature(key.secret, signing.channel_payload(channel, event, time_s), str(auth.get("SIGN", "")))
        key.check_right("spot", writes=False)
        return key
