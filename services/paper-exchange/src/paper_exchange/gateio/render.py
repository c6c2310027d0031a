"""Orders, fills and price orders as Gate.io prints them over REST (sections 6 and 8)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paper_exchange.core.events import OrderEvent
from paper_exchange.core.instruments import Instrument
from paper_exchange.core.ledger import Account
from paper_exchange.core.money import ZERO
from paper_exchange.core.orders import Fill, Order, Status
from paper_exchange.core.trigger import Trigger
from paper_exchange.gateio.errors import refusal
from paper_exchange.gateio.notes import note_of
from paper_exchange.gateio.numbers import average, long, micros, plain, seconds
from paper_exchange.gateio.venue import Venue

Json = dict[str, Any]
_ENDED_AS = {
    "UNFILLED_IOC_QUANTITY_EXPIRED": "ioc", "INSUFFICIENT_LIQUIDITY": "ioc", "UNFILLED_FOK_ORDER_EXPIRED": "fok",
    "WOULD_TAKE": "poc",
}  # fmt: skip
_FEE_FIELDS = frozenset(
    {"fee", "fee_currency", "point_fee", "gt_fee", "gt_maker_fee", "gt_taker_fee", "gt_discount", "rebated_fee",
     "rebated_fee_currency"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moment:
    """How far an order was at one time."""

    status: Status
    qty: Decimal
    cum_qty: Decimal
    cum_quote: Decimal
    ts_ms: int

    @classmethod
    def of(cls, order: Order) -> "Moment":
        """Now."""
        return cls(order.status, order.qty, order.cum_qty, order.cum_quote, order.updated_ms)

    @classmethod
    def at(cls, event: OrderEvent) -> "Moment":
        """When the event happened."""
        return cls(event.status, event.qty, event.cum_qty, event.cum_quote, event.ts_ms)


def spends_quote(order: Order) -> bool:
    """A market purchase counts `amount` and `left` in quote (section 6)."""
    return bool(order.request.quote_qty)


def side(order: Order) -> str:
    """buy or sell."""
    return order.side.lower()


def time_in_force(order: Order) -> str:
    """gtc, ioc, fok, or poc for post-only."""
    return "poc" if order.type == "LIMIT_MAKER" else order.request.time_in_force.lower()


def finish_as(order: Order, status: Status) -> str:
    """Why an order ended, `open` while it has not."""
    match status:
        case "FILLED":
            return "filled"
        case "CANCELED":
            return "cancelled"
        case "EXPIRED":
            return _ENDED_AS.get(order.expiry_reason or "", "cancelled")
        case "EXPIRED_IN_MATCH":
            return "stp"
        case _:
            return "open"


def amounts(order: Order, moment: Moment) -> Json:
    """Amount, price, and how much of them is done."""
    by_quote, is_market = spends_quote(order), order.type == "MARKET"
    amount = order.request.quote_qty if by_quote else moment.qty
    return {
        "amount": plain(amount),
        "price": "0" if is_market else plain(order.px),
        "left": plain(amount - (moment.cum_quote if by_quote else moment.cum_qty)),
        "filled_amount": plain(moment.cum_qty),
        "filled_total": plain(moment.cum_quote),
    }


def fees(order: Order, moment: Moment, instrument: Instrument) -> Json:
    """What the fills up to that moment cost: in what was received, or in GT."""
    received, paid = instrument.base, instrument.quote
    if order.side == "SELL":
        received, paid = paid, received
    own = gt = done = ZERO
    for fill in order.fills:
        if done >= moment.cum_qty:
            break
        done += fill.qty
        fee, gt_fee = fee_parts(order, fill, instrument)
        own, gt = own + fee, gt + gt_fee
    return {
        "fee": plain(own), "fee_currency": received, "point_fee": "0", "gt_fee": plain(gt), "rebated_fee": "0",
        "rebated_fee_currency": paid,
    }  # fmt: skip


def fee_parts(order: Order, fill: Fill, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """(fee in what was received, fee in GT); trading GT itself pays in what was received."""
    received = instrument.quote if order.side == "SELL" else instrument.base
    return (fill.fee, ZERO) if fill.fee_asset == received else (ZERO, fill.fee)


def order(venue: Venue, found: Order, mode: str = "FULL") -> Json:
    """An order as answered: FULL, RESULT without its fees, ACK with nothing but its ids."""
    note = venue.note(found)
    ids = {"id": str(found.order_id), "text": found.client_order_id, "amend_text": note.amend_text}
    if mode == "ACK":
        return ids
    moment, instrument = Moment.of(found), venue.exchange.markets[found.symbol].instrument
    account = venue.exchange.ledger.accounts[found.uid]
    shown = amounts(found, moment)
    body = ids | {
        "create_time": seconds(found.created_ms),
        "update_time": seconds(found.updated_ms),
        "create_time_ms": found.created_ms,
        "update_time_ms": found.updated_ms,
        "status": _status(venue, found),
        "currency_pair": venue.pair(found.symbol),
        "type": "market" if found.type == "MARKET" else "limit",
        "account": venue.account_word(found.uid),
        "side": side(found),
        "time_in_force": time_in_force(found),
        "iceberg": note.iceberg,
        **shown,
        "fill_price": shown["filled_total"],
        **fees(found, moment, instrument),
        **gt_rates(account, venue),
        "finish_as": finish_as(found, found.status),
        **note.shown(),
    }
    if found.cum_qty:
        body["avg_deal_price"] = plain(average(found.cum_quote, found.cum_qty))
    return {name: value for name, value in body.items() if name not in _FEE_FIELDS} if mode == "RESULT" else body


def gt_rates(account: Account, venue: Venue) -> Json:
    """The fee rates when GT pays, zero when it does not."""
    rate = account.taker_rate * venue.exchange.habits.discount if account.pays_with_discount_asset else ZERO
    return {"gt_maker_fee": plain(rate), "gt_taker_fee": plain(rate), "gt_discount": account.pays_with_discount_asset}


def _status(venue: Venue, found: Order) -> str:
    if found.is_open:
        return "open"
    return "closed" if found.status == "FILLED" else venue.switches.ended_status


def sequence_id(trade_id: int) -> int:
    """The trade's number in its market, which is not its id."""
    return trade_id % 10**9 + 90_000_000


def my_trade(venue: Venue, found: Order, fill: Fill) -> Json:
    """One row of my_trades."""
    instrument = venue.exchange.markets[found.symbol].instrument
    fee, gt_fee = fee_parts(found, fill, instrument)
    return {
        "id": str(fill.trade_id),
        "create_time": seconds(fill.ts_ms),
        "create_time_ms": micros(fill.ts_ms),
        "currency_pair": venue.pair(found.symbol),
        "side": side(found),
        "role": "maker" if fill.is_maker else "taker",
        "amount": plain(fill.qty),
        "price": plain(fill.px),
        "order_id": str(found.order_id),
        "fee": plain(fee),
        "fee_currency": instrument.quote if found.side == "SELL" else instrument.base,
        "point_fee": "0",
        "gt_fee": plain(gt_fee),
        "amend_text": venue.note(found).amend_text,
        "sequence_id": str(sequence_id(fill.trade_id)),
        "text": found.client_order_id,
        "deal": plain(fill.quote),
    }


def rule(trigger: Trigger) -> str:
    """From which side the trigger price is reached."""
    return ">=" if trigger.rises else "<="


def trigger_amount(trigger: Trigger) -> Decimal:
    """put.amount: base, or quote for those market purchases that count it."""
    return trigger.request.child.quote_qty or trigger.request.child.qty


def failure(trigger: Trigger) -> str:
    """The label of why a price order failed, or nothing."""
    return "" if trigger.reason is None else refusal(trigger.reason).label


def price_order(venue: Venue, trigger: Trigger) -> Json:
    """A price order; how it ended is absent while it is open."""
    note, child = note_of(trigger), trigger.request.child
    terms: Json = {"price": plain(trigger.px), "rule": rule(trigger)}
    if note.expiration_s is not None:
        terms["expiration"] = note.expiration_s
    body = {
        "market": venue.pair(trigger.symbol),
        "user": trigger.uid,
        "trigger": terms,
        "put": {
            "type": "market" if child.type == "MARKET" else "limit",
            "side": child.side.lower(),
            "price": plain(child.px),
            "amount": long(trigger_amount(trigger)),
            "account": note.account,
            "time_in_force": child.time_in_force.lower(),
            "auto_borrow": False,
            "auto_repay": False,
            "text": note.source,
        },
        "id": trigger.order_id,
        "ctime": trigger.created_ms // 1000,
        "status": price_order_status(venue, trigger),
    }
    if is_over(trigger):
        body["ftime"] = trigger.updated_ms // 1000
        body["fired_order_id"] = 0 if trigger.order is None else trigger.order.order_id
        body["reason"] = failure(trigger)
    return body


def is_over(trigger: Trigger) -> bool:
    """Whether a price order is among the finished ones."""
    return trigger.status not in {"ARMED", "FIRING"}


def price_order_status(venue: Venue, trigger: Trigger) -> str:
    """open, finish, failed, expired, or cancelled in either spelling."""
    words = {"FIRED": "finish", "FAILED": "failed", "EXPIRED": "expired", "CANCELED": venue.switches.cancelled_word}
    return words.get(trigger.status, "open")
