"""What the reference leaves open (sections 12 and 14): the position assumed, and the other one to test against."""

from dataclasses import dataclass, field
from typing import Literal

_CHILD_NAMES, _CANCEL_ANSWERS = ("plan_id", "own"), ("failure", "43026")


@dataclass(slots=True)
class Switches:
    """One field per doubt; the defaults are what the reference holds for likely."""

    plan_balance_check: bool = False
    """Placing a plan asks for the balance (43012)."""
    plan_locks_balance: bool = False
    """A pending plan freezes what its child will need."""
    tpsl_locks_balance: bool = False
    """So does an order with tpslType=tpsl, and a preset take-profit or stop-loss once its entry has filled."""
    strategy_locks_balance: bool = False
    """So does a strategy order of a unified account."""
    plan_minimum_check: bool = False
    """Placing a plan asks for minTradeUSDT at its trigger (or execute) price, instead of failing when it fires."""
    reject_wrong_side: bool = False
    """A take-profit or stop-loss whose trigger the price has passed is refused (43034, 43035), and so is a plan whose
    trigger is the last price; otherwise the next trade fires them."""
    modify_turns_direction: bool = True
    """Modifying a plan decides anew from which side its trigger is reached."""
    child_client_oid: Literal["plan_id", "own"] = field(default="plan_id", metadata={"choices": _CHILD_NAMES})
    """What a spawned order is called: the plan's order id, or the plan's own clientOid."""
    child_found_by_client_oid: bool = False
    """orderInfo finds a spawned order by its clientOid."""
    executed_before_child: bool = False
    """`executed` is pushed before the spawned order's own pushes."""
    cancel_fired_plan: Literal["failure", "43026"] = field(default="failure", metadata={"choices": _CANCEL_ANSWERS})
    """What cancelling a plan answers that has fired already."""
    filled_push_has_fill: bool = True
    """The `filled` push on `orders` carries the fill's keys."""
    algo_snapshot: bool = False
    """Subscribing to orders-algo (strategy-order) first shows what is pending."""
    account_push_on_freeze: bool = False
    """Balances are pushed when an order freezes or frees them, too, not only on fills and deposits."""
    preset_exits_armed: bool = True
    """A preset take-profit and stop-loss is armed when its entry ends with fills; otherwise it is only shown."""
    preset_exits_linked: bool = True
    """Of a preset take-profit and stop-loss the first to fire cancels the other."""
    history_delay_ms: int = field(default=0, metadata={"choices": (0, 500, 2000, 5000)})
    """How long an ended order is in neither list."""
