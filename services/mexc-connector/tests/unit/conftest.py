"""Recorded frames of the exchange's documentation, and the accounts and rules they are read with."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.accounts import Credentials
from common.connector.ports import Reply
from common.exchanges import Exchange
from common.instruments import Instrument
from mexc_connector.dialect import MexcDialect

FRAMES = Path(__file__).parent.parent / "frames"
NOW_MS = 1_736_420_000_000


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A recorded frame, parsed."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_bytes())


@pytest.fixture
def push(frame: Callable[[str], Any]) -> Callable[[str], bytes]:
    """A recorded push, as it stood on the wire."""
    return lambda name: base64.b64decode(frame(name)["protobuf_base64"])


@pytest.fixture
def reply(frame: Callable[[str], Any]) -> Callable[..., Reply]:
    """A recorded reply."""

    def build(name: str, status: int = 200) -> Reply:
        value = frame(name)
        if isinstance(value, dict) and "http_status" in value:
            status, value = value["http_status"], value["body"]
        return Reply(status=status, body=json.dumps(value).encode())

    return build


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(
        account_id="acc-1",
        exchange=Exchange.MEXC,
        api_key="mx0aBYs33eIilxBWC5",
        secret="45d0b3c26f2644f19bfb98b07741b2f5",
        passphrase=None,
        key_version=1,
        expires_at_ms=2_000_000_000_000,
    )


@pytest.fixture
def dialect() -> MexcDialect:
    return MexcDialect(ws_url="ws://127.0.0.1:1/ws")


@pytest.fixture
def mxusdt() -> Instrument:
    return Instrument(
        exchange=Exchange.MEXC,
        symbol="MXUSDT",
        exchange_symbol="MXUSDT",
        base="MX",
        quote="USDT",
        tick_size=Decimal("0.0001"),
        lot_size=Decimal("0.01"),
    )
