"""The engine's settings, read once at start."""

from pydantic import Field

from common.bus.brokers import BusSettings
from common.db.pool import DatabaseSettings
from common.service.auth import CallerSettings
from common.service.http import HttpSettings
from common.settings import EnvSettings
from order_engine.policy import Policy


class PolicySettings(EnvSettings):
    """How patient the engine is; who replays its decisions must be told the same."""

    protect_debounce_ms: int = Field(default=200, ge=0, le=10_000)
    """How long a growing partial fill is gathered before it is protected."""
    order_ask_after_ms: int = Field(default=2_000, ge=100, le=60_000)
    """How long an order may be in flight before the exchange is asked about it."""
    protection_bound_ms: int = Field(default=10_000, ge=100, le=3_600_000)
    """How long something may be unprotected before the alarm is raised."""
    exit_validity_ms: int = Field(default=10_000, ge=1_000, le=60_000)
    """How old an exit may become before it must be decided anew instead of sent."""
    trigger_lifetime_ms: int = Field(default=30 * 86_400_000, ge=5_000)
    """How long a trigger order is to wait where the exchange ends it some day; it is renewed with a third to spare."""

    def policy(self) -> Policy:
        """The patience of `decide`."""
        return Policy(
            debounce_ms=self.protect_debounce_ms,
            ask_after_ms=self.order_ask_after_ms,
            exit_validity_ms=self.exit_validity_ms,
            trigger_lifetime_ms=self.trigger_lifetime_ms,
            overdue_after_ms=self.protection_bound_ms,
        )


class Settings(PolicySettings, BusSettings, DatabaseSettings, HttpSettings, CallerSettings):
    """Where the broker and the database are, and how patient the engine is."""

    mexc_connector_url: str | None = None
    """Where to ask for the prices that held stops wait for; without it no stop is held on MEXC."""
