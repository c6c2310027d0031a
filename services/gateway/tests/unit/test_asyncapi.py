"""The AsyncAPI document says what is sent, and nothing it refers to is missing."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from common.exchanges import Exchange, Residency
from common.intents import CancelAllOrdersIntent
from common.protection import ExitLegView, ProtectionPlaced
from common.reference import PAGES
from gateway.stream.asyncapi import asyncapi
from gateway.stream.asyncapi_page import page
from gateway.stream.events import live_events
from gateway.stream.payloads import CONTROL, EVENTS
from gateway.testing.builders import protection_fact

DOCUMENT = asyncapi()
SPEC = {
    "order_update": {"orderStatus"},
    "balance_update": {"balances"},
    "list_status_update": {"listOrderStatus"},
    "auto_oco_placed": {"slPrice"},
    "position_update": {"quantity", "unprotectedQty"},
    "protection_update": {"event", "state"},
}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for each in node.values():
            yield from references(each)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def found(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_it_has_the_parts_of_an_asyncapi_3_document() -> None:
    """By the tables of the specification: required fields are there, and no others than it knows."""
    parts = {
        "servers": ({"host", "protocol"}, {"pathname", "description", "security"}),
        "channels": ({"address", "messages"}, {"description", "servers", "parameters", "bindings"}),
        "operations": ({"action", "channel", "messages"}, set()),
    }
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    for part, (required, optional) in parts.items():
        for name, each in DOCUMENT[part].items():
            assert re.fullmatch(r"[\w.-]+", name)
            assert required <= each.keys() <= required | optional
    for message in DOCUMENT["components"]["messages"].values():
        assert message.keys() <= {"name", "title", "summary", "payload", "headers", "bindings"}
    assert {each["action"] for each in DOCUMENT["operations"].values()} == {"send", "receive"}


def test_its_references_lead_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        assert found(reference), reference


def test_every_operation_passes_messages_of_its_channel() -> None:
    for operation in DOCUMENT["operations"].values():
        where = operation["channel"]["$ref"]
        assert all(each["$ref"].startswith(f"{where}/messages/") for each in operation["messages"])


def test_every_topic_and_every_message_on_it_is_described() -> None:
    for topic in PAGES:
        channel = DOCUMENT["channels"][topic.topic.name.replace("<", "").replace(">", "")]
        assert len(channel["messages"]) == max(1, len(topic.messages))


@pytest.mark.parametrize("name", [*EVENTS, *CONTROL])
@pytest.mark.parametrize("channel", ["socketio", "websocket"])
def test_every_event_is_described_on_both_sockets(channel: str, name: str) -> None:
    message = found(f"#/components/messages/{channel}.{name}")
    assert message["name"] == name
    payload = message["payload"] if channel == "socketio" else message["payload"]["properties"]["data"]
    assert "seq" in found(payload["$ref"])["required"]


@pytest.mark.parametrize("name", SPEC)
def test_the_events_of_the_spec_have_its_fields(name: str) -> None:
    assert SPEC[name] <= {field.encode_name for field in msgspec.structs.fields(EVENTS[name])}


def test_a_placed_pair_names_each_target_as_the_spec_does() -> None:
    leg = ExitLegView(
        client_order_id="c",
        role="TP1",
        order_type="LIMIT_MAKER",
        price=None,
        trigger_px=None,
        residency=Residency.EXCHANGE,
        residency_reason="",
    )
    intent = CancelAllOrdersIntent(
        intent_id="i",
        user_id="u",
        account_id="a",
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        ts_init_ms=1,
        valid_until_ms=2,
    )
    fact = protection_fact(ProtectionPlaced, intent, list_client_order_id=None, level=0, qty=1, legs=(leg,))
    schema = DOCUMENT["components"]["schemas"]["AutoOcoPlaced"]
    (pattern,) = schema["patternProperties"]
    known = set(schema["properties"]) | {"tp1Price"}
    assert set(live_events(fact)[0].payload) | {"seq"} == known
    assert re.match(pattern, "tp1Price")


def test_the_page_shows_every_channel_and_field() -> None:
    shown = page()
    for channel in DOCUMENT["channels"].values():
        assert f"<code>{channel['address']}</code>" in shown
    assert "orderStatus" in shown
    assert "Filled so far, in base asset." in shown
