"""The settings of the Binance connector; out of the box it trades on the paper exchange of this machine."""

from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from binance_connector.dialect import DEFAULT_RECV_WINDOW_MS, MAX_RECV_WINDOW_MS
from common.connector.settings import ConnectorSettings, Symbols, forbid_live_hosts

TEST_HOSTS: Final = frozenset(
    {
        "testnet.binance.vision",
        "api1.testnet.binance.vision",
        "ws-api.testnet.binance.vision",
        "stream.testnet.binance.vision",
        "demo-api.binance.com",
        "demo-ws-api.binance.com",
        "demo-stream.binance.com",
    }
)
"""Binance's spot test network and demo mode."""


class OrderEntry(StrEnum):
    """The way orders and cancels take."""

    REST = "rest"
    WS = "ws"


class BinanceSettings(ConnectorSettings):
    """What the Binance connector is told beside the kit's settings."""

    binance_rest_url: str = Field(default="http://127.0.0.1:7001", pattern=r"^https?://[^/]+")
    binance_ws_api_url: str = Field(default="ws://127.0.0.1:7001/ws-api/v3", pattern=r"^wss?://[^/]+")
    binance_stream_url: str = Field(default="ws://127.0.0.1:7001", pattern=r"^wss?://[^/]+")
    binance_order_entry: OrderEntry = OrderEntry.REST
    binance_recv_window_ms: int = Field(default=DEFAULT_RECV_WINDOW_MS, ge=100, le=MAX_RECV_WINDOW_MS)
    """How long a signed request stays valid. A short one ends the doubt about a lost answer sooner."""
    binance_market_symbols: Symbols = ()
    """Symbols whose market data is published."""

    def checked(self) -> Self:
        """These settings, if they keep real money safe. Raises InvalidSetting."""
        urls = {
            self.variable(field): str(getattr(self, field))
            for field in ("binance_rest_url", "binance_ws_api_url", "binance_stream_url")
        }
        forbid_live_hosts(self, urls, TEST_HOSTS)
        return self
