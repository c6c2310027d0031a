"""What the market told is found again by its id: no two prices share one."""

from decimal import Decimal

import msgspec

from common.connector.market import market_id
from common.exchanges import Exchange
from common.market import Ticker


def test_two_prices_of_one_millisecond_have_ids_of_their_own() -> None:
    first = Ticker(
        exchange=Exchange.MEXC, symbol="ETHUSDT", last_px=None, bid_px=Decimal(3290), ask_px=Decimal("3290.01"),
        ts_event_ms=1_795_341_600_000, ts_init_ms=1_795_341_600_001,
    )  # fmt: skip
    then = msgspec.structs.replace(first, bid_px=Decimal("3289.99"))
    assert market_id(first) != market_id(then)
    assert market_id(first) == market_id(msgspec.structs.replace(first))
