"""The exchanges we trade on, and what each of them can do for a stop that must not be lost."""

from decimal import Decimal
from enum import StrEnum

import msgspec


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
    """Waiting stop and take-profit orders allowed on one symbol, where the instrument itself does not say."""
    client_order_id_pattern: str
    client_order_id_max_length: int
    default_take_profits: tuple[tuple[Decimal, Decimal], ...]
    """(percent above the entry, share of the quantity), used when a request names no level."""
    default_stop_loss_pct: Decimal


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
    ),
}
