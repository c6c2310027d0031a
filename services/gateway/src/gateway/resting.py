"""What rests on an exchange, joined with what the ledger knows of it.

Some waiting orders carry no id of ours on the exchange (Gate.io's price orders): the ledger knows them by the
exchange's id, and gives them their name back.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from common.orders import OrderSnapshot
from gateway.ports import Account, Connector, Ledger, OrderView


class Resting(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the exchange tells it, under our name where it is ours."""

    order: OrderSnapshot
    ours: OrderView | None


async def resting(connector: Connector, ledger: Ledger, account: Account, symbol: str | None) -> Sequence[Resting]:
    """Everything that rests for the account. Raises Unavailable."""
    orders = await connector.open_orders(account.account_id, symbol)
    names = [order.client_order_id for order in orders if order.client_order_id]
    numbers = [order.exchange_order_id for order in orders if not order.client_order_id and order.exchange_order_id]
    by_name, by_number = await asyncio.gather(
        ledger.orders_by_client_id(account.account_id, names) if names else _nothing(),
        ledger.orders_by_exchange_id(account.account_id, numbers) if numbers else _nothing(),
    )
    named = {view.client_order_id: view for view in by_name}
    numbered = {(view.symbol, view.order_id): view for view in by_number}
    return [_joined(order, named.get(order.client_order_id or ""), numbered) for order in orders]


def _joined(
    order: OrderSnapshot, named: OrderView | None, numbered: dict[tuple[str, str | None], OrderView]
) -> Resting:
    ours = named or (None if order.client_order_id else numbered.get((order.symbol, order.exchange_order_id)))
    if ours is not None:
        order = msgspec.structs.replace(order, client_order_id=ours.client_order_id)
    return Resting(order=order, ours=ours)


async def _nothing() -> Sequence[OrderView]:
    return ()
