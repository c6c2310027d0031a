"""What would be sent, for a request that only asks: sizes, expected fees, each exit and where it would wait. Pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from common.exchanges import CAPABILITIES, Exchange, ExitStyle, Residency
from common.exits import ExitPlan, ExitSlice, ExitSlices
from common.instruments import ZERO, Instrument
from common.intents import IntentBase, PlaceExits, PlaceOrder
from common.orders import OrderType, Side
from gateway import answers
from gateway.risk.rules import Stake
from gateway.risk.stakes import worth
from gateway.trading.plans import preview


def order_preview(intent: PlaceOrder, stake: Stake | None) -> dict[str, Any]:
    """An entry as it would be sent, and the exits that a full fill at the expected price would call for."""
    instrument, px = intent.instrument, intent.reference_px
    qty = intent.qty if intent.qty is not None else instrument.floor_qty((intent.quote_qty or ZERO) / px)
    return _head(intent, instrument) | {
        "side": intent.side,
        "type": intent.order_type,
        "timeInForce": intent.time_in_force,
        "quantity": intent.qty,
        "quoteOrderQty": intent.quote_qty,
        "price": intent.price,
        "expectedPrice": px,
        "expectedQty": qty,
        "notional": worth(intent),
        "notionalUsd": None if stake is None else stake.usd,
        "expectedFee": _entry_fee(intent.side, qty, px, instrument),
        "protection": _protection(intent.plan, instrument, qty, px),
    }


def exits_preview(intent: PlaceExits) -> dict[str, Any]:
    """An exit pair as it would be placed on what is held."""
    # What is held is sold as it is: no fee of an entry is taken off it.
    level, px = intent.plan.levels[0], intent.reference_px
    stop_limit = level.stop_limit.at(px) if level.stop_limit else None
    trigger = level.take_profit_trigger.at(px) if level.take_profit_trigger else None
    slice_ = ExitSlice(
        level=0,
        qty=intent.qty,
        take_profit_px=level.take_profit.at(px),
        take_profit_trigger_px=trigger,
        stop_loss_px=level.stop_loss.at(px),
        stop_limit_px=stop_limit,
    )
    return _head(intent, intent.instrument) | {
        "side": Side.SELL,
        "quantity": intent.qty,
        "expectedPrice": px,
        "exits": legs_shown(intent.plan, (slice_,), intent.instrument),
    }


def legs_shown(plan: ExitPlan, slices: Sequence[ExitSlice], instrument: Instrument) -> list[dict[str, Any]]:
    """Both legs of every slice, with price, value and residency; a stop that they share stands there once."""
    legs = [_take_profit(plan, each, instrument) for each in slices]
    if _style(plan, instrument.exchange) is ExitStyle.SHARED_STOP and slices:
        return [*legs, _stop(plan, slices[0], instrument, sum((each.qty for each in slices), ZERO))]
    stops = [_stop(plan, each, instrument, each.qty) for each in slices]
    return [leg for pair in zip(legs, stops, strict=True) for leg in pair]


def _head(intent: IntentBase, instrument: Instrument) -> dict[str, Any]:
    return {
        "dryRun": True,
        "exchange": intent.exchange.value.upper(),
        "credentialId": intent.account_id,
        "symbol": intent.symbol,
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "feeRate": instrument.taker_fee_rate,
    }


def _entry_fee(side: Side, qty: Decimal, px: Decimal, instrument: Instrument) -> dict[str, Any]:
    """A buy pays in base and a sell in quote, unless the account pays its fees in a coin of the exchange."""
    in_quote = qty * px * instrument.taker_fee_rate
    if side is Side.SELL:
        return {"asset": instrument.quote, "amount": in_quote, "inQuote": in_quote}
    return {"asset": instrument.base, "amount": qty * instrument.taker_fee_rate, "inQuote": in_quote}


def _protection(plan: ExitPlan | None, instrument: Instrument, qty: Decimal, px: Decimal) -> dict[str, Any] | None:
    if plan is None:
        return None
    exits: ExitSlices = preview(plan, instrument, qty=qty, entry_px=px, field="quantity")
    shown = answers.plan_shown(plan, exits, instrument.exchange)
    return shown | {"exits": legs_shown(plan, exits.slices, instrument)}


def _take_profit(plan: ExitPlan, slice_: ExitSlice, instrument: Instrument) -> dict[str, Any]:
    kind = plan.take_profit_type
    trigger = (slice_.take_profit_trigger_px or slice_.take_profit_px) if kind.waits_for_trigger else None
    price = None if kind is OrderType.TAKE_PROFIT else slice_.take_profit_px
    name = f"TP{slice_.level + 1}"
    return _leg(name, slice_.level, kind, slice_.qty, price, trigger, instrument, held=False)


def _stop(plan: ExitPlan, slice_: ExitSlice, instrument: Instrument, qty: Decimal) -> dict[str, Any]:
    kind = plan.stop_loss_type
    price = slice_.stop_limit_px if kind is OrderType.STOP_LOSS_LIMIT else None
    held = _style(plan, instrument.exchange) is ExitStyle.HELD_STOP
    return _leg("SL", slice_.level, kind, qty, price, slice_.stop_loss_px, instrument, held=held)


def _leg(
    role: str,
    level: int,
    kind: OrderType,
    qty: Decimal,
    price: Decimal | None,
    trigger: Decimal | None,
    instrument: Instrument,
    *,
    held: bool,
) -> dict[str, Any]:
    px = price if price is not None else trigger
    assert px is not None, "a leg has a price or a trigger"
    waits = "waits on the exchange" if kind.waits_for_trigger else "rests on the exchange"
    return {
        "orderRole": role,
        "level": level + 1,
        "side": Side.SELL,
        "type": kind,
        "quantity": qty,
        "price": price,
        "stopPrice": trigger,
        "notional": qty * px,
        "expectedFee": {"asset": instrument.quote, "amount": qty * px * instrument.taker_fee_rate},
        "residency": Residency.ENGINE if held else Residency.EXCHANGE,
        "residencyReason": CAPABILITIES[instrument.exchange].why_engine_held if held else waits,
    }


def _style(plan: ExitPlan, exchange: Exchange) -> ExitStyle:
    return plan.style or CAPABILITIES[exchange].exit_style
