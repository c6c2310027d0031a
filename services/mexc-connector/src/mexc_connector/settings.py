"""The settings of the MEXC connector; out of the box it trades on the paper exchange of this machine."""

from typing import Final, Self

from pydantic import Field

from common.connector.settings import ConnectorSettings, Symbols, forbid_live_hosts
from mexc_connector.dialect import DEFAULT_RECV_WINDOW_MS, MAX_RECV_WINDOW_MS
from mexc_connector.market_stream import SYMBOLS_PER_CONNECTION
from mexc_connector.stream import DEFAULT_PROVE_SILENT_MS

TEST_HOSTS: Final[frozenset[str]] = frozenset()
"""MEXC has no test network: whatever is not this machine is real money."""


class MexcSettings(ConnectorSettings):
    """What the MEXC connector is told beside the kit's settings."""

    mexc_rest_url: str = Field(default="http://127.0.0.1:7004", pattern=r"^https?://[^/]+")
    mexc_ws_url: str = Field(default="ws://127.0.0.1:7004/ws", pattern=r"^wss?://[^/]+")
    mexc_recv_window_ms: int = Field(default=DEFAULT_RECV_WINDOW_MS, ge=100, le=MAX_RECV_WINDOW_MS)
    """How long a signed request stays valid. A short one ends the doubt about a lost answer sooner."""
    mexc_prove_silent_ms: int = Field(default=DEFAULT_PROVE_SILENT_MS, ge=1_000)
    """How long a private stream may say nothing before its listen key is proven: a lost one only falls silent."""
    mexc_market_symbols: Symbols = ()
    """Symbols whose market data is published."""
    market_symbols_per_socket: int = Field(default=SYMBOLS_PER_CONNECTION, ge=1, le=SYMBOLS_PER_CONNECTION)

    def checked(self) -> Self:
        """These settings, if they keep real money safe. Raises InvalidSetting."""
        urls = {self.variable(field): str(getattr(self, field)) for field in ("mexc_rest_url", "mexc_ws_url")}
        forbid_live_hosts(self, urls, TEST_HOSTS)
        return self
