"""What the reference leaves open (sections 6 to 11 and 19): the position assumed, and the others to test against."""

from dataclasses import dataclass, field
from typing import Any, Literal


def _one_of(*choices: str) -> Any:
    """A switch of these positions, the first of which is where it stands at the start."""
    return field(default=choices[0], metadata={"choices": choices})


@dataclass(slots=True)
class Switches:
    """One field per doubt; the defaults are what the reference holds for likely."""

    # Orders.
    duplicate_texts: Literal["accept", "refuse"] = _one_of("accept", "refuse")
    """Whether `text` may be that of an order that is open; a refusal says REPEATED_CREATION."""
    found_by_text_after_end: Literal["never", "always"] = _one_of("never", "always")
    """Whether an order that has ended is found by its `text`."""
    post_only_crossing: Literal["refuse", "cancel"] = _one_of("refuse", "cancel")
    """A post-only order that would trade is refused with POC_FILL_IMMEDIATELY, or accepted and ends as `poc`."""
    extra_decimals: Literal["refuse", "truncate"] = _one_of("refuse", "truncate")
    """Decimals beyond a pair's precision are refused with INVALID_PRECISION, or silently cut."""
    ended_status: Literal["cancelled", "closed"] = _one_of("cancelled", "closed")
    """`status` of an order that ended without being filled."""
    ended_order_label: Literal["by_state", "ORDER_NOT_FOUND"] = _one_of("by_state", "ORDER_NOT_FOUND")
    """Cancelling an order that has ended answers ORDER_CLOSED or ORDER_CANCELLED, or that there is none."""
    amend_pushes: bool = True
    """An amended order is pushed with event=update."""
    # Price orders.
    trigger_balance: Literal["ignore", "check", "lock"] = _one_of("ignore", "check", "lock")
    """What an armed price order does about the balance that it will need."""
    market_triggers: Literal["allow", "refuse"] = _one_of("allow", "refuse")
    """put.type=market is taken, or refused with `invalid argument: put.type`."""
    market_buy_trigger_amount: Literal["base", "quote"] = _one_of("base", "quote")
    """What put.amount of a market purchase counts."""
    trigger_direction_check: bool = True
    """A trigger price that the last price has reached is refused; otherwise the next trade fires it."""
    trigger_minimum_check: bool = True
    """min_quote_amount is asked for when placing, not only when firing."""
    oversize_triggers: Literal["fail", "shrink"] = _one_of("fail", "shrink")
    """A trigger that sells more than is free when it fires fails, or sells what there is."""
    repeat_request: bool = True
    """Two price orders of one market with one rule within 1.5 seconds are refused with REPEAT_REQUEST."""
    extra_trigger_keys: Literal["refuse", "ignore"] = _one_of("refuse", "ignore")
    """What unknown and read-only keys in a price order's body do."""
    cancelled_word: Literal["cancelled", "canceled"] = _one_of("cancelled", "canceled")
    """`status` of a cancelled price order: as documented, or as recorded from the live server."""
    ended_trigger_label: Literal["ORDER_CLOSED", "ORDER_NOT_FOUND", "CANCEL_FAIL"] = _one_of(
        "ORDER_CLOSED", "ORDER_NOT_FOUND", "CANCEL_FAIL"
    )
    """What cancelling a price order answers that has ended."""
    fired_text: Literal["apiv4", "api", "auto", ""] = _one_of("apiv4", "api", "auto", "")
    """`text` of the order that a price order became."""
    fired_told: Literal["after_order", "before_order"] = _one_of("after_order", "before_order")
    """Whether spot.priceorders says `fired` after or before the pushes of the order that was placed."""
    # Attached exits.
    attached_exits: Literal["arm", "echo", "refuse"] = _one_of("arm", "echo", "refuse")
    """stop_profit and stop_loss arm price orders when the entry ends with fills, are only shown, or are refused."""
    # Pushes and sockets.
    push_order: Literal["orders_first", "trades_first", "shuffled"] = _one_of(
        "orders_first", "trades_first", "shuffled"
    )
    """Which of a fill's frames goes first, spot.orders or spot.usertrades."""
    price_order_result: Literal["object", "array"] = _one_of("object", "array")
    """`result` in spot.priceorders: one object as documented, or a list of one, which is what ccxt reads."""
    upgrade_notice: bool = False
    """Sockets that are dropped are told so by spot.system before."""
