"""What the event stream is told: how long events are kept, and what a connection may cost."""

from pydantic import Field

from common.settings import EnvSettings
from gateway.stream.session import Limits


class StreamSettings(EnvSettings):
    """The same on every gateway instance."""

    events_retention_s: int = Field(default=86_400, ge=60, le=30 * 86_400)
    """How long events can be replayed, and how long they are kept for a user who listens to nothing."""
    events_most_behind: int = Field(default=1_000, ge=1, le=100_000)
    """Events a client may be behind: more are not replayed, and a connection that is slower is ended."""
    slow_client_ms: int = Field(default=10_000, ge=10, le=600_000)
    """How long a client may take for what it is sent before its connection is ended."""
    connections_per_user: int = Field(default=20, ge=1, le=100_000)
    """On one gateway instance."""
    token_recheck_ms: int = Field(default=5_000, ge=10, le=600_000)
    """How often the tokens of open connections are looked at again."""

    @property
    def limits(self) -> Limits:
        """What a connection may cost."""
        return Limits(
            most_behind=self.events_most_behind,
            slow_after_s=self.slow_client_ms / 1000,
            connections_per_user=self.connections_per_user,
            recheck_s=self.token_recheck_ms / 1000,
        )

    @property
    def retention_ms(self) -> int:
        """How long events can be replayed."""
        return self.events_retention_s * 1000
