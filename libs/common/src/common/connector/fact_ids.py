"""What a fact is known by, so that a repetition is recognised from wherever it comes. Pure."""

from common.codec import plain
from common.orders import FactBase, OrderFilled, OrderRejected, OrderSnapshot, OrderUnknown, type_of


def fact_id(fact: FactBase, causation_id: str | None = None) -> str:
    """The business key of a fact: a repetition, from whatever source, has the same one."""
    order = fact.client_order_id or fact.exchange_order_id or fact.list_client_order_id or fact.exchange_list_id
    parts: list[object] = [fact.exchange, fact.account_id, fact.symbol]
    match fact:
        case OrderFilled():
            # Two orders of one account may trade with each other: one number, two trades.
            parts += ["trade", fact.trade_id, fact.side]
        case OrderRejected() | OrderUnknown():
            # The exchange gives these no identity: the command that they answer does.
            parts += [order, type_of(fact), causation_id or fact.ts_init_ms]
        case OrderSnapshot() if causation_id is not None:
            parts += [order, type_of(fact), causation_id]
        case _:
            cum_qty = None if fact.cum_qty is None else plain(fact.cum_qty)
            parts += [order, type_of(fact), fact.status, cum_qty, fact.ts_event_ms]
    return "/".join(str(part) for part in parts)
