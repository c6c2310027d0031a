"""What a bot is told: a file of JSON, written by the benchmark, and a file it touches when it listens."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Account:
    """An account of the paper exchange with its HMAC key, worth nothing elsewhere."""

    uid: int
    api_key: str
    secret: str


@dataclass(frozen=True)
class BotConfig:
    """Where to trade, for whom, and (ccxt) whether its rate limiter is on."""

    rest_url: str
    ws_api_url: str
    stream_url: str
    accounts: tuple[Account, ...]
    rate_limiter: bool
    ready_file: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        raw = json.loads(path.read_text())
        return cls(**{**raw, "accounts": tuple(Account(**account) for account in raw["accounts"])})

    def write(self, path: Path) -> None:
        """Write it for a bot to read."""
        path.write_text(json.dumps(asdict(self)))


def told() -> BotConfig:
    """The configuration that this process was started with."""
    return BotConfig.read(Path(sys.argv[1]))


def say_ready(config: BotConfig) -> None:
    """Tell the benchmark that every account is being listened to."""
    Path(config.ready_file).touch()
