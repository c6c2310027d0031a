"""What orders placed together leave for each other: a balance is promised once."""

from collections.abc import Mapping
from decimal import Decimal

from common.instruments import ZERO
from common.intents import PlaceOrder
from common.orders import Side


class Purse:
    """The balances at the first look, less what each order takes."""

    def __init__(self) -> None:
        self._left: dict[str, dict[str, Decimal]] = {}

    def left(self, account_id: str, free: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        """What the account's next order may use; `free` counts at the first look only."""
        return self._left.setdefault(account_id, dict(free))

    def take(self, intent: PlaceOrder) -> None:
        """Set aside what the order will use."""
        left, instrument = self._left[intent.account_id], intent.instrument
        if intent.side is Side.SELL:
            asset, used = instrument.base, intent.qty or ZERO
        else:
            asset = instrument.quote
            used = intent.quote_qty or (intent.qty or ZERO) * (intent.price or intent.reference_px)
        left[asset] = left.get(asset, ZERO) - used
