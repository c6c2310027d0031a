"""What a bracket came to: fees, profit, and the words the API uses for its parts. Pure."""

from decimal import Decimal

from common.exchanges import CAPABILITIES, Exchange, Residency
from common.instruments import ZERO
from common.orders import Side
from order_engine.bracket import Bracket
from order_engine.order import Order, Role


def residency_reason(exchange: Exchange, order: Order) -> str:
    """Why an order waits where it waits."""
    if order.residency is Residency.ENGINE:
        return CAPABILITIES[exchange].why_engine_held
    return "waits on the exchange" if order.order_type.waits_for_trigger else "rests on the exchange"


def role_name(order: Order) -> str:
    """The order's role as the API shows it: ENTRY, TP1, TP2, SL, EXIT."""
    if order.role is Role.TAKE_PROFIT and order.level is not None:
        return f"{order.role}{order.level + 1}"
    return order.role.value


def closing_reason(bracket: Bracket) -> str:
    """Why nothing is left to look after."""
    entry = bracket.entry
    if entry is not None and entry.filled_qty == 0:
        return f"entry {entry.status or ''}".lower().strip()
    if bracket.sold_qty > 0:
        return "exited"
    if bracket.plan is None:
        return "done"
    if bracket.missing_qty > 0:
        return "no longer on the account"
    return "released by the user" if bracket.released_qty > 0 else "nothing left to protect"


def result_of(bracket: Bracket) -> dict[str, object]:
    """What a bracket came to, as the closing fact tells it."""
    sold = bracket.sold_qty
    proceeds = sum((leg.quote_filled for exit_ in bracket.exits for leg in exit_.legs), ZERO)
    entry_qty = bracket.entry.filled_qty if bracket.entry else bracket.given_qty
    return {
        "entry_qty": entry_qty,
        "entry_avg_px": bracket.avg_px,
        "exit_qty": sold,
        "exit_avg_px": proceeds / sold if sold > 0 else None,
        "fees": fees_of(bracket),
        "realised_pnl": realised_pnl(bracket),
    }


def fees_of(bracket: Bracket) -> dict[str, Decimal]:
    """All fees paid so far, by asset."""
    fees: dict[str, Decimal] = {}
    for order in bracket.orders:
        for fill in order.fills:
            if fill.fee_asset is not None and fill.fee != 0:
                fees[fill.fee_asset] = fees.get(fill.fee_asset, ZERO) + fill.fee
    return dict(sorted(fees.items()))


def realised_pnl(bracket: Bracket) -> Decimal | None:
    """Profit in quote asset on what was sold, net of fees in base and quote; None without a bought entry.

    What a unit cost is the whole price of the entry over what arrived, so a fee in base is in it. Fees in a third
    asset are listed beside it and not valued here.
    """
    entry = bracket.entry
    if entry is None or entry.side is Side.SELL or bracket.received_qty <= 0:
        return None
    quote = bracket.instrument.quote
    cost = entry.quote_filled + entry.fee_in(quote)
    legs = [leg for exit_ in bracket.exits for leg in exit_.legs]
    proceeds = sum((leg.quote_filled - leg.fee_in(quote) for leg in legs), ZERO)
    return proceeds - bracket.sold_qty * cost / bracket.received_qty
