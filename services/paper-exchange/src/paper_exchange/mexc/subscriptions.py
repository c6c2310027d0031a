"""Text frames of a client: SUBSCRIPTION, UNSUBSCRIPTION and PING (section 10)."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from paper_exchange.mexc.channels import read_channel
from paper_exchange.mexc.pushes import CHANNELS
from paper_exchange.mexc.streams import Listener, Streams


@dataclass(slots=True, eq=False)
class Session:
    """One connection: who it is for (None: public channels only), and what it has subscribed to."""

    listener: Listener
    uid: int | None = None
    listen_key: str = ""
    channels: set[str] = field(default_factory=set)

    def hears(self, kind: str) -> bool:
        """Whether private pushes of this kind go here; the key alone delivers nothing (section 9)."""
        return f"spot@private.{kind}.v3.api.pb" in self.channels


def answer(session: Session, streams: Streams, text: str, most: int) -> bytes:
    """Act on one text frame; answers its answer, whose code is 0 whether or not it was done."""
    try:
        asked = orjson.loads(text)
        method, names, number = str(asked["method"]).upper(), asked.get("params") or [], asked.get("id") or 0
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return _reply(0, "Invalid message")
    if not isinstance(number, int) or not isinstance(names, list):
        return _reply(0, "Invalid message")
    match method:
        case "PING":
            return _reply(number, "PONG")
        case "SUBSCRIPTION":
            return _reply(number, ",".join(_subscribe(session, streams, str(name), most) for name in names))
        case "UNSUBSCRIPTION":
            for name in names:
                leave(session, streams, str(name))
            return _reply(number, ",".join(map(str, names)))
    return _reply(number, "Invalid message")


def _reply(number: int, msg: str) -> bytes:
    body: dict[str, Any] = {"id": number, "code": 0, "msg": msg}
    return orjson.dumps(body)


def _subscribe(session: Session, streams: Streams, name: str, most: int) -> str:
    """The name when it worked, else a sentence with a full-width colon."""
    channel = read_channel(name)
    is_private = name in CHANNELS and session.uid is not None
    is_public = channel is not None and streams.knows(channel)
    if not (is_private or is_public) or (name not in session.channels and len(session.channels) >= most):
        return f"Not Subscribed successfully! [{name}].  Reason： Blocked!"
    session.channels.add(name)
    if channel is not None:
        streams.subscribe(session.listener, channel)
    return name


def leave(session: Session, streams: Streams, name: str) -> None:
    """End one subscription."""
    session.channels.discard(name)
    streams.unsubscribe(session.listener, name)
