"""The price that a refusal for a price is told with."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.commands import ListLeg, SubmitOrder, SubmitOrderList
from common.connector.trigger_side import refused_at
from common.exchanges import Exchange
from common.orders import OrderType, Side

ABOUT: Any = {
    "command_id": "c", "bracket_id": "b", "account_id": "a", "exchange": Exchange.MEXC, "symbol": "BTCUSDT",
    "ts_init_ms": 1_000, "valid_until_ms": 11_000, "side": Side.SELL, "qty": Decimal("0.01"),
}  # fmt: skip
TARGET = SubmitOrder(**ABOUT, client_order_id="t", order_type=OrderType.LIMIT, price=Decimal(104_000))
PAIR = SubmitOrderList(
    **ABOUT,
    list_client_order_id="l",
    take_profit=ListLeg(client_order_id="t", order_type=OrderType.LIMIT_MAKER, price=Decimal(104_000)),
    stop_loss=ListLeg(
        client_order_id="s", order_type=OrderType.STOP_LOSS_LIMIT, price=Decimal(94_000), trigger_px=Decimal(95_000)
    ),
)
NOW = Decimal(106_000)


class Prices:
    """A price that was heard some time ago, and the one of now."""

    def __init__(self, heard: int | None, now: Decimal | None = NOW) -> None:
        self._heard, self._now = None if heard is None else Decimal(heard), now

    async def last_px(self, symbol: str, patience_ms: int, *, fresh: bool = False) -> Decimal | None:
        return self._now if fresh else self._heard


@pytest.mark.parametrize(("command", "heard"), [(TARGET, 104_000), (PAIR, 104_000), (PAIR, 95_000), (PAIR, 94_000)])
async def test_a_price_that_explains_the_refusal_is_told_as_it_is_known(command: Any, heard: int) -> None:
    assert await refused_at(command, Prices(heard)) == heard


@pytest.mark.parametrize(("command", "heard"), [(TARGET, 103_999), (PAIR, 103_999), (PAIR, 95_001)])
async def test_a_price_that_does_not_explain_the_refusal_is_asked_for_again(command: Any, heard: int) -> None:
    assert await refused_at(command, Prices(heard)) == NOW
    assert await refused_at(command, Prices(heard, now=None)) == heard


async def test_what_has_no_price_of_its_own_is_told_the_price_we_know() -> None:
    sale = msgspec.structs.replace(TARGET, order_type=OrderType.MARKET, price=None)
    assert await refused_at(sale, Prices(100_000)) == Decimal(100_000)
    assert await refused_at(TARGET, Prices(None)) is None
