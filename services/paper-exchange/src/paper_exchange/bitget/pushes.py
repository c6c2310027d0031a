"""Core facts to rows of the private channels (sections 10.4 and 11)."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paper_exchange.bitget import strategies, uta_render
from paper_exchange.bitget.notes import note_of
from paper_exchange.bitget.numbers import places, px_text, qty_text, short
from paper_exchange.bitget.render import (
    asset_row,
    average,
    fees_by_coin,
    force,
    order_type,
    plan_size,
    plan_status,
    size_of,
    status_of,
    stp_mode,
)
from paper_exchange.bitget.switches import Switches
from paper_exchange.core.events import BalancesChanged, Event, OrderEvent, OrderTraded, TriggerChanged
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ledger import Account
from paper_exchange.core.market import Market
from paper_exchange.core.money import ZERO, num
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.trigger import Trigger

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Push:
    """One row of one channel; `symbol` is empty for balances."""

    channel: str
    symbol: str
    row: Json


class Pushes:
    """What to push, to Classic accounts (v2) or unified ones (v3)."""

    def __init__(self, markets: dict[str, Market], switches: Switches) -> None:
        self._markets, self._switches = markets, switches
        self._told: dict[int, str] = {}

    def of(self, event: Event, *, is_uta: bool) -> Iterator[Push]:
        """The pushes of one event of an account, in their order; balances are asked for by themselves."""
        if isinstance(event, OrderEvent):
            yield from (self._uta_order(event) if is_uta else self._order(event))
        elif isinstance(event, TriggerChanged):
            if note_of(event.trigger).kind == "strategy":
                yield from self._strategy(event.trigger)
            elif not is_uta:
                yield Push("orders-algo", event.trigger.symbol, self.plan(event.trigger))

    # -- v2 -------------------------------------------------------------------------------------------------------

    def _order(self, event: OrderEvent) -> Iterator[Push]:
        order, instrument = event.order, self._markets[event.order.symbol].instrument
        row = _order_row(event, instrument)
        if isinstance(event, OrderTraded):
            if event.status != "FILLED" or self._switches.filled_push_has_fill:
                row |= _fill_keys(event.fill, instrument)
            yield Push("orders", order.symbol, row)
            yield Push("fill", order.symbol, _fill_row(order, event.fill))
        else:
            yield Push("orders", order.symbol, row)

    def plan(self, trigger: Trigger) -> Json:
        """A row of orders-algo; `price` is the trigger price once more, and numbers have nine decimals."""
        child, note, order = trigger.request.child, note_of(trigger), trigger.order
        done = ZERO if order is None or trigger.status != "FIRED" else plan_size(trigger)
        return {
            "instId": trigger.symbol,
            "orderId": str(trigger.order_id),
            "clientOid": trigger.client_id,
            "triggerPrice": places(trigger.px, 9),
            "triggerType": note.trigger_type,
            "planType": note.plan_type,
            "price": places(trigger.px, 9),
            "size": places(plan_size(trigger), 9),
            "actualSize": places(done, 9),
            "orderType": "limit" if child.px else "market",
            "side": child.side.lower(),
            "status": plan_status(trigger),
            "executePrice": places(child.px, 9),
            "enterPointSource": "api",
            "cTime": str(trigger.created_ms),
            "uTime": str(trigger.updated_ms),
            "stpMode": "none",
        }

    # -- v3 -------------------------------------------------------------------------------------------------------

    def _uta_order(self, event: OrderEvent) -> Iterator[Push]:
        order = event.order
        yield Push("order", order.symbol, uta_render.order_push(event, fills_until(order, event.cum_qty)))
        if isinstance(event, OrderTraded):
            yield Push("fill", order.symbol, uta_render.fill_push(order, event.fill))

    def _strategy(self, trigger: Trigger) -> Iterator[Push]:
        """One push for what happens to the whole, not one for each leg."""
        members = trigger.group.members
        row = self.strategy(members)
        number, told = members[0].order_id, f"{row['status']} {row['takeProfit']} {row['stopLoss']} {row['qty']}"
        if self._told.get(number) != told:
            self._told[number] = told
            yield Push("strategy-order", trigger.symbol, row)

    @staticmethod
    def strategy(members: list[Trigger]) -> Json:
        """A row of strategy-order."""
        return {**strategies.row(members), "category": "spot"}


def balances(event: BalancesChanged, *, is_uta: bool) -> Iterator[Push]:
    """The changed coins, as v2 (a row each) or v3 (one row of all) shows them."""
    if is_uta:
        coins = [_uta_coin(*balance) for balance in event.balances]
        yield Push("account", "", {"totalEquity": "0", "coin": coins})
        return
    for coin, free, locked in event.balances:
        row = {"coin": coin, "available": num(free), "frozen": num(locked), "locked": "0", "limitAvailable": "0"}
        yield Push("account", "", {**row, "uTime": str(event.ts_ms)})


def all_balances(account: Account, *, is_uta: bool) -> list[Json]:
    """The rows of the snapshot that a subscription to balances begins with."""
    held = [(coin, b) for coin, b in account.balances.items() if b.free or b.locked]
    if is_uta:
        return [{"totalEquity": "0", "coin": [_uta_coin(coin, b.free, b.locked) for coin, b in held]}]
    return [asset_row(account, coin) for coin, _ in held]


def _uta_coin(coin: str, free: Decimal, locked: Decimal) -> Json:
    total = short(free + locked)
    return {
        "coin": coin, "available": short(free), "locked": short(locked), "balance": total, "equity": total,
        "borrow": "0", "debts": "0", "usdValue": "0",
    }  # fmt: skip


def fills_until(order: Order, cum_qty: Decimal) -> list[Fill]:
    """The order's fills up to a filled quantity: an event may be told after later fills."""
    found: list[Fill] = []
    filled = ZERO
    for fill in order.fills:
        if filled >= cum_qty:
            break
        filled += fill.qty
        found.append(fill)
    return found


def _order_row(event: OrderEvent, instrument: Instrument) -> Json:
    """A row of orders without a fill's keys: `size` is money for purchases, `newSize` the order's own unit."""
    order = event.order
    is_buy, size = order.side == "BUY", size_of(order)
    money = order.request.quote_qty or order.px * order.qty
    row: Json = {"instId": order.symbol, "orderId": str(order.order_id), "clientOid": order.client_order_id}
    if order.px:
        row["price"] = px_text(order.px, instrument)
    fees = fees_by_coin(fills_until(order, event.cum_qty))
    return {
        **row,
        "notional": places(money, 6) if is_buy else "0",
        "newSize": places(size, 4) if order.request.quote_qty else qty_text(size, instrument),
        "size": places(money, 4) if is_buy else qty_text(size, instrument),
        "orderType": order_type(order),
        "force": force(order),
        "side": order.side.lower(),
        "accBaseVolume": qty_text(event.cum_qty, instrument),
        "priceAvg": px_text(average(event.cum_quote, event.cum_qty), instrument),
        "status": status_of(event.status),
        "cTime": str(order.created_ms),
        "uTime": str(event.ts_ms),
        "stpMode": stp_mode(order),
        "feeDetail": [{"feeCoin": coin, "fee": short(-fee)} for coin, fee in fees.items()],
        "enterPointSource": "API",
    }


def _fill_keys(fill: Fill, instrument: Instrument) -> Json:
    return {
        "fillPrice": px_text(fill.px, instrument),
        "tradeId": str(fill.trade_id),
        "baseVolume": qty_text(fill.qty, instrument),
        "fillTime": str(fill.ts_ms),
        "fillFee": short(-fill.fee),
        "fillFeeCoin": fill.fee_asset,
        "tradeScope": "M" if fill.is_maker else "T",
    }


def _fill_row(order: Order, fill: Fill) -> Json:
    """A row of the fill channel: the fee is in a list, and positive."""
    fee = {"feeCoin": fill.fee_asset, "deduction": "no", "totalDeductionFee": "0", "totalFee": short(fill.fee)}
    return {
        "orderId": str(order.order_id),
        "tradeId": str(fill.trade_id),
        "symbol": order.symbol,
        "orderType": order_type(order),
        "side": order.side.lower(),
        "priceAvg": short(fill.px),
        "size": short(fill.qty),
        "amount": short(fill.quote),
        "tradeScope": "maker" if fill.is_maker else "taker",
        "feeDetail": [fee],
        "cTime": str(fill.ts_ms),
        "uTime": str(fill.ts_ms),
    }
