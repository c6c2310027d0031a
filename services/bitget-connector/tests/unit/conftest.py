"""Recorded payloads of the exchange, and the accounts and rules they are read with."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bitget_connector.dialect import BitgetDialect
from common.accounts import Credentials
from common.exchanges import Exchange
from common.instruments import Instrument

FRAMES = Path(__file__).parent.parent / "frames"


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A recorded payload, parsed."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_bytes())


@pytest.fixture
def raw() -> Callable[[str], bytes]:
    """A recorded payload, as bytes."""
    return lambda name: (FRAMES / f"{name}.json").read_bytes()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(
        account_id="acc-1",
        exchange=Exchange.BITGET,
        api_key="demo-key",
        secret="demo-secret",
        passphrase="demo-pass",
        key_version=1,
        expires_at_ms=2_000_000_000_000,
    )


@pytest.fixture
def dialect() -> BitgetDialect:
    return BitgetDialect(public_url="ws://x/v2/ws/public", private_url="ws://x/v2/ws/private")


@pytest.fixture
def btcusdt() -> Instrument:
    return Instrument(
        exchange=Exchange.BITGET,
        symbol="BTCUSDT",
        exchange_symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.000001"),
    )
