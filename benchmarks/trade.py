"""The one trade that everybody makes: a limit buy that rests, and two OCO lists once it has filled.

Everybody uses the same prices, quantities, order types and client ids: only the way from fill to request differs.
"""

from decimal import ROUND_FLOOR, Decimal
from typing import Final

SYMBOL: Final = "BTCUSDT"
LOT: Final = Decimal("0.00001")
ENTRY_PX: Final = Decimal(97_000)
"""Below the paper market's 98,000, so that entries rest until the benchmark has them filled."""
ENTRY_QTY: Final = Decimal("0.01")
TAKE_PROFITS: Final = (Decimal(104_000), Decimal(106_000))
STOP: Final = Decimal(90_000)
LISTS_PER_FILL: Final = len(TAKE_PROFITS)

OCO_CALLS: Final = frozenset({"POST /api/v3/orderList/oco", "orderList.place.oco"})
"""What the paper exchange's timings call the requests that protect, over REST and over the WebSocket API."""


def entry_id(group: str) -> str:
    """The client id of a group's entry. A group is one trade: our bracket id, or a name made up for a bot."""
    return f"{group}-e0"


def group_of(client_order_id: str) -> str:
    """The group that an entry, a leg or a list belongs to."""
    return client_order_id.partition("-")[0]


def oco_params(entry_client_order_id: str, received: Decimal) -> list[dict[str, str]]:
    """The unsigned parameters of the lists that protect `received`, with the ids and order types that we use."""
    group = group_of(entry_client_order_id)
    half = (received / 2).quantize(LOT, rounding=ROUND_FLOOR)
    rest = received.quantize(LOT, rounding=ROUND_FLOOR) - half
    return [
        {
            "symbol": SYMBOL,
            "listClientOrderId": f"{group}-l{number}",
            "side": "SELL",
            "quantity": f"{qty:f}",
            "aboveType": "LIMIT_MAKER",
            "aboveClientOrderId": f"{group}-t{number}",
            "abovePrice": f"{take_profit:f}",
            "belowType": "STOP_LOSS",
            "belowClientOrderId": f"{group}-s{number}",
            "belowStopPrice": f"{STOP:f}",
        }
        for number, (take_profit, qty) in enumerate(zip(TAKE_PROFITS, (half, rest), strict=True))
    ]
