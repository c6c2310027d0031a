"""Prices for held stops: what is asked for when the stream is silent. The connector is a double."""

from decimal import Decimal

import pytest

from common.bus.brokers import BusSettings
from common.clock import FixedClock
from common.codec import encode
from common.errors import Unavailable
from common.exchanges import Exchange
from common.market import Ticker
from common.service.client import InternalService, ServiceReply
from order_engine.prices import PriceWatch
from order_engine.testing.builders import NOW_MS


class Stops:
    """Two held stops, and the prices they were shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Decimal]] = []

    def held_stops(self, exchange: Exchange) -> dict[str, Decimal]:
        return {"AAAUSDT": Decimal(1), "BBBUSDT": Decimal(10)}

    async def see_price(self, exchange: Exchange, symbol: str, px: Decimal, cause: str, now_ms: int) -> None:
        self.seen.append((symbol, px))


class Connector(InternalService):
    """Answers for BBBUSDT; for AAAUSDT as it was told to."""

    def __init__(self, answer: ServiceReply | Unavailable) -> None:
        self.name = "mexc-connector"
        self._answer = answer

    async def ask(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes | None = None
    ) -> ServiceReply:
        assert query is not None
        if query["symbol"] == "BBBUSDT":
            return ServiceReply(200, encode([a_ticker("BBBUSDT")]))
        if isinstance(self._answer, Unavailable):
            raise self._answer
        return self._answer


def a_ticker(symbol: str) -> Ticker:
    return Ticker(exchange=Exchange.MEXC, symbol=symbol, bid_px=Decimal(9), ts_event_ms=NOW_MS, ts_init_ms=NOW_MS)


@pytest.mark.parametrize(
    "answer",
    [ServiceReply(502, b""), ServiceReply(200, b"[{}]"), Unavailable("mexc-connector")],
    ids=["refused", "unreadable", "silent"],
)
async def test_a_symbol_without_a_price_does_not_blind_the_others(answer: ServiceReply | Unavailable) -> None:
    stops = Stops()
    watch = PriceWatch(
        Exchange.MEXC, stops, BusSettings(kafka_bootstrap="unused"), Connector(answer), FixedClock(NOW_MS)
    )
    await watch._poll_silent(["AAAUSDT", "BBBUSDT"])
    assert stops.seen == [("BBBUSDT", Decimal(9))]
