"""What a user wants of every order on an exchange that does not say otherwise: levels, shares, the stop, the style."""

from decimal import Decimal
from typing import Any, Protocol

import msgspec

from common.codec import plain
from common.exchanges import CAPABILITIES, Exchange
from common.exits import PriceTarget
from common.orders import OrderType
from gateway.trading.plans import Wanted


class DefaultsStore(Protocol):
    """The users' own defaults, by exchange."""

    async def of(self, user_id: str, exchange: Exchange) -> Wanted | None:
        """What the user has set; None where it is nothing. Raises Unavailable."""
        ...

    async def put(self, user_id: str, exchange: Exchange, wanted: Wanted, now_ms: int) -> None:
        """Replace it; what names nothing is none. Raises Unavailable."""
        ...


NOTHING = Wanted()


def completed(wanted: Wanted, own: Wanted | None) -> Wanted:
    """What a request names, and of what it leaves open the user's own defaults.

    Levels come with their shares, and a kind of stop with its offset: nobody meant the halves of two wishes.
    """
    if own is None:
        return wanted
    if wanted.take_profits is None and wanted.shares is None:
        wanted = msgspec.structs.replace(wanted, take_profits=own.take_profits, shares=own.shares)
    if wanted.stop_type is None and wanted.stop_limit_offset_pct is None:
        wanted = msgspec.structs.replace(
            wanted, stop_type=own.stop_type, stop_limit_offset_pct=own.stop_limit_offset_pct
        )
    return msgspec.structs.replace(wanted, stop_loss=wanted.stop_loss or own.stop_loss, style=wanted.style or own.style)


def shown(exchange: Exchange, own: Wanted | None) -> dict[str, Any]:
    """The settings in force, in the words an order would use, and what may be chosen."""
    known = CAPABILITIES[exchange]
    wanted = own or NOTHING
    levels = wanted.take_profits or tuple(PriceTarget(pct=pct) for pct, _ in known.default_take_profits)
    shares = wanted.shares if wanted.take_profits else tuple(share for _, share in known.default_take_profits)
    stop = wanted.stop_loss or PriceTarget(pct=-known.default_stop_loss_pct)
    stop_type = wanted.stop_type or known.stop_loss_types[0]
    offset = wanted.stop_limit_offset_pct
    limited = stop_type is OrderType.STOP_LOSS_LIMIT
    return {
        "exchange": exchange.value.upper(),
        "tpLevels": [_percent(level) for level in levels],
        "tpShares": None if shares is None else [plain(share) for share in shares],
        "sl": _percent(stop),
        "stopType": "limit" if limited else "market",
        "stopLimitOffsetPct": plain(known.exit_slippage_pct if offset is None else offset) if limited else None,
        "exitStyle": wanted.style or known.exit_style,
        "own": wanted != NOTHING,
        "choices": {
            "stopType": ["limit" if kind is OrderType.STOP_LOSS_LIMIT else "market" for kind in known.stop_loss_types],
            "exitStyle": list(known.exit_styles),
        },
    }


def _percent(target: PriceTarget) -> str:
    return f"{plain(abs(target.pct or Decimal(0)))}%"
