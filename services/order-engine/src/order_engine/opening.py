"""Intents become brackets, or are denied before anything is sent."""

from decimal import Decimal

from common import ids
from common.commands import Preset, SubmitOrder
from common.exchanges import CAPABILITIES, ExitStyle
from common.exits import exits_for
from common.instruments import ZERO, Instrument
from common.intents import IntentBase, PlaceExits, PlaceOrder
from common.orders import OrderType, Side
from common.protection import BracketDenied, BracketOpened, BracketState
from order_engine.bracket import Bracket
from order_engine.order import Order, Role
from order_engine.policy import DEFAULT_POLICY, Policy
from order_engine.settle import settle
from order_engine.turn import Effect, Turn

UNLIMITED_PAIRS = 1_000


def open_bracket(
    intent: PlaceOrder | PlaceExits,
    *,
    algo_orders_in_use: int,
    cause: str,
    now_ms: int,
    policy: Policy = DEFAULT_POLICY,
) -> tuple[Bracket | None, tuple[Effect, ...]]:
    """The bracket an intent opens with its first commands; or None and the reason why nothing will be sent.

    `algo_orders_in_use` counts the waiting orders that other brackets of the account keep for the same symbol.
    """
    denied = _denial(intent, algo_orders_in_use, now_ms)
    if denied is not None:
        return None, (_denied(intent, *denied, algo_orders_in_use, cause=cause, now_ms=now_ms),)
    bracket = _bracket(intent, pairs_available(intent, algo_orders_in_use), now_ms, policy)
    turn = Turn(bracket, cause=cause, now_ms=now_ms)
    if bracket.entry is not None:
        _send_entry(turn, bracket.entry, _preset(bracket, bracket.entry))
    turn.note(
        BracketOpened,
        intent_id=intent.intent_id,
        entry_client_order_id=bracket.entry.client_order_id if bracket.entry else None,
        plan=intent.plan,
        algo_orders_in_use=algo_orders_in_use,
    )
    settle(turn, policy)
    return turn.result()


def pairs_available(intent: PlaceOrder | PlaceExits, algo_orders_in_use: int) -> int:
    """How many exit pairs the exchange still has room for on this symbol."""
    limit = intent.instrument.max_algo_orders or CAPABILITIES[intent.exchange].max_algo_orders
    if intent.plan is None or limit == 0:
        return UNLIMITED_PAIRS
    return (limit - algo_orders_in_use) // max(intent.plan.algo_orders_per_pair, 1)


def algo_orders_kept(bracket: Bracket) -> int:
    """How many waiting orders an open bracket uses or will need: never promised twice."""
    if bracket.plan is None or bracket.closed_reason is not None:
        return 0
    waiting = sum(exit_.kind.waits for exit_ in bracket.live_exits)
    needed = min(len(bracket.plan.levels), bracket.max_pairs) if bracket.entry_live or bracket.free_qty > 0 else 0
    return max(waiting, needed) * bracket.plan.algo_orders_per_pair


def _denial(intent: PlaceOrder | PlaceExits, algo_orders_in_use: int, now_ms: int) -> tuple[str, str] | None:
    """(code, reason) of the rule an intent breaks."""
    if now_ms > intent.valid_until_ms:
        return "intent_expired", "it was read after its validity had passed"
    if isinstance(intent, PlaceOrder) and intent.side is Side.SELL:
        return None
    if intent.plan is None:
        return "no_exit_plan", "a buy needs an exit plan: nothing is bought that would stay unprotected"
    pairs = pairs_available(intent, algo_orders_in_use)
    if pairs < 1:
        return "algo_orders_exhausted", (
            f"{algo_orders_in_use} waiting orders on {intent.symbol} use up the exchange's budget: "
            "close or cancel a bracket first"
        )
    return _too_small(intent, pairs)


def _too_small(intent: PlaceOrder | PlaceExits, pairs: int) -> tuple[str, str] | None:
    assert intent.plan is not None, "checked by the caller"
    px = intent.price if isinstance(intent, PlaceOrder) and intent.price is not None else intent.reference_px
    received = _received(intent, px, intent.instrument)
    wanted = exits_for(intent.plan, intent.instrument, received=received, avg_px=px, max_slices=pairs)
    if not wanted.slices:
        return "exits_too_small", (
            f"{received.normalize():f} {intent.instrument.base} is too little for any exit of the plan: "
            f"the exchange's minimum is {intent.instrument.min_notional.normalize():f} {intent.instrument.quote}"
        )
    return None


def _received(intent: PlaceOrder | PlaceExits, px: Decimal, instrument: Instrument) -> Decimal:
    if isinstance(intent, PlaceExits):
        return intent.qty
    qty = intent.qty if intent.qty is not None else (intent.quote_qty or ZERO) / px
    return qty * (1 - instrument.taker_fee_rate)


def _denied(
    intent: IntentBase, code: str, reason: str, algo_orders_in_use: int, *, cause: str, now_ms: int
) -> BracketDenied:
    return BracketDenied(
        bracket_id=ids.bracket_id(intent.account_id, intent.intent_id),
        account_id=intent.account_id,
        user_id=intent.user_id,
        exchange=intent.exchange,
        symbol=intent.symbol,
        version=0,
        position=0,
        cause=cause,
        ts_event_ms=now_ms,
        state=BracketState.CLOSED,
        held_qty=ZERO,
        protected_qty=ZERO,
        guarded_qty=ZERO,
        unprotected_qty=ZERO,
        dust_qty=ZERO,
        intent_id=intent.intent_id,
        code=code,
        reason=reason,
        algo_orders_in_use=algo_orders_in_use,
    )


def _bracket(intent: PlaceOrder | PlaceExits, pairs: int, now_ms: int, policy: Policy) -> Bracket:
    bracket_id = ids.bracket_id(intent.account_id, intent.intent_id)
    entry = _entry(intent, bracket_id, now_ms, policy) if isinstance(intent, PlaceOrder) else None
    return Bracket(
        bracket_id=bracket_id,
        intent_id=intent.intent_id,
        account_id=intent.account_id,
        user_id=intent.user_id,
        exchange=intent.exchange,
        symbol=intent.symbol,
        instrument=intent.instrument,
        plan=intent.plan,
        entry=entry,
        given_qty=intent.qty if isinstance(intent, PlaceExits) else ZERO,
        reference_px=intent.reference_px,
        max_pairs=pairs,
        opened_ms=now_ms,
        now_ms=now_ms,
    )


def _entry(intent: PlaceOrder, bracket_id: str, now_ms: int, policy: Policy) -> Order:
    return Order(
        client_order_id=ids.client_order_id(bracket_id, ids.Leg.ENTRY, 0),
        role=Role.ENTRY,
        level=None,
        side=intent.side,
        order_type=intent.order_type,
        qty=intent.qty,
        quote_qty=intent.quote_qty,
        price=intent.price,
        time_in_force=intent.time_in_force,
        submitted_ms=now_ms,
        valid_until_ms=intent.valid_until_ms,
        updated_ms=now_ms,
        ask_at_ms=now_ms + policy.ask_after_ms,
    )


def _preset(bracket: Bracket, entry: Order) -> Preset | None:
    """The exits that the entry brings along, where its plan says so."""
    if bracket.exit_style is not ExitStyle.PRESET or bracket.plan is None or entry.side is Side.SELL:
        return None
    px = bracket.preset_basis_px
    received = entry.qty if entry.qty is not None else (entry.quote_qty or ZERO) / px
    slices = exits_for(bracket.plan, bracket.instrument, received=received, avg_px=px, max_slices=1).slices
    limited = bracket.plan.stop_loss_type is OrderType.STOP_LOSS_LIMIT
    return next(
        (
            Preset(
                take_profit_px=slice_.take_profit_trigger_px or slice_.take_profit_px,
                stop_loss_px=slice_.stop_loss_px,
                stop_limit_px=slice_.stop_limit_px if limited else None,
            )
            for slice_ in slices
        ),
        None,
    )


def _send_entry(turn: Turn, entry: Order, preset: Preset | None) -> None:
    turn.send(
        SubmitOrder,
        client_order_id=entry.client_order_id,
        side=entry.side,
        order_type=entry.order_type,
        qty=entry.qty,
        quote_qty=entry.quote_qty,
        price=entry.price,
        time_in_force=entry.time_in_force,
        preset=preset,
        valid_until_ms=entry.valid_until_ms,
    )
