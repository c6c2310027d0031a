"""MEXC's documented pushes, byte for byte."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from common.mexc_proto import Push, UnreadablePush, body_name, decode

FRAMES = sorted((Path(__file__).parent / "frames").glob("*.json"))


def as_text(value: Any) -> Any:
    """64-bit integers are strings in protobuf's JSON and numbers in the samples: compare both as text."""
    if isinstance(value, dict):
        return {name: as_text(item) for name, item in value.items()}
    return [as_text(item) for item in value] if isinstance(value, list) else str(value)


@pytest.mark.parametrize("path", FRAMES, ids=lambda path: path.stem)
def test_a_documented_push_is_read_and_written_byte_for_byte(path: Path) -> None:
    sample = json.loads(path.read_text())
    raw = base64.b64decode(sample["protobuf_base64"])
    assert as_text(MessageToDict(decode(raw))) == as_text(sample["json"])
    assert ParseDict(sample["json"], Push()).SerializeToString(deterministic=True) == raw


def test_the_body_tells_what_a_push_is_about() -> None:
    assert body_name(Push(channel="x", privateDeals={"price": "1"})) == "privateDeals"
    assert body_name(Push(channel="x")) is None


def test_fields_added_later_are_skipped() -> None:
    known = Push(channel="spot@private.deals.v3.api.pb").SerializeToString()
    unknown_body = b"\xda\x3e\x02\x08\x01"  # field 1003, two bytes long
    assert decode(known + unknown_body).channel == "spot@private.deals.v3.api.pb"


def test_an_optional_field_that_was_set_to_nothing_differs_from_one_that_was_not_set() -> None:
    push = decode(Push(privateOrders={"lastDealQuantity": ""}).SerializeToString())
    assert push.privateOrders.HasField("lastDealQuantity")
    assert not push.privateOrders.HasField("triggerPrice")


@pytest.mark.parametrize("junk", [b"\x0a\xff", b'{"id":0}', b"\x08"])
def test_a_frame_that_is_no_push_is_refused(junk: bytes) -> None:
    with pytest.raises(UnreadablePush):
        decode(junk)


def test_the_messages_live_beside_those_of_other_libraries() -> None:
    theirs = pytest.importorskip("ccxt.protobuf.mexc.PushDataV3ApiWrapper_pb2").PushDataV3ApiWrapper
    ours = Push(channel="c", privateDeals={"price": "1.5", "time": 7}).SerializeToString()
    assert theirs.FromString(ours).privateDeals.price == "1.5"
