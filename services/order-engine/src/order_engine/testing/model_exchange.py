"""A model of an exchange, small enough to be obviously right: it judges what the engine's commands really do.

It keeps the truth (what was bought, what could still be sold, how often an id was used) and answers with facts, which
a test may delay, reorder, repeat or lose.
"""

from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from common import ids
from common.commands import (
    AdoptOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    Preset,
    QueryOrder,
    SubmitOrder,
    SubmitOrderList,
)
from common.errors import ErrorCategory
from common.exchanges import CAPABILITIES, Exchange, ExitStyle
from common.instruments import ZERO
from common.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderRejected,
    OrderSnapshot,
    OrderStatus,
    OrderType,
    Side,
)

FEE_RATE = Decimal("0.001")


@dataclass
class ModelOrder:
    """One order as the exchange sees it."""

    client_order_id: str
    side: Side
    order_type: OrderType
    qty: Decimal
    list_id: str | None
    px: Decimal
    status: OrderStatus = OrderStatus.NEW
    cum_qty: Decimal = ZERO
    fills: list[OrderFilled] = field(default_factory=list)

    @property
    def leaves_qty(self) -> Decimal:
        return ZERO if self.status.terminal else self.qty - self.cum_qty

    @property
    def takes_profit(self) -> bool:
        return self.order_type in {OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT}

    @property
    def stops(self) -> bool:
        return self.order_type in {OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}


class ModelExchange:
    """Orders, lists and the base asset bought through them."""

    def __init__(
        self,
        account_id: str,
        *,
        exchange: Exchange = Exchange.BINANCE,
        fee_in_base: bool = True,
        triggers_lock: bool = False,
        presets_appear: bool = True,
    ) -> None:
        self._presets_appear = presets_appear
        self._presets: dict[str, Preset] = {}
        self.account_id = account_id
        self._triggers_lock = triggers_lock
        self.exchange = exchange
        self.orders: dict[str, ModelOrder] = {}
        self.submitted: list[str] = []
        self.refuse_next: list[ErrorCategory] = []
        self.market_px = Decimal(100_000)
        self._fee_in_base = fee_in_base
        self._trades = 0
        self._now_ms = 0

    @property
    def bought(self) -> Decimal:
        """Base received from buys, after fees in base."""
        total = ZERO
        for order in self.orders.values():
            if order.side is Side.BUY:
                total += order.cum_qty - sum((f.fee or ZERO for f in order.fills if f.fee_asset == "BTC"), ZERO)
        return total

    @property
    def sold(self) -> Decimal:
        return sum((o.cum_qty for o in self.orders.values() if o.side is Side.SELL), ZERO)

    @property
    def may_still_sell(self) -> Decimal:
        """The most that open sells are meant to take; the legs of an exit share one quantity.

        Where nothing links them, stops all wait for a fall and targets for a rise.
        """
        if CAPABILITIES[self.exchange].exit_style is ExitStyle.TRIGGER_PAIR:
            sells = [order for order in self.orders.values() if order.side is Side.SELL]
            targets = sum((order.leaves_qty for order in sells if order.takes_profit), ZERO)
            stops = sum((order.leaves_qty for order in sells if order.stops), ZERO)
            return sum((order.leaves_qty for order in sells), ZERO) - min(targets, stops)
        exits: dict[str, Decimal] = {}
        for order in self.orders.values():
            if order.side is Side.SELL:
                exit_ = _exit_of(order.client_order_id)
                exits[exit_] = max(exits.get(exit_, ZERO), order.leaves_qty)
        return sum(exits.values(), ZERO)

    @property
    def locked(self) -> Decimal:
        """What open sells hold back; of waiting triggers that nothing links, only if this exchange locks for them."""
        if CAPABILITIES[self.exchange].exit_style is ExitStyle.OCO:
            return self.may_still_sell
        sells = [order for order in self.open_orders() if order.side is Side.SELL]
        holding = (o for o in sells if self._triggers_lock or not o.order_type.waits_for_trigger)
        return sum((order.leaves_qty for order in holding), ZERO)

    def open_orders(self) -> list[ModelOrder]:
        return [order for order in self.orders.values() if not order.status.terminal]

    def handle(self, command: Command, now_ms: int) -> list[OrderFact]:
        """What the exchange does on a command, and the facts that tell of it."""
        self._now_ms = now_ms
        match command:
            case AdoptOrder():
                return self._adopt(command)
            case SubmitOrder():
                if command.preset is not None and self._presets_appear:
                    self._presets[command.client_order_id] = command.preset
                return self._submit(
                    None,
                    [(command.client_order_id, command.order_type, command.trigger_px or command.price)],
                    command.side,
                    command.qty or ZERO,
                )
            case SubmitOrderList():
                legs = [
                    (leg.client_order_id, leg.order_type, leg.trigger_px or leg.price)
                    for leg in (command.take_profit, command.stop_loss)
                ]
                return self._submit(command.list_client_order_id, legs, command.side, command.qty)
            case CancelOrder():
                return self._cancel(command)
            case CancelAllOrders():
                return [fact for order in self.open_orders() for fact in self._end(order, OrderStatus.CANCELED)]
            case QueryOrder():
                return self._answer(command)

    def _submit(
        self, list_id: str | None, legs: list[tuple[str, OrderType, Decimal | None]], side: Side, qty: Decimal
    ) -> list[OrderFact]:
        self.submitted.extend(client_id for client_id, _, _ in legs)
        if self.refuse_next:
            category = self.refuse_next.pop(0)
            return [self.refusal(client_id, list_id, category) for client_id, _, _ in legs]
        waits = legs[0][1].waits_for_trigger and list_id is None and not self._triggers_lock
        if side is Side.SELL and qty > self.free and not waits:
            return [
                self.refusal(client_id, list_id, ErrorCategory.INSUFFICIENT_BALANCE, available=self.free)
                for client_id, _, _ in legs
            ]
        facts: list[OrderFact] = []
        for client_id, order_type, px in legs:
            order = ModelOrder(client_id, side, order_type, qty, list_id, px or self.market_px)
            self.orders[client_id] = order
            facts.append(self._fact(OrderAccepted, order))
        if legs[0][1] is OrderType.MARKET:
            facts += self.fill(legs[0][0], qty)
        return facts

    @property
    def free(self) -> Decimal:
        return self.bought - self.sold - self.locked

    def fill(self, client_order_id: str, qty: Decimal) -> list[OrderFact]:
        """Trade part or all of an open order; its list partner ends."""
        order = self.orders[client_order_id]
        qty = min(qty, order.leaves_qty)
        if qty <= 0:
            return []
        fires = order.side is Side.SELL and order.order_type.waits_for_trigger and order.list_id is None
        if fires and qty > self.free + (order.leaves_qty if self._triggers_lock else ZERO):
            return self._end(order, OrderStatus.EXPIRED)  # It fired, and found nothing to sell.
        facts: list[OrderFact] = []
        for partner in self._partners(order):
            facts += self._end(partner, OrderStatus.EXPIRED)
        self._trades += 1
        order.cum_qty += qty
        order.status = OrderStatus.FILLED if order.cum_qty == order.qty else OrderStatus.PARTIALLY_FILLED
        in_base = order.side is Side.BUY and self._fee_in_base
        fill = self._fact(
            OrderFilled,
            order,
            last_qty=qty,
            last_px=order.px,
            trade_id=str(self._trades),
            fee=qty * FEE_RATE if in_base else qty * order.px * FEE_RATE,
            fee_asset="BTC" if in_base else "USDT",
        )
        order.fills.append(fill)
        if order.status.terminal:
            self._place_presets(order)
        return [fill, *facts]

    def _adopt(self, command: AdoptOrder) -> list[OrderFact]:
        """An order of ours by its terms: it is known under the name we give it from now on."""
        if command.client_order_id in self.orders:
            return self._snapshot(self.orders[command.client_order_id])
        for name, order in list(self.orders.items()):
            if name.startswith("preset") and (order.order_type, order.px) == (command.order_type, command.trigger_px):
                del self.orders[name]
                order.client_order_id = command.client_order_id
                self.orders[order.client_order_id] = order
                return self._snapshot(order)
        return [self.refusal(command.client_order_id, None, ErrorCategory.NOT_FOUND)]

    def _place_presets(self, entry: ModelOrder) -> None:
        """The entry has ended: what it brought along is placed, for what it delivered, and nobody is told."""
        preset = self._presets.pop(entry.client_order_id, None)
        if preset is None or not entry.cum_qty:
            return
        qty = self.bought.quantize(Decimal("0.00001"), ROUND_FLOOR)
        for kind, px in ((OrderType.TAKE_PROFIT, preset.take_profit_px), (OrderType.STOP_LOSS, preset.stop_loss_px)):
            name = f"preset-{kind}"
            self.orders[name] = ModelOrder(name, Side.SELL, kind, qty, None, px)

    def expire(self, client_order_id: str) -> list[OrderFact]:
        """The exchange ends an order on its own (or somebody cancels it by hand)."""
        return self._end(self.orders[client_order_id], OrderStatus.CANCELED)

    def _partners(self, order: ModelOrder) -> list[ModelOrder]:
        return [
            other
            for other in self.open_orders()
            if other is not order and order.list_id is not None and other.list_id == order.list_id
        ]

    def _end(self, order: ModelOrder, status: OrderStatus) -> list[OrderFact]:
        if order.status.terminal:
            return []
        facts: list[OrderFact] = []
        order.status = status
        self._place_presets(order)
        if status is OrderStatus.CANCELED:
            for partner in self._partners(order):
                facts += self._end(partner, status)
        return [self._fact(OrderCanceled if status is OrderStatus.CANCELED else OrderExpired, order), *facts]

    def _cancel(self, command: CancelOrder) -> list[OrderFact]:
        order = self.orders.get(command.client_order_id or "")
        if order is None:
            return []
        return self._end(order, OrderStatus.CANCELED) or self._snapshot(order)

    def _answer(self, command: QueryOrder) -> list[OrderFact]:
        wanted = [
            order
            for order in self.orders.values()
            if order.client_order_id == command.client_order_id
            or (command.list_client_order_id is not None and order.list_id == command.list_client_order_id)
        ]
        if not wanted:
            facts: list[OrderFact] = [self.refusal(command.client_order_id, None, ErrorCategory.NOT_FOUND)]
            if command.list_client_order_id is not None:
                key = command.client_order_id
                other = key.replace("-t", "-s") if "-t" in key else key.replace("-s", "-t")
                facts.append(self.refusal(other, None, ErrorCategory.NOT_FOUND))
            return facts
        return [fact for order in wanted for fact in self._snapshot(order)]

    def _snapshot(self, order: ModelOrder) -> list[OrderFact]:
        return [*order.fills, self._fact(OrderSnapshot, order)]

    def refusal(
        self, client_id: str, list_id: str | None, category: ErrorCategory, *, available: Decimal | None = None
    ) -> OrderRejected:
        return OrderRejected(
            account_id=self.account_id,
            exchange=self.exchange,
            symbol="BTCUSDT",
            client_order_id=client_id,
            list_client_order_id=list_id,
            status=OrderStatus.REJECTED,
            category=category,
            market_px=self.market_px if category is ErrorCategory.PRICE_RELATION else None,
            available_qty=available,
            ts_event_ms=self._now_ms,
            ts_init_ms=self._now_ms,
        )

    def _fact(self, kind: type[Any], order: ModelOrder, **fields: Any) -> Any:
        return kind(
            account_id=self.account_id,
            exchange=self.exchange,
            symbol="BTCUSDT",
            client_order_id=order.client_order_id,
            exchange_order_id=f"x-{order.client_order_id}",
            list_client_order_id=order.list_id,
            side=order.side,
            order_type=order.order_type,
            status=order.status,
            qty=order.qty,
            cum_qty=order.cum_qty,
            avg_px=order.px if order.cum_qty else None,
            ts_event_ms=self._now_ms,
            ts_init_ms=self._now_ms,
            **fields,
        )


def _exit_of(client_order_id: str) -> str:
    key = ids.parse(client_order_id)
    return client_order_id if key is None else f"{key.bracket_id}/{key.generation}"
