"""Request weight by address, and calls by account, in fixed windows (section 3)."""

from paper_exchange.mexc.errors import too_many
from paper_exchange.mexc.switches import Switches
from paper_exchange.windows import Window

TEN_SECONDS_MS, SECOND_MS = 10_000, 1000


class Meter:
    """Counts weights and calls; what is allowed is a switch, because the documents disagree."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], Window] = {}

    def spend(self, address: str, path: str, weight: int, now_ms: int, switches: Switches) -> None:
        """Charge one request to its address. Raises: 429 when nothing is left."""
        pool = path if switches.rate_pool == "endpoint" else ""
        self._count((address, pool), weight, switches.weight_per_10s, TEN_SECONDS_MS, now_ms)

    def count_call(self, uid: int, name: str, most_per_s: int, now_ms: int) -> None:
        """Count one call of an account that has a limit of its own. Raises: 429."""
        self._count((str(uid), name), 1, most_per_s, SECOND_MS, now_ms)

    def _count(self, key: tuple[str, str], weight: int, most: int, length_ms: int, now_ms: int) -> None:
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window(length_ms)
        if window.count(now_ms) + weight > most:
            raise too_many(window.left_ms(now_ms))
        window.add(weight, now_ms)
