"""Recorded frames of the exchange's documentation, and the accounts and rules they are read with."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from binance_connector.dialect import BinanceDialect
from common.accounts import Credentials
from common.exchanges import Exchange
from common.instruments import Instrument

FRAMES = Path(__file__).parent.parent / "frames"

API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
HMAC_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@pytest.fixture
def frame() -> Callable[[str], Any]:
    """A recorded frame, parsed."""
    return lambda name: json.loads((FRAMES / f"{name}.json").read_bytes())


@pytest.fixture
def raw() -> Callable[[str], bytes]:
    """A recorded frame, as bytes."""
    return lambda name: (FRAMES / f"{name}.json").read_bytes()


@pytest.fixture
def credentials() -> Callable[..., Credentials]:
    def build(account_id: str = "acc-1", api_key: str = API_KEY, secret: str = HMAC_SECRET) -> Credentials:
        return Credentials(
            account_id=account_id,
            exchange=Exchange.BINANCE,
            api_key=api_key,
            secret=secret,
            passphrase=None,
            key_version=1,
            expires_at_ms=2_000_000_000_000,
        )

    return build


@pytest.fixture
def dialect() -> BinanceDialect:
    return BinanceDialect(ws_api_url="ws://127.0.0.1:1/ws-api/v3", stream_url="ws://127.0.0.1:1", recv_window_ms=5000)


@pytest.fixture
def btcusdt() -> Instrument:
    return Instrument(
        exchange=Exchange.BINANCE,
        symbol="BTCUSDT",
        exchange_symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
    )
