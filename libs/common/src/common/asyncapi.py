"""AsyncAPI 3.0 from the code: schemas of message types, and the channels of all topics. The gateway adds its own.

A document is put together from `Channel`s; what they have in common (references, components, operations) is made here,
so that a channel says only where it is and what passes through it.
"""

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from common.bus.dead_letters import DeadLetter
from common.orders import type_of_class
from common.reference import PAGES, Page

Json = dict[str, Any]

VERSION: Final = "3.0.0"
KAFKA_SERVER: Final = "broker"
_SCHEMAS: Final = "#/components/schemas/"

HEADERS: Final[Json] = {
    "type": "object",
    "description": "CloudEvents 1.0, binary content mode.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time"],
    "properties": {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {"type": "string", "description": "What a repetition is known by."},
        "ce_type": {"type": "string", "description": "Equals the value's `type`."},
        "ce_source": {"type": "string"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"type": "string"},
        "correlationid": {"type": "string", "description": "The intent this belongs to."},
        "causationid": {"type": "string", "description": "The `ce_id` of the message that led here."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
        "redelivery": {"type": "string", "const": "true", "description": "On what was perhaps published before."},
    },
}


@dataclass(frozen=True)
class Message:
    """What may pass through a channel."""

    id: str
    """Unique in the document."""
    name: str
    """As it stands on the wire: an event's name, a message's `type`."""
    summary: str
    payload: Json
    headers: Json | None = None
    bindings: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Channel:
    """Where messages pass: by whom they are sent is seen from this system."""

    id: str
    address: str
    description: str
    servers: tuple[str, ...]
    sent: Sequence[Message]
    received: Sequence[Message] = ()
    bindings: Json = field(default_factory=dict)


def document(info: Json, servers: Mapping[str, Json], channels: Sequence[Channel], schemas: Json) -> Json:
    """The whole document. `schemas` are the components that payloads refer to."""
    messages = {each.id: each for channel in channels for each in (*channel.sent, *channel.received)}
    return {
        "asyncapi": VERSION,
        "info": info,
        "defaultContentType": "application/json",
        "servers": dict(servers),
        "channels": {channel.id: _channel(channel) for channel in channels},
        "operations": {
            f"{verb}_{channel.id}": _operation(action, channel, passing)
            for channel in channels
            for verb, action, passing in (("hear", "send", channel.sent), ("say", "receive", channel.received))
            if passing
        },
        "components": {"messages": {id_: _message(each) for id_, each in messages.items()}, "schemas": schemas},
    }


def schemas_of(types: Iterable[Any]) -> tuple[list[Json], Json]:
    """The schema of each type, and the components they refer to. Decimals are strings of format `decimal`."""
    asked = list(types)
    schemas, components = msgspec.json.schema_components(asked, ref_template=_SCHEMAS + "{name}")
    for type_ in asked:
        for name, about in _fields_explained(type_).items():
            components[type_.__name__]["properties"][name]["description"] = about
    return list(schemas), dict(components)


def _fields_explained(type_: type[Any]) -> dict[str, str]:
    """By its name on the wire, what the string beneath a field says of it: Python itself does not keep these."""
    found: dict[str, str] = {}
    for base in reversed(type_.__mro__):
        if not isinstance(base, type(msgspec.Struct)) or base is msgspec.Struct:
            continue
        (class_,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(class_, ast.ClassDef)
        for line, beneath in itertools.pairwise(class_.body):
            match line, beneath:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(about))):
                    found[name] = inspect.cleandoc(about).replace("\n", " ")
    return {each.encode_name: found[each.name] for each in msgspec.structs.fields(type_) if each.name in found}


def topics() -> tuple[list[Channel], Json]:
    """The channels of all topics, and the components of their messages."""
    types: list[type[Any]] = [message for page in PAGES for message in page.messages]
    types.append(DeadLetter)
    schemas, components = schemas_of(types)
    by_type = dict(zip(types, schemas, strict=True))
    return [_topic(page, by_type) for page in PAGES], components


def summary_of(type_: type[Any]) -> str:
    """The first paragraph of a type's docstring, on one line."""
    return inspect.cleandoc(type_.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def _topic(page: Page, schemas: Mapping[type[Any], Json]) -> Channel:
    address = page.topic.name.replace("<exchange>", "{exchange}")
    id_ = page.topic.name.replace("<", "").replace(">", "")
    compacted = " Compacted: the last value of a key counts." if page.topic.compacted else ""
    known = {type_of_class(each): each for each in page.messages} or {"cgt.dead-letter.v1": DeadLetter}
    return Channel(
        id=id_,
        address=address,
        description=f"Key: `{page.topic.key}`. Written by: {page.written_by}. Read by: {page.read_by}.{compacted}",
        servers=(KAFKA_SERVER,),
        sent=[
            Message(
                id=f"{id_}.{name}",
                name=name,
                summary=summary_of(type_),
                payload=schemas[type_],
                headers=HEADERS,
                bindings={"kafka": {"key": {"type": "string", "description": page.topic.key}}},
            )
            for name, type_ in known.items()
        ],
        bindings={"kafka": {"topicConfiguration": {"cleanup.policy": ["compact"]}}} if page.topic.compacted else {},
    )


def _channel(channel: Channel) -> Json:
    passing = (*channel.sent, *channel.received)
    shown: Json = {
        "address": channel.address,
        "description": channel.description,
        "servers": [{"$ref": f"#/servers/{server}"} for server in channel.servers],
        "messages": {each.id: {"$ref": f"#/components/messages/{each.id}"} for each in passing},
    }
    if "{exchange}" in channel.address:
        shown["parameters"] = {"exchange": {"enum": ["binance", "bitget", "gateio", "mexc"]}}
    if channel.bindings:
        shown["bindings"] = channel.bindings
    return shown


def _operation(action: str, channel: Channel, passing: Sequence[Message]) -> Json:
    where = f"#/channels/{channel.id}"
    return {
        "action": action,
        "channel": {"$ref": where},
        "messages": [{"$ref": f"{where}/messages/{each.id}"} for each in passing],
    }


def _message(message: Message) -> Json:
    shown: Json = {"name": message.name, "title": message.name, "summary": message.summary, "payload": message.payload}
    if message.headers:
        shown["headers"] = message.headers
    if message.bindings:
        shown["bindings"] = message.bindings
    return shown
