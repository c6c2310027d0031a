"""The AsyncAPI document of what the gateway tells its frontends, beside the topics behind it."""

from collections.abc import Sequence
from functools import cache
from typing import Final

from common.asyncapi import KAFKA_SERVER, Channel, Json, Message, document, schemas_of, summary_of, topics
from gateway.stream.payloads import CONTROL, EVENTS, Balance, ExitLeg

INFO: Final[Json] = {
    "title": "Crypto Graph Trader: events",
    "version": "1.0.0",
    "description": (
        "Each user's events, numbered by `seq` without a hole: the same numbers on every connection, of every gateway "
        "instance, after every restart. Connect with `since` (the last `seq` you have) and you are sent exactly what "
        "you missed, then what is live. `stream_ready` says that this is so; `resync_required` says that the past is "
        "no longer kept: read the endpoints it names, then apply what follows. An event says how things stand, so one "
        "that is older than what you have does no harm. Amounts are decimal strings, times are milliseconds, absent "
        "is null. Events are kept for users who listen or did so within the retention."
    ),
}
SERVERS: Final[dict[str, Json]] = {
    "websocket": {"host": "localhost:3000", "protocol": "ws", "security": [{"type": "http", "scheme": "bearer"}]},
    "socketio": {
        "host": "localhost:3000",
        "protocol": "socketio",
        "description": "Socket.IO 4 (Engine.IO 4) at /socket.io. Behind several instances without sticky sessions, "
        "connect with transports: ['websocket'], because long polling needs the same instance for every request.",
        "security": [{"type": "http", "scheme": "bearer"}],
    },
    KAFKA_SERVER: {
        "host": "localhost:7092",
        "protocol": "kafka",
        "description": "Inside the house: for other systems of its operator.",
    },
}
_TOKEN: Final[Json] = {"type": "string", "description": "An access token, or an API token with the scope `read`."}
_SINCE: Final[Json] = {"type": "integer", "minimum": 0, "description": "The last `seq` you have; 0 for none."}


@cache
def asyncapi() -> Json:
    """The document."""
    told, components = _told()
    by_topic, of_topics = topics()
    clashing = components.keys() & of_topics.keys()
    assert all(components[name] == of_topics[name] for name in clashing), clashing
    return document(INFO, SERVERS, [_websocket(told), _socketio(told), *by_topic], of_topics | components)


def _told() -> tuple[dict[str, tuple[str, str]], Json]:
    """By event, its summary and the reference to its schema; and all schemas."""
    types = EVENTS | CONTROL
    _, components = schemas_of([*types.values(), Balance, ExitLeg])
    for name, type_ in EVENTS.items():
        schema = components[type_.__name__]
        schema["properties"] = {"seq": {"type": "integer", "minimum": 1}, **schema["properties"]}
        schema["required"] = ["seq", *schema["required"]]
        if name == "auto_oco_placed":
            schema["patternProperties"] = {"^tp[1-9][0-9]*Price$": {"type": ["string", "null"], "format": "decimal"}}
    return {
        name: (summary_of(type_), f"#/components/schemas/{type_.__name__}") for name, type_ in types.items()
    }, components


def _socketio(told: dict[str, tuple[str, str]]) -> Channel:
    return Channel(
        id="socketio",
        address="/socket.io",
        description="Socket.IO events by these names. Handshake: `auth: {token, since}`; without `since` you hear what "
        "comes from now on. `resync` and `authenticate` are acknowledged with a success or a problem.",
        servers=("socketio",),
        sent=[
            Message(id=f"socketio.{name}", name=name, summary=summary, payload={"$ref": ref})
            for name, (summary, ref) in told.items()
        ],
        received=[
            _said("socketio", "resync", "Begin again after `since`.", {"since": _SINCE}),
            _said("socketio", "authenticate", "Go on with a fresh token of the same user.", {"token": _TOKEN}),
        ],
    )


def _websocket(told: dict[str, tuple[str, str]]) -> Channel:
    return Channel(
        id="websocket",
        address="/ws",
        description="JSON text frames. The token comes in the Authorization header, as the subprotocols `cgt.v1, "
        "bearer.<token>`, or in a first message `authenticate` within ten seconds; never in the URL. `since` comes in "
        "the query or with that message. The server pings every 20 seconds and closes with 4401 (token), 4413 (too "
        "slow), 4429 (too many connections), 4408 (no token came), 4400 (not understood).",
        servers=("websocket",),
        sent=[
            *(
                Message(id=f"websocket.{name}", name=name, summary=summary, payload=_frame(name, {"$ref": ref}))
                for name, (summary, ref) in told.items()
            ),
            _answer("pong", "The answer to a ping of yours."),
            _answer("authenticated", "The answer to a fresh token."),
            _answer("error", "What you sent was refused: problem fields naming rule and fix."),
        ],
        received=[
            _said(
                "websocket",
                "authenticate",
                "The first message, or a fresh token later.",
                {"type": _const("authenticate"), "token": _TOKEN, "since": _SINCE},
                optional=("since",),
            ),
            _said("websocket", "resync", "Begin again after `since`.", {"type": _const("resync"), "since": _SINCE}),
            _said("websocket", "ping", "For clients that cannot send a WebSocket ping.", {"type": _const("ping")}),
        ],
        bindings={"ws": {"query": {"type": "object", "properties": {"since": _SINCE}}}},
    )


def _frame(name: str, data: Json) -> Json:
    return {"type": "object", "required": ["event", "data"], "properties": {"event": _const(name), "data": data}}


def _answer(name: str, summary: str) -> Message:
    return Message(id=f"websocket.{name}", name=name, summary=summary, payload=_frame(name, {"type": "object"}))


def _said(where: str, name: str, summary: str, fields: Json, optional: Sequence[str] = ()) -> Message:
    required = [each for each in fields if each not in optional]
    payload = {"type": "object", "required": required, "properties": fields, "additionalProperties": False}
    return Message(id=f"{where}.say_{name}", name=name, summary=summary, payload=payload)


def _const(value: str) -> Json:
    return {"type": "string", "const": value}
