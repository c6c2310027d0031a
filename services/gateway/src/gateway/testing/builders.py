"""Instruments and markets as the tests of sizes and plans need them."""

from decimal import Decimal
from typing import Any

from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderType
from gateway.trading.plans import Market


def an_instrument(**changes: Any) -> Instrument:
    """BTCUSDT as Binance has it, small rules changed at will."""
    rules: dict[str, Any] = {
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "exchange_symbol": "BTCUSDT",
        "base": "BTC",
        "quote": "USDT",
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal("0.00001"),
        "min_qty": Decimal("0.00001"),
        "max_qty": Decimal(9000),
        "min_notional": Decimal(5),
        "max_algo_orders": 5,
        "order_types": tuple(OrderType),
        "oco_allowed": True,
    }
    return Instrument(**(rules | changes))


def a_market(px: str = "100000", *, spread: str = "10") -> Market:
    """A market whose last price is in the middle of its spread."""
    return Market(
        last_px=Decimal(px), bid_px=Decimal(px) - Decimal(spread) / 2, ask_px=Decimal(px) + Decimal(spread) / 2
    )
