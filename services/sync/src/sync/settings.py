"""The sync service's settings, read once at start."""

from typing import Any

from pydantic import Field, SecretStr, field_validator

from common.bus.brokers import BusSettings
from common.db.pool import DatabaseSettings
from common.exchanges import Exchange
from common.service.auth import CalleeSettings, CallerSettings
from common.service.http import HttpSettings


class Settings(BusSettings, DatabaseSettings, HttpSettings, CallerSettings, CalleeSettings):
    """Where everything is, and how often what is looked at."""

    binance_connector_url: str | None = None
    bitget_connector_url: str | None = None
    gateio_connector_url: str | None = None
    mexc_connector_url: str | None = None
    sync_every_ms: int = Field(default=300_000, ge=1_000, le=86_400_000)
    """How often every account is held against its exchange."""
    sync_window_days: int = Field(default=7, ge=1, le=90)
    """How far back brackets that are closed are looked at, at the start and on request."""
    sync_spacing_ms: int = Field(default=100, ge=0, le=60_000)
    """At least this long between two questions to one exchange."""
    sync_second_look_ms: int = Field(default=1_000, ge=0, le=60_000)
    """How long a difference must last: what the stream is just telling is none."""
    sync_short_after_ms: int = Field(default=10_000, ge=100, le=600_000)
    """How long an account must hold too little before that is believed."""
    sync_overdue_after_ms: int = Field(default=10_000, ge=100, le=600_000)
    """How long an order may be unconfirmed before it is asked about from here."""
    sync_overdue_every_ms: int = Field(default=2_000, ge=50, le=600_000)
    """How often such orders are looked for."""
    fred_api_key: SecretStr | None = None
    """Without it no indicators are fetched, and whoever asks is told so."""
    fred_url: str = Field(default="https://api.stlouisfed.org/fred", pattern=r"^https?://")
    fred_series: tuple[str, ...] = ("FEDFUNDS", "DGS10", "CPIAUCSL", "UNRATE", "M2SL", "GDPC1", "DTWEXBGS")
    """Which series, separated by commas."""
    fred_every_ms: int = Field(default=6 * 3_600_000, ge=1_000)
    """How often they are fetched."""

    @field_validator("fred_series", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return [part.strip().upper() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def connector_urls(self) -> dict[Exchange, str]:
        """The connectors that are running, by exchange."""
        urls = {
            Exchange.BINANCE: self.binance_connector_url,
            Exchange.BITGET: self.bitget_connector_url,
            Exchange.GATEIO: self.gateio_connector_url,
            Exchange.MEXC: self.mexc_connector_url,
        }
        return {exchange: url for exchange, url in urls.items() if url}
