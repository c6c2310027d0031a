"""Balances and prices to positions with their value in dollars."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from common.accounts import AssetBalance
from common.instruments import ZERO
from gateway.ports import BracketView
from gateway.trading.sizing import DOLLARS

DOLLAR_QUOTE: Final = "USDT"
"""The quote in which a position is valued."""
_CENT: Final = Decimal("0.01")


def held_assets(balances: Sequence[AssetBalance]) -> list[AssetBalance]:
    """What is a position: held, and not itself a dollar coin."""
    return [each for each in balances if each.free + each.locked > 0 and each.asset not in DOLLARS]


def symbol_of(asset: str) -> str:
    """The symbol an asset is priced by."""
    return asset + DOLLAR_QUOTE


def balance_shown(balance: AssetBalance) -> dict[str, Any]:
    """One asset's balance."""
    return {
        "asset": balance.asset,
        "free": balance.free,
        "locked": balance.locked,
        "total": balance.free + balance.locked,
    }


def position_shown(
    balance: AssetBalance, prices: Mapping[str, Decimal], brackets: Sequence[BracketView]
) -> dict[str, Any]:
    """One position: value at the last price (None where there is none), and how much of it is protected."""
    symbol = symbol_of(balance.asset)
    price = prices.get(symbol)
    total = balance.free + balance.locked
    ours = [bracket for bracket in brackets if bracket.symbol == symbol and bracket.state != "CLOSED"]
    return balance_shown(balance) | {
        "symbol": symbol,
        "quantity": total,
        "price": price,
        "usdValue": None if price is None else (total * price).quantize(_CENT, rounding=ROUND_HALF_EVEN),
        "protectedQty": sum((bracket.protected_qty for bracket in ours), ZERO),
        "guardedQty": sum((bracket.guarded_qty for bracket in ours), ZERO),
        "unprotectedQty": sum((bracket.unprotected_qty for bracket in ours), ZERO),
        "orderGroupIds": [bracket.bracket_id for bracket in ours],
    }
