"""What happens to open trades when their key is deleted or set aside: said before it is done, and again afterwards."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from common.codec import plain
from common.errors import Refused
from common.exchanges import CAPABILITIES, Exchange, ExitStyle
from gateway.ports import Account, BracketView

_PARTNERS: Final = (
    "Exits that rest on the exchange stay there, but when one of them is executed nobody cancels its partner."
)
_HAPPENS: Final[Mapping[ExitStyle, str]] = MappingProxyType(
    {
        ExitStyle.OCO: "Exits that rest on the exchange stay and end each other; what fills later is not protected.",
        ExitStyle.TRIGGER_PAIR: _PARTNERS,
        ExitStyle.SHARED_STOP: _PARTNERS,
        ExitStyle.HELD_STOP: "Take-profits that rest on the exchange stay there; stops are held here and end with it.",
    }
)
_MOST_NAMED: Final = 5


def trades_open(account: Account, brackets: Sequence[BracketView], what: str) -> Refused:
    """The refusal (409) to do `what` to a key whose trades are open."""
    named = ", ".join(_named(bracket) for bracket in brackets[:_MOST_NAMED])
    more = f" and {len(brackets) - _MOST_NAMED} more" if len(brackets) > _MOST_NAMED else ""
    return Refused(
        code="TRADES_OPEN",
        title="Trades are open",
        field="credentialId",
        rule=f"These credentials guard open trades: {named}{more}.",
        fix=f"Close or cancel them first, or {what} with ?force=true: {happens(account.exchange)}",
        status=409,
    )


def orders_under_way(count: int, what: str) -> Refused:
    """The refusal (409) to do `what` to a key whose orders may open trades any moment."""
    return Refused(
        code="ORDERS_UNDER_WAY",
        title="Orders are under way",
        field="credentialId",
        rule=f"{count} of the requests with these credentials have no answer yet.",
        fix=f"Wait a moment and repeat it, or {what} with ?force=true.",
        status=409,
    )


def left_behind(account: Account, brackets: Sequence[BracketView]) -> dict[str, Any]:
    """What is left to itself once it has been done by force, as the answer shows it; empty for nothing."""
    if not brackets:
        return {}
    return {"leftBehind": {"happens": happens(account.exchange), "trades": [_shown(each) for each in brackets]}}


def happens(exchange: Exchange) -> str:
    """What becomes of a trade's exits when nobody may speak for its account any more."""
    return _HAPPENS[CAPABILITIES[exchange].exit_style]


def _named(bracket: BracketView) -> str:
    return f"{bracket.symbol} ({bracket.state}, {plain(bracket.held_qty)} held)"


def _shown(bracket: BracketView) -> dict[str, Any]:
    return {
        "orderGroupId": bracket.bracket_id,
        "symbol": bracket.symbol,
        "state": bracket.state,
        "quantity": bracket.held_qty,
        "protectedQty": bracket.protected_qty,
        "unprotectedQty": bracket.guarded_qty + bracket.unprotected_qty,
    }
