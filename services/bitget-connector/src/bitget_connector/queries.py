"""Public questions: prices, candles, symbols, the time. They need no key and are the same for both families."""

from collections.abc import Sequence
from decimal import Decimal

from bitget_connector.public_frames import Ticker
from bitget_connector.replies import parse, value_of
from common.connector.amounts import Num, positive, some
from common.connector.ports import Call, HttpRequest, Rejected, Unknown
from common.errors import Refused, UnreadableFrame

INTERVALS = {
    "1m": "1min",
    "3m": "3min",
    "5m": "5min",
    "15m": "15min",
    "30m": "30min",
    "1h": "1h",
    "4h": "4h",
    # The plain long ones begin at UTC+8 boundaries.
    "6h": "6Hutc",
    "12h": "12Hutc",
    "1d": "1Dutc",
    "3d": "3Dutc",
    "1w": "1Wutc",
    "1M": "1Mutc",
}
MAX_CANDLES, MAX_LEVELS, MAX_TRADES = 1_000, 150, 500


def time() -> HttpRequest:
    return _public("/api/v2/public/time", (), "public/time")


def symbols() -> HttpRequest:
    return _public("/api/v2/spot/public/symbols", (), "public/symbols")


def tickers(symbol: str | None) -> HttpRequest:
    """One symbol, or all."""
    return _public("/api/v2/spot/market/tickers", () if symbol is None else (("symbol", symbol),), "market/tickers")


def candles(symbol: str, interval: str, limit: int, start_ms: int | None, end_ms: int | None) -> HttpRequest:
    """At most 1000 rows, oldest first. Raises Refused for an interval the exchange does not have."""
    granularity = INTERVALS.get(interval)
    if granularity is None:
        raise Refused(
            code="bad_interval",
            title="Bitget has no such candles",
            field="interval",
            rule=f"one of {', '.join(INTERVALS)}",
            fix="choose one of them",
        )
    params = [("symbol", symbol), ("granularity", granularity), ("limit", str(min(limit, MAX_CANDLES)))]
    if start_ms is not None:
        params.append(("startTime", str(start_ms)))
    if end_ms is not None:
        params.append(("endTime", str(end_ms)))
    return _public("/api/v2/spot/market/candles", tuple(params), "market/candles")


def depth(symbol: str, limit: int) -> HttpRequest:
    """At most 150 levels a side."""
    params = (("symbol", symbol), ("type", "step0"), ("limit", str(min(limit, MAX_LEVELS))))
    return _public("/api/v2/spot/market/orderbook", params, "market/orderbook")


def public_trades(symbol: str, limit: int) -> HttpRequest:
    """At most 500, newest first."""
    return _public(
        "/api/v2/spot/market/fills", (("symbol", symbol), ("limit", str(min(limit, MAX_TRADES)))), "market/fills"
    )


def best_ask(symbol: str) -> Call[Decimal | Rejected | Unknown]:
    """The price to buy at now: the best ask, the last price where nobody asks."""

    def read(data: bytes) -> Decimal:
        for row in parse(data, list[Ticker]):
            if row.symbol == symbol:
                ask: Num = row.ask_pr
                return some(ask, "askPr") or positive(row.last_pr, "lastPr")
        raise UnreadableFrame("a ticker of another symbol")

    return Call(tickers(symbol), lambda reply, now_ms: value_of(reply, read))


def symbols_asked(names: Sequence[str]) -> str | None:
    """One symbol is asked for by name; of more than one all are read, for there is no list parameter."""
    return names[0] if len(names) == 1 else None


def _public(path: str, params: tuple[tuple[str, str], ...], bucket: str) -> HttpRequest:
    return HttpRequest(method="GET", path=path, params=params, read=True, bucket=bucket)
