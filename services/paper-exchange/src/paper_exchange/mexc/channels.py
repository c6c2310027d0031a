"""Names of public channels (section 10), such as `spot@public.kline.v3.api.pb@BTCUSDT@Min15`."""

import re
from dataclasses import dataclass
from typing import Final

FAST_MS, SLOW_MS = 10, 100
INTERVALS: Final = {
    "Min1": "1m", "Min5": "5m", "Min15": "15m", "Min30": "30m", "Min60": "1h", "Hour4": "4h", "Hour8": "8h",
    "Day1": "1d", "Week1": "1w", "Month1": "1M",
}  # fmt: skip
LEVELS: Final = ("5", "10", "20")
_SPEED = rf"@(?P<speed>{FAST_MS}|{SLOW_MS})ms@(?P<symbol>[A-Z0-9]+)"
_ZONE = r"(?P<zone>24H|UTC[+-]\d{1,2})"
_PATTERNS: Final = {
    "aggre.deals": _SPEED,
    "aggre.bookTicker": _SPEED,
    "aggre.depth": _SPEED,
    "bookTicker.batch": "@(?P<symbol>[A-Z0-9]+)",
    "limit.depth": f"@(?P<symbol>[A-Z0-9]+)@(?P<levels>{'|'.join(LEVELS)})",
    "kline": f"@(?P<symbol>[A-Z0-9]+)@(?P<interval>{'|'.join(INTERVALS)})",
    "miniTicker": f"@(?P<symbol>[A-Z0-9]+)@{_ZONE}",
    "miniTickers": f"@{_ZONE}",
}
_CHANNELS: Final = {
    kind: re.compile(rf"spot@public\.{re.escape(kind)}\.v3\.api\.pb{tail}") for kind, tail in _PATTERNS.items()
}
_EVERY_MS: Final = {"bookTicker.batch": SLOW_MS, "limit.depth": SLOW_MS, "kline": 1000}


@dataclass(frozen=True, slots=True)
class Channel:
    """One public channel; `symbol` is empty where it is about all of them."""

    name: str
    kind: str
    every_ms: int
    symbol: str = ""
    interval: str = ""
    levels: int = 0

    @property
    def event_type(self) -> str:
        """The name without what comes after the speed, which bodies repeat."""
        prefix = f"spot@public.{self.kind}.v3.api.pb"
        return f"{prefix}@{self.every_ms}ms" if self.kind.startswith("aggre.") else prefix


def read_channel(name: str) -> Channel | None:
    """What a name means; None for a private or an unknown one."""
    for kind, pattern in _CHANNELS.items():
        match = pattern.fullmatch(name)
        if match is not None:
            parts = match.groupdict()
            every_ms = int(parts["speed"]) if "speed" in parts else _EVERY_MS.get(kind, 3000)
            return Channel(
                name, kind, every_ms, parts.get("symbol") or "", parts.get("interval") or "",
                int(parts.get("levels") or 0),
            )  # fmt: skip
    return None
