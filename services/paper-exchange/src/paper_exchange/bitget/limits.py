"""Rate limits (section 4): so many requests a second for each endpoint, by address or by account."""

from paper_exchange.bitget.errors import too_fast
from paper_exchange.windows import Window

PER_MINUTE = 6000


class Meter:
    """Counts requests; `scale` multiplies every limit, for load that one real account could not make."""

    def __init__(self, scale: int = 1) -> None:
        self._scale = scale
        self._endpoints: dict[tuple[str, str], Window] = {}
        self._addresses: dict[str, Window] = {}

    def spend_address(self, address: str, now_ms: int) -> None:
        """Count a request of an address. Raises: 429."""
        window = self._addresses.setdefault(address, Window(60_000))
        if window.count(now_ms) >= PER_MINUTE * self._scale:
            raise too_fast()
        window.add(1, now_ms)

    def spend(self, endpoint: str, who: str, per_second: int, now_ms: int) -> int:
        """Count a request to an endpoint; answers how many are left in this second. Raises: 429."""
        window = self._endpoints.setdefault((endpoint, who), Window(1000))
        limit = per_second * self._scale
        if window.count(now_ms) >= limit:
            raise too_fast()
        window.add(1, now_ms)
        return limit - window.count(now_ms)
