"""Facts to the frames of the private channels (sections 14.3 to 14.7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from paper_exchange.core.events import OrderAccepted, OrderEvent, OrderTraded, TriggerChanged
from paper_exchange.core.orders import Fill, Order
from paper_exchange.core.trigger import Trigger
from paper_exchange.gateio import render
from paper_exchange.gateio.balances import BalanceRow, BalanceRows
from paper_exchange.gateio.notes import NO_TEXT, note_of
from paper_exchange.gateio.numbers import average, plain, seconds
from paper_exchange.gateio.render import Json, Moment
from paper_exchange.gateio.venue import Told, Venue

ANY = "!all"
_NEVER = "-62135596800000"  # The zero of Go's time, in milliseconds since 1970.
_V2_LACKS_OF_ORDERS = frozenset({"fee", "point_fee", "gt_fee", "rebated_fee"})
_V2_LACKS_OF_TRADES = frozenset({"fee", "fee_currency", "point_fee", "gt_fee"})


@dataclass(frozen=True, slots=True)
class Push:
    """What is due to those who follow `channel` of `uid` on `pair` (or on all)."""

    channel: str
    uid: int
    pair: str
    ts_ms: int
    result: Any
    fill: tuple[Order, Fill] | None = None

    def frame(self, now_ms: int) -> bytes:
        """The frame, sent now."""
        return orjson.dumps(update(self.channel, self.result, now_ms))


def update(channel: str, result: Any, now_ms: int) -> Json:
    """A data frame."""
    return {"time": now_ms // 1000, "time_ms": now_ms, "channel": channel, "event": "update", "result": result}


def pushes(venue: Venue, told: Told) -> Iterator[Push]:
    """The private frames that one fact makes."""
    match told:
        case OrderTraded():
            both = [list(_order(venue, told, _word(told))), list(_trade(venue, told))]
            order = venue.switches.push_order
            if order == "trades_first" or (order == "shuffled" and venue.rng.random() < 0.5):
                both.reverse()
            yield from both[0]
            yield from both[1]
        case OrderAccepted() if venue.note(told.order).is_amended:
            if venue.switches.amend_pushes:
                yield from _order(venue, told, "update")
        case OrderEvent():
            yield from _order(venue, told, _word(told))
        case TriggerChanged() if told.status != "FIRING":
            trigger = told.trigger
            pair = venue.pair(trigger.symbol)
            body = price_order(venue, trigger, told)
            result = body if venue.switches.price_order_result == "object" else [body]
            yield Push("spot.priceorders", trigger.uid, pair, told.ts_ms, result)
        case BalanceRows() if told.rows:
            rows = [_balance(row, told) for row in told.rows]
            yield Push("spot.balances", told.uid, ANY, told.ts_ms, rows)


def _word(event: OrderEvent) -> str:
    if isinstance(event, OrderAccepted):
        return "put"
    return "update" if event.status in {"NEW", "PARTIALLY_FILLED"} else "finish"


def _order(venue: Venue, event: OrderEvent, word: str) -> Iterator[Push]:
    found, pair = event.order, venue.pair(event.order.symbol)
    body = order(venue, event, word)
    yield Push("spot.orders", found.uid, pair, event.ts_ms, [body])
    yield Push("spot.orders_v2", found.uid, pair, event.ts_ms, [_without(body, _V2_LACKS_OF_ORDERS)])


def _without(body: Json, names: frozenset[str]) -> Json:
    return {name: value for name, value in body.items() if name not in names}


def order(venue: Venue, event: OrderEvent, word: str) -> Json:
    """An order in spot.orders: `event` instead of a status."""
    found, moment, note = event.order, Moment.at(event), venue.note(event.order)
    instrument = venue.exchange.markets[found.symbol].instrument
    account = venue.exchange.ledger.accounts[found.uid]
    body = {
        "id": str(found.order_id),
        "text": found.client_order_id,
        "create_time": seconds(found.created_ms),
        "update_time": seconds(event.ts_ms),
        "currency_pair": venue.pair(found.symbol),
        "type": "market" if found.type == "MARKET" else "limit",
        "account": venue.account_word(found.uid),
        "side": render.side(found),
        "time_in_force": render.time_in_force(found),
        **render.amounts(found, moment),
        "avg_deal_price": plain(average(event.cum_quote, event.cum_qty)),
        **render.fees(found, moment, instrument),
        "gt_discount": account.pays_with_discount_asset,
        "create_time_ms": str(found.created_ms),
        "update_time_ms": str(event.ts_ms),
        "user": found.uid,
        "event": word,
        "stp_id": 0,
        "stp_act": NO_TEXT,
        "finish_as": render.finish_as(found, event.status),
        "biz_info": NO_TEXT,
        "amend_text": note.amend_text,
    }
    return body if note.slippage is None else body | {"slippage": note.slippage}


def _trade(venue: Venue, event: OrderTraded) -> Iterator[Push]:
    found, pair = event.order, venue.pair(event.order.symbol)
    body = trade(venue, found, event.fill)
    yield Push("spot.usertrades", found.uid, pair, event.ts_ms, [body], (found, event.fill))
    yield Push("spot.usertrades_v2", found.uid, pair, event.ts_ms, [_without(body, _V2_LACKS_OF_TRADES)])


def trade(venue: Venue, found: Order, fill: Fill) -> Json:
    """A fill in spot.usertrades; its id is a number here."""
    row = render.my_trade(venue, found, fill)
    same = ("side", "amount", "role", "price", "fee", "fee_currency", "point_fee", "gt_fee", "text", "amend_text")
    return {
        "id": fill.trade_id,
        "user_id": found.uid,
        "order_id": row["order_id"],
        "currency_pair": row["currency_pair"],
        "create_time": fill.ts_ms // 1000,
        "create_time_ms": f"{fill.ts_ms}.000",
        **{name: row[name] for name in same},
        "biz_info": NO_TEXT,
        "id_market": render.sequence_id(fill.trade_id),
    }


def _balance(row: BalanceRow, told: BalanceRows) -> Json:
    return {
        "timestamp": seconds(told.ts_ms),
        "timestamp_ms": str(told.ts_ms),
        "user": str(told.uid),
        "currency": row.currency,
        "change": plain(row.change),
        "total": plain(row.available + row.freeze),
        "available": plain(row.available),
        "freeze": plain(row.freeze),
        "freeze_change": plain(row.freeze_change),
        "change_type": row.change_type,
    }


def price_order(venue: Venue, trigger: Trigger, event: TriggerChanged) -> Json:
    """A price order in spot.priceorders: other names than over REST, and no status."""
    note, child = note_of(trigger), trigger.request.child
    instrument = venue.exchange.markets[trigger.symbol].instrument
    is_open = event.status == "ARMED"
    failed = event.status == "FAILED"
    fired_id = 0 if event.order is None else event.order.order_id
    return {
        "market": venue.pair(trigger.symbol),
        "uid": str(trigger.uid),
        "id": str(trigger.order_id),
        "currency_type": instrument.base,
        "exchange_type": instrument.quote,
        "reason": "failed" if failed else "",
        "err_msg": render.failure(trigger) if failed else "",
        "fired_order_id": fired_id,
        "instant_cancel": False,
        "trigger_price": plain(trigger.px),
        "trigger_rule": render.rule(trigger),
        "trigger_expiration": note.expiration_s or 0,
        "price": plain(child.px),
        "amount": plain(render.trigger_amount(trigger)),
        "source": note.source,
        "order_type": "market" if child.type == "MARKET" else "limit",
        "side": child.side.lower(),
        "engine_type": "unified" if note.account == "unified" else "normal",
        "is_stop_order": False,
        "stop_trigger_price": "",
        "stop_trigger_rule": "",
        "stop_price": "",
        "ctime": str(trigger.created_ms),
        "ftime": _NEVER if is_open else str(event.ts_ms),
    }
