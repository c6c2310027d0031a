"""The vault's settings; the master keys are read by `keys.py`."""

from pydantic import Field

from common.settings import EnvSettings


class VaultSettings(EnvSettings):
    """What the vault alone is told."""

    vault_lease_ms: int = Field(default=300_000, ge=1_000, le=86_400_000)
    """How long a lent key may be used before it is asked for again."""
