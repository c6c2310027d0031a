"""The settings of the Bitget connector; out of the box it trades on the paper exchange of this machine."""

from typing import Self

from pydantic import Field

from bitget_connector.dialect import DEFAULT_VALIDITY_MS
from bitget_connector.signing import CLOCK_WINDOW_MS
from common.connector.settings import ConnectorSettings, Symbols, forbid_live_hosts


class BitgetSettings(ConnectorSettings):
    """What the Bitget connector is told beside the kit's settings."""

    bitget_rest_url: str = Field(default="http://127.0.0.1:7002", pattern=r"^https?://[^/]+")
    bitget_ws_public_url: str = Field(default="ws://127.0.0.1:7002/v2/ws/public", pattern=r"^wss?://[^/]+")
    bitget_ws_private_url: str = Field(
        default="ws://127.0.0.1:7002/v2/ws/private", pattern=r"^wss?://[^/]+/v2/ws/private$"
    )
    """Of Classic accounts; that of unified ones is the same under /v3/."""
    bitget_validity_ms: int = Field(default=DEFAULT_VALIDITY_MS, ge=1_000, le=CLOCK_WINDOW_MS)
    """How long a signed request stays valid. A short one ends the doubt about a lost answer sooner."""
    bitget_demo: bool = False
    """Demo trading: keys made in demo mode, the ordinary REST host with a header of its own, sockets on wspap."""
    bitget_market_symbols: Symbols = ()
    """Symbols whose market data is published."""

    def checked(self) -> Self:
        """These settings, if they keep real money safe. Raises InvalidSetting."""
        urls = {
            self.variable(field): str(getattr(self, field))
            for field in ("bitget_rest_url", "bitget_ws_public_url", "bitget_ws_private_url")
        }
        # Demo mode shares its REST host with real money, where the header and the key keep them apart.
        test_hosts = frozenset({"wspap.bitget.com", "api.bitget.com"}) if self.bitget_demo else frozenset({""})
        forbid_live_hosts(self, urls, test_hosts)
        return self
