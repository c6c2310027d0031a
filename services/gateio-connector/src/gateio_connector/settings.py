"""The settings of the Gate.io connector; out of the box it trades on the paper exchange of this machine."""

from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from pydantic import Field

from common.connector.settings import ConnectorSettings, Symbols, forbid_live_hosts
from gateio_connector.dialect import DEFAULT_VALIDITY_MS
from gateio_connector.requests import Habits
from gateio_connector.signing import PREFIX, TOLERANCE_MS

TEST_HOSTS: Final = frozenset({"api-testnet.gateapi.io", "ws-testnet.gate.com"})
"""Gate.io's test network."""


class ChildType(StrEnum):
    """What a price order places for an exit that is to be sold at once."""

    LIMIT = "limit"
    MARKET = "market"


class GateioSettings(ConnectorSettings):
    """What the Gate.io connector is told beside the kit's settings."""

    gateio_rest_url: str = Field(default="http://127.0.0.1:7003", pattern=r"^https?://[^/]+(/|/api/v4/?)?$")
    """Scheme and host, with or without `/api/v4`, which is part of every signature."""
    gateio_ws_url: str = Field(default="ws://127.0.0.1:7003/ws/v4/", pattern=r"^wss?://[^/]+")
    gateio_validity_ms: int = Field(default=DEFAULT_VALIDITY_MS, ge=1_000, le=TOLERANCE_MS)
    """How long a signed request stays valid. A short one ends the doubt about a lost answer sooner."""
    gateio_trigger_child: ChildType = ChildType.LIMIT
    gateio_trigger_slippage: Decimal = Field(default=Decimal("0.02"), ge=0, lt=Decimal("0.5"))
    """How far beyond its trigger the limit of a child stands that is to execute at once."""
    gateio_buy_slippage: Decimal = Field(default=Decimal("0.01"), ge=0, lt=Decimal("0.5"))
    """How far above the best ask a market buy of a base quantity may pay."""
    gateio_market_symbols: Symbols = ()
    """Symbols whose market data is published."""

    @property
    def base_url(self) -> str:
        """Scheme and host: signed paths begin with `/api/v4` themselves."""
        return self.gateio_rest_url.rstrip("/").removesuffix(PREFIX)

    @property
    def habits(self) -> Habits:
        """How orders are placed."""
        return Habits(
            market_children=self.gateio_trigger_child is ChildType.MARKET,
            child_slippage=self.gateio_trigger_slippage,
            buy_slippage=self.gateio_buy_slippage,
        )

    def checked(self) -> Self:
        """These settings, if they keep real money safe. Raises InvalidSetting."""
        urls = {self.variable(field): str(getattr(self, field)) for field in ("gateio_rest_url", "gateio_ws_url")}
        forbid_live_hosts(self, urls, TEST_HOSTS)
        return self
