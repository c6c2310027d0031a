"""The exchanges we trade on, and what each of them can do for a stop that must not be lost."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from common.order_types import OrderType


class Exchange(StrEnum):
    """An exchange, by the name used in topics, settings and facts (the REST surface shows it in capitals)."""

    BINANCE = "binance"
    BITGET = "bitget"
    GATEIO = "gateio"
    MEXC = "mexc"


class Residency(StrEnum):
    """Where an exit leg waits: resting on the exchange, or held by the engine until its price is reached."""

    EXCHANGE = "exchange"
    ENGINE = "engine"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What an exchange offers for exits; the planner chooses the kind of exit from it and nothing else."""

    exchange: Exchange
    native_oco: bool
    trigger_orders: bool
    triggers_lock_balance: bool | None
    """None where the exchange's documentation leaves it open."""
    trigger_client_ids: bool
    amend: bool
    max_algo_orders: int
    """Waiting stop and take-profit orders allowed on one symbol, where the instrument does not say; 0: not known."""
    client_order_id_pattern: str
    client_order_id_max_length: int
    default_take_profits: tuple[tuple[Decimal, Decimal], ...]
    """(percent above the entry, share of the quantity), used when a request names no level."""
    default_stop_loss_pct: Decimal
    take_profit_types: tuple[OrderType, ...]
    """The kinds of order that a take-profit may be; the first is the default."""
    stop_loss_types: tuple[OrderType, ...]
    """The kinds of order that a stop may be; the first is the default. An engine-held STOP_LOSS is sent as MARKET."""
    exit_slippage_pct: Decimal = Decimal("0.5")
    """How far beneath its trigger a limit leg is priced, unless a request says otherwise."""
    why_engine_held: str = ""
    """Why stops are held by the engine, where the exchange cannot hold them."""
    other_exit_styles: "tuple[ExitStyle, ...]" = ()
    """How else a user may have their exits placed; each with its drawback, see `ExitStyle`."""
    trigger_lifetime_ms: int = 0
    """The exchange ends a waiting trigger order after this; 0: it waits until it is cancelled."""

    @property
    def exit_style(self) -> "ExitStyle":
        """How an exit pair is placed here by default."""
        if self.native_oco:
            return ExitStyle.OCO
        return ExitStyle.TRIGGER_PAIR if self.trigger_orders else ExitStyle.HELD_STOP

    @property
    def exit_styles(self) -> "tuple[ExitStyle, ...]":
        """Every way to protect that can be chosen here, the default first."""
        return (self.exit_style, *self.other_exit_styles)


class ExitStyle(StrEnum):
    """The ways to protect; which of them are possible follows from the capabilities."""

    OCO = "oco"
    """A native list: the exchange ends one leg when the other executes."""
    TRIGGER_PAIR = "trigger_pair"
    """Two trigger orders of the same quantity; the engine cancels the partner of the one that fires."""
    HELD_STOP = "held_stop"
    """The take-profit rests on the exchange; the engine watches the price and sells at the stop."""
    SHARED_STOP = "shared_stop"
    """A trigger order per take-profit and one stop for them all, which is placed anew, smaller, when a target fires.

    Until then the stop is larger than what is left, and between its cancel and its successor there is none."""
    PRESET = "preset"
    """The entry brings one target and one stop along; the exchange places them when the entry has ended.

    For orders that end at once. Nothing is bare between entry and exits; their ids and their sizes are its choice."""


CLIENT_ORDER_ID_PATTERN = r"[a-z][a-z0-9-]{0,27}"
"""Our own ids: the alphabet and length that fit all four exchanges (Gate.io adds its `t-` in front)."""

HALF = Decimal("0.5")

CAPABILITIES: dict[Exchange, Capabilities] = {
    Exchange.BINANCE: Capabilities(
        exchange=Exchange.BINANCE,
        native_oco=True,
        trigger_orders=True,
        triggers_lock_balance=True,
        trigger_client_ids=True,
        amend=True,
        max_algo_orders=5,
        client_order_id_pattern=r"[a-zA-Z0-9-_]{1,36}",
        client_order_id_max_length=36,
        default_take_profits=((Decimal(4), HALF), (Decimal(6), HALF)),
        default_stop_loss_pct=Decimal(5),
        take_profit_types=(OrderType.LIMIT_MAKER, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
        stop_loss_types=(OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
    ),
    Exchange.BITGET: Capabilities(
        exchange=Exchange.BITGET,
        native_oco=False,
        trigger_orders=True,
        triggers_lock_balance=None,
        trigger_client_ids=True,
        amend=True,
        max_algo_orders=0,
        client_order_id_pattern=r"[A-Za-z0-9_-]{1,32}",
        client_order_id_max_length=32,
        default_take_profits=((Decimal(5), HALF), (Decimal(8), HALF)),
        default_stop_loss_pct=Decimal(5),
        take_profit_types=(OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT),
        stop_loss_types=(OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT),
        other_exit_styles=(ExitStyle.SHARED_STOP, ExitStyle.PRESET),
    ),
    Exchange.GATEIO: Capabilities(
        exchange=Exchange.GATEIO,
        native_oco=False,
        trigger_orders=True,
        triggers_lock_balance=None,
        trigger_client_ids=False,
        amend=False,
        max_algo_orders=0,
        client_order_id_pattern=r"[0-9A-Za-z_.-]{1,28}",
        client_order_id_max_length=28,
        default_take_profits=((Decimal(5), HALF), (Decimal(8), HALF)),
        default_stop_loss_pct=Decimal(5),
        # A trigger that places a market order is documented, and was refused whenever somebody tried it.
        take_profit_types=(OrderType.TAKE_PROFIT_LIMIT,),
        stop_loss_types=(OrderType.STOP_LOSS_LIMIT,),
        # Every leg is a limit order: far enough down to sell through a gap, well inside the exchange's price band.
        exit_slippage_pct=Decimal(1),
        other_exit_styles=(ExitStyle.SHARED_STOP,),
        # Documented nowhere; this much is widely used and taken. The exchange ends what has waited longer.
        trigger_lifetime_ms=30 * 86_400_000,
    ),
    Exchange.MEXC: Capabilities(
        exchange=Exchange.MEXC,
        native_oco=False,
        trigger_orders=False,
        triggers_lock_balance=None,
        trigger_client_ids=False,
        amend=False,
        max_algo_orders=0,
        client_order_id_pattern=r"[a-zA-Z0-9_-]{1,32}",
        client_order_id_max_length=32,
        default_take_profits=((Decimal(5), HALF), (Decimal(8), HALF)),
        default_stop_loss_pct=Decimal(5),
        take_profit_types=(OrderType.LIMIT, OrderType.LIMIT_MAKER),
        stop_loss_types=(OrderType.STOP_LOSS,),
        why_engine_held="MEXC spot has no stop or trigger orders",
    ),
}
