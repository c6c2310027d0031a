"""Orders, their lists and their fills, as the core keeps them."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from paper_exchange.core.money import ZERO, up

Side = Literal["BUY", "SELL"]
OrderType = Literal[
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"
]
TimeInForce = Literal["GTC", "IOC", "FOK"]
Status = Literal[
    "NEW", "PENDING_NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"
]  # fmt: skip
SelfTradeMode = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]
ExpiryReason = Literal[
    "OCO_TRIGGER", "OTO_PHASE_ONE_EXPIRED", "REJECTED", "UNFILLED_IOC_QUANTITY_EXPIRED",
    "UNFILLED_FOK_ORDER_EXPIRED", "INSUFFICIENT_LIQUIDITY", "EXCHANGE_CANCELED", "WOULD_TAKE",
]  # fmt: skip

CONTINGENT = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
STOPS = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT"})
PRICED = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
OPEN = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED"})


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What somebody wants placed; `qty` zero means `quote_qty` decides (MARKET) or the entry's proceeds do (OPO).

    A MARKET order with a `px` is protected: it takes nothing worse, and locks what it may need as a limit order does.
    """

    client_order_id: str
    side: Side
    type: OrderType
    qty: Decimal = ZERO
    px: Decimal = ZERO
    stop_px: Decimal = ZERO
    quote_qty: Decimal = ZERO
    time_in_force: TimeInForce = "GTC"
    self_trade_mode: SelfTradeMode = "EXPIRE_MAKER"
    strategy_id: int | None = None
    strategy_type: int | None = None

    def triggers_on_rise(self) -> bool:
        """Whether the stop price is reached from below (section 6.1 of the Binance reference)."""
        return (self.type in STOPS) == (self.side == "BUY")


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one order, from its owner's side."""

    trade_id: int
    px: Decimal
    qty: Decimal
    quote: Decimal
    fee: Decimal
    fee_asset: str
    ts_ms: int
    is_maker: bool


@dataclass(slots=True, eq=False)
class Order:
    """One order through its life; compared by identity."""

    uid: int
    symbol: str
    order_id: int
    client_order_id: str
    request: OrderRequest
    side: Side
    type: OrderType
    qty: Decimal
    px: Decimal
    stop_px: Decimal
    created_ms: int
    updated_ms: int
    status: Status = "NEW"
    working_ms: int = -1
    is_working: bool = False
    cum_qty: Decimal = ZERO
    cum_quote: Decimal = ZERO
    locked: Decimal = ZERO
    order_list: "OrderList | None" = None
    expiry_reason: ExpiryReason | None = None
    fills: list[Fill] = field(default_factory=list)

    @property
    def leaves_qty(self) -> Decimal:
        """What is still to be filled."""
        return self.qty - self.cum_qty

    @property
    def is_open(self) -> bool:
        """Whether it can still fill."""
        return self.status in OPEN

    @property
    def awaits_trigger(self) -> bool:
        """Whether it is accepted, contingent, and its stop price has not been reached."""
        return self.type in CONTINGENT and not self.is_working and self.status == "NEW"

    def needs(self) -> Decimal:
        """What must stay locked for it now: base for a sale, quote for a purchase, nothing if it only takes."""
        if not self.is_open or self.status == "PENDING_NEW" or (self.type == "MARKET" and not self.px):
            return ZERO
        if self.side == "SELL":
            return self.leaves_qty
        if self.px:
            return self.request.quote_qty - self.cum_quote if self.request.quote_qty else up(self.px * self.leaves_qty)
        # A market purchase waiting for its stop holds its stop value; once it works it pays from the free balance.
        return ZERO if self.is_working else up(self.stop_px * self.leaves_qty)


@dataclass(slots=True, eq=False)
class OrderList:
    """An OCO pair, or a working order with what it releases (one order, or an OCO pair)."""

    list_id: int
    uid: int
    symbol: str
    client_list_id: str
    legs: list[Order]
    pair: list[Order]
    working: Order | None
    created_ms: int
    updated_ms: int
    sizes_by_proceeds: bool = False
    is_done: bool = False
    locked: Decimal = ZERO
    ending: list[Order] = field(default_factory=list)

    @property
    def contingency(self) -> Literal["OCO", "OTO"]:
        """OTOCO, OPO and OPOCO are all called OTO on the wire (section 6.4)."""
        return "OCO" if self.working is None else "OTO"

    @property
    def pending(self) -> list[Order]:
        """The legs that wait for the working order."""
        return [leg for leg in self.legs if leg.status == "PENDING_NEW"]
