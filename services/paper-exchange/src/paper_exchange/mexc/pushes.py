"""Core facts to private pushes (sections 7.5 and 11): orders, deals, and one account push per change of a balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from common.mexc_proto import Push as Frame
from paper_exchange.core.events import (
    BalanceAdjusted,
    BalancesChanged,
    Event,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderTraded,
)
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO, down, plain
from paper_exchange.core.orders import Order
from paper_exchange.mexc import ids
from paper_exchange.mexc.render import quote_of, status_of, type_of
from paper_exchange.timings import Stamp

Json = dict[str, Any]
Kind = Literal["orders", "deals", "account"]
Pair = tuple[Decimal, Decimal]
CHANNELS = {f"spot@private.{kind}.v3.api.pb": kind for kind in ("orders", "deals", "account")}
_BODIES = {"orders": "privateOrders", "deals": "privateDeals", "account": "privateAccount"}
_STATUSES = {"NEW": 1, "FILLED": 2, "PARTIALLY_FILLED": 3, "CANCELED": 4, "PARTIALLY_CANCELED": 5}
_TYPES = {"LIMIT": 1, "LIMIT_MAKER": 2, "IMMEDIATE_OR_CANCEL": 3, "FILL_OR_KILL": 4, "MARKET": 5}
_SIDES = {"BUY": 1, "SELL": 2}


@dataclass(frozen=True, slots=True)
class Push:
    """One private push before it is sent; `of_fill` says that a fill caused it."""

    uid: int
    kind: Kind
    symbol: str | None
    body: Json
    created_ms: int | None = None
    of_fill: bool = False
    stamp: Stamp | None = None

    def encode(self, now_ms: int) -> bytes:
        """The binary frame, sent now."""
        # Account pushes say when they were made and no symbol, the others the reverse.
        head: Json = {"createTime": self.created_ms} if self.symbol is None else {"symbol": self.symbol}
        channel = f"spot@private.{self.kind}.v3.api.pb"
        frame: bytes = Frame(
            channel=channel, sendTime=now_ms, **head, **{_BODIES[self.kind]: self.body}
        ).SerializeToString()
        return frame


class PrivateFeed:
    """Remembers balances, so that it can tell by how much they changed; and what the next change is due to."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], Pair] = {}
        self._cause: OrderEvent | BalanceAdjusted | None = None

    def prime(self, account: Account) -> None:
        """Take an account's present balances as known."""
        for asset, balance in account.balances.items():
            self._known[account.uid, asset] = balance.free, balance.locked

    def translate(self, event: Event, *, withheld: bool) -> list[Push]:
        """The pushes that this fact completes, in the documented order.

        The core tells balances right after what moved them, so both become pushes together. `withheld` says that
        money which a cancel gives back is not free yet; `released` tells it later.
        """
        if isinstance(event, OrderEvent | BalanceAdjusted):
            self._cause = event
            return []
        cause = self._cause
        if not isinstance(event, BalancesChanged) or cause is None:
            return []
        match cause:
            case BalanceAdjusted():
                return list(self._changes(event, "DEPOSIT" if cause.delta > 0 else "WITHDRAW"))
            case OrderAccepted():
                return [*self._changes(event, "ENTRUST_PLACE"), _order_push(cause)]
            case OrderTraded():
                return [_order_push(cause), *self._settlement(event, cause), _deal_push(cause)]
            case OrderCanceled():
                return [_order_push(cause), *([] if withheld else self._changes(event, "ENTRUST_CANCEL"))]
            case _:
                return [_order_push(cause), *self._changes(event, "ENTRUST_UNFROZEN")]

    def released(self, account: Account, asset: str, now_ms: int) -> list[Push]:
        """Money of a cancel is free now."""
        balance = account.balance(asset)
        event = BalancesChanged(account.uid, now_ms, ((asset, balance.free, balance.locked),))
        return list(self._changes(event, "ENTRUST_CANCEL"))

    def _changes(self, event: BalancesChanged, kind: str, *, of_fill: bool = False) -> Iterator[Push]:
        for asset, free, locked in event.balances:
            yield from self._step(event, asset, (free, locked), kind, of_fill=of_fill)

    def _step(
        self, event: BalancesChanged, asset: str, after: Pair, kind: str, *, of_fill: bool = False
    ) -> Iterator[Push]:
        before = self._known.get((event.uid, asset), (ZERO, ZERO))
        if before == after:
            return
        self._known[event.uid, asset] = after
        body = {
            "vcoinName": asset,
            "coinId": ids.listed_id(asset),
            "balanceAmount": plain(after[0]),
            "balanceAmountChange": plain(after[0] - before[0]),
            "frozenAmount": plain(after[1]),
            "frozenAmountChange": plain(after[1] - before[1]),
            "type": kind,
            "time": event.ts_ms,
        }
        yield Push(event.uid, "account", None, body, event.ts_ms, of_fill)

    def _settlement(self, event: BalancesChanged, traded: OrderTraded) -> Iterator[Push]:
        """A fill as MEXC books it: the deal on both assets, then the fee, then what remained locked comes back."""
        order, fill = traded.order, traded.fill
        assets = [asset for asset, _, _ in event.balances]
        paid, received = ((assets[0], fill.qty), (assets[1], fill.quote))
        if order.side == "BUY":
            paid, received = received, paid
        yield from self._move(event, paid[0], -paid[1], "ENTRUST", from_locked=True)
        yield from self._move(event, received[0], received[1], "ENTRUST", from_locked=False)
        if fill.fee:
            yield from self._move(event, fill.fee_asset, -fill.fee, "TRADE_FEE", from_locked=fill.fee_asset == paid[0])
        yield from self._changes(event, "ENTRUST_UNFROZEN", of_fill=True)

    def _move(
        self, event: BalancesChanged, asset: str, delta: Decimal, kind: str, *, from_locked: bool
    ) -> Iterator[Push]:
        free, locked = self._known.get((event.uid, asset), (ZERO, ZERO))
        after = (free, locked + delta) if from_locked else (free + delta, locked)
        yield from self._step(event, asset, after, kind, of_fill=True)


def _order_push(event: OrderEvent) -> Push:
    order, fill = event.order, event.fill if isinstance(event, OrderTraded) else None
    status = status_of(event.status, event.cum_qty)
    is_market = order.type == "MARKET"
    left = order.qty - event.cum_qty
    average = down(event.cum_quote / event.cum_qty) if event.cum_qty else ZERO
    body = {
        "id": ids.order_id(order.order_id),
        "clientId": order.client_order_id,
        "price": plain(order.px),
        "quantity": plain(order.qty),
        "amount": plain(order.request.quote_qty if is_market else quote_of(order, order.qty)),
        "avgPrice": plain(average),
        "orderType": _TYPES[type_of(order)],
        "tradeType": _SIDES[order.side],
        "isMaker": _is_maker(order),
        "remainAmount": plain(ZERO if is_market else quote_of(order, left)),
        "remainQuantity": plain(left),
        "cumulativeQuantity": plain(event.cum_qty),
        "cumulativeAmount": plain(event.cum_quote),
        "status": _STATUSES[status],
        "createTime": order.created_ms,
    }
    last_fill = fill or (order.fills[-1] if is_market and order.fills else None)
    if last_fill is not None:
        body["lastDealQuantity"] = plain(last_fill.qty)
    stamp = None if fill is None else (order.uid, order.symbol, order.order_id, fill.trade_id)
    return Push(order.uid, "orders", order.symbol, body, of_fill=fill is not None, stamp=stamp)


def _is_maker(order: Order) -> bool:
    """Whether it rests: MEXC says so of every plain limit order that has taken nothing."""
    return type_of(order) in {"LIMIT", "LIMIT_MAKER"} and all(fill.is_maker for fill in order.fills)


def _deal_push(event: OrderTraded) -> Push:
    order, fill = event.order, event.fill
    body = {
        "price": plain(fill.px),
        "quantity": plain(fill.qty),
        "amount": plain(fill.quote),
        "tradeType": _SIDES[order.side],
        "isMaker": fill.is_maker,
        "tradeId": ids.trade_id(fill.trade_id),
        "clientOrderId": order.client_order_id,
        "orderId": ids.order_id(order.order_id),
        "feeAmount": plain(fill.fee),
        "feeCurrency": fill.fee_asset,
        "time": fill.ts_ms,
    }
    return Push(order.uid, "deals", order.symbol, body, of_fill=True)
