"""What trading requests look like on the wire, read strictly: an unknown field is an error, never ignored."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from common.exchanges import Exchange, ExitStyle
from common.orders import OrderType, Side, TimeInForce
from gateway.trading.levels import stop_loss, take_profit
from gateway.trading.oco import OcoLeg
from gateway.trading.plans import Wanted
from gateway.trading.refusals import exchange_required, invalid
from gateway.trading.sizing import Size
from gateway.trading.wishes import OrderWish


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number, not true or false")
    return value


def _in_bounds(value: Decimal) -> Decimal:
    # No market has a number beyond these, and arithmetic with such exponents would be slow.
    if value and not -18 <= value.adjusted() <= 18:
        raise ValueError("a number between 1e-18 and 1e18")
    return value


def _symbol(value: str) -> str:
    return "".join(character for character in value if character not in "/-_").upper()


def upper(value: Any) -> Any:
    """A word in capitals, as enumerations are written."""
    return value.upper() if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """A word in small letters, as styles are written."""
    return value.lower() if isinstance(value, str) else value


Number = Annotated[Decimal, BeforeValidator(_no_boolean), AfterValidator(_in_bounds)]
Symbol = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,20}[/_-]?[A-Za-z0-9]{1,20}$"), AfterValidator(_symbol)]
SideName = Annotated[Side, BeforeValidator(upper)]
DryRun = Annotated[
    bool, Field(alias="dryRun", description="Answer what would be sent; nothing is sent and nothing is kept.")
]
OrderId = Annotated[str, Field(min_length=1, max_length=64)]


class Body(BaseModel):
    """A request body: unknown fields are refused, and a value is never repeated in an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ExitsBody(Body):
    """The exits an order may name; what it does not name comes from the exchange's defaults."""

    tp_levels: list[Any] | None = Field(
        default=None,
        alias="tpLevels",
        max_length=20,
        description='Take-profit levels, nearest first: a price, "5%" above the entry, {"price": ...} or {"pct": ...}.',
    )
    tp_shares: list[Number] | None = Field(
        default=None, alias="tpShares", max_length=20, description="The share of each level; they sum to 1."
    )
    sl: Any = Field(default=None, description='The stop: a price, "5%" below the entry, or an object as for levels.')
    stop_type: Literal["market", "limit"] | None = Field(default=None, alias="stopType")
    stop_limit_offset_pct: Annotated[Number, Field(ge=0, lt=100)] | None = Field(
        default=None, alias="stopLimitOffsetPct", description="How far beneath its trigger a limit stop is priced."
    )
    exit_style: Annotated[ExitStyle | None, BeforeValidator(lower)] = Field(
        default=None,
        alias="exitStyle",
        description="How the exits are placed, where the exchange leaves a choice: GET /exchanges/settings names them.",
    )

    @property
    def wanted(self) -> Wanted:
        """The exits it names. Raises Refused."""
        targets = None
        if self.tp_levels is not None:
            targets = tuple(take_profit(raw, f"tpLevels.{n}") for n, raw in enumerate(self.tp_levels))
        stop_types = {None: None, "market": OrderType.STOP_LOSS, "limit": OrderType.STOP_LOSS_LIMIT}
        return Wanted(
            take_profits=targets,
            shares=None if self.tp_shares is None else tuple(self.tp_shares),
            stop_loss=None if self.sl is None else stop_loss(self.sl, "sl"),
            stop_type=stop_types[self.stop_type],
            stop_limit_offset_pct=self.stop_limit_offset_pct,
            style=self.exit_style,
        )

    @property
    def exit_field(self) -> str | None:
        """The first field that speaks of exits; None when none does."""
        named = {
            "tpLevels": self.tp_levels,
            "tpShares": self.tp_shares,
            "sl": self.sl,
            "stopType": self.stop_type,
            "stopLimitOffsetPct": self.stop_limit_offset_pct,
            "exitStyle": self.exit_style,
        }
        return next((name for name, value in named.items() if value is not None), None)


class OrderWords(ExitsBody):
    """An order in the words that every endpoint shares; whose it is stands elsewhere."""

    symbol: Symbol
    side: SideName
    type: Annotated[Literal["MARKET", "LIMIT"], BeforeValidator(upper)] = "MARKET"
    size_pct: Number | None = Field(
        default=None, alias="sizePct", description="Fraction of the free balance: 0.1 is 10 %, at most 1."
    )
    size_usd: Number | None = Field(default=None, alias="sizeUsd", description="Amount in a dollar-priced quote asset.")
    quantity: Number | None = Field(default=None, description="Amount of the base asset, in whole steps of the symbol.")
    price: Number | None = Field(default=None, description="The price of a LIMIT order, in whole ticks.")
    time_in_force: TimeInForce | None = Field(default=None, alias="timeInForce")
    dry_run: DryRun = False

    def wished(self, *, credential_id: str | None, signal_id: str | None) -> OrderWish:
        """The order it asks for. Raises Refused."""
        return OrderWish(
            symbol=self.symbol,
            side=self.side,
            order_type=OrderType(self.type),
            size=Size(pct=self.size_pct, usd=self.size_usd, qty=self.quantity),
            price=self.price,
            time_in_force=self.time_in_force,
            wanted=self.wanted,
            exit_field=self.exit_field,
            credential_id=credential_id,
            signal_id=signal_id,
        )


class PlaceOrderBody(OrderWords):
    """POST /exchanges/place-order."""

    exchange: str | None = Field(default=None, description="BINANCE; may stand in the query instead.")
    credential_id: str | None = Field(
        default=None, alias="credentialId", description="A key, by its id or label; else the default."
    )
    signal_id: str | None = Field(default=None, alias="signalId", max_length=100)

    @property
    def wish(self) -> OrderWish:
        """The order it asks for. Raises Refused."""
        return self.wished(credential_id=self.credential_id, signal_id=self.signal_id)


class PlaceOcoBody(Body):
    """POST /exchanges/place-oco-order: an exit pair on what the account holds."""

    symbol: Symbol
    side: SideName = Side.SELL
    exchange: str | None = None
    size_pct: Number | None = Field(default=None, alias="sizePct", description="Fraction of the holdings, at most 1.")
    quantity: Number | None = None
    above_type: OrderType = Field(alias="aboveType")
    above_price: Number | None = Field(default=None, alias="abovePrice")
    above_stop_price: Number | None = Field(default=None, alias="aboveStopPrice")
    above_time_in_force: TimeInForce | None = Field(default=None, alias="aboveTimeInForce")
    below_type: OrderType = Field(alias="belowType")
    below_price: Number | None = Field(default=None, alias="belowPrice")
    below_stop_price: Number | None = Field(default=None, alias="belowStopPrice")
    below_time_in_force: TimeInForce | None = Field(default=None, alias="belowTimeInForce")
    credential_id: str | None = Field(default=None, alias="credentialId")
    dry_run: DryRun = False

    @property
    def size(self) -> Size:
        """How much, as it was said."""
        return Size(pct=self.size_pct, qty=self.quantity)

    @property
    def above(self) -> OcoLeg:
        """The take-profit leg."""
        return OcoLeg(
            order_type=self.above_type,
            price=self.above_price,
            stop_price=self.above_stop_price,
            time_in_force=self.above_time_in_force,
        )

    @property
    def below(self) -> OcoLeg:
        """The stop leg."""
        return OcoLeg(
            order_type=self.below_type,
            price=self.below_price,
            stop_price=self.below_stop_price,
            time_in_force=self.below_time_in_force,
        )


def exchange_named(*names: str | None) -> Exchange:
    """The exchange a request means, by the query or the body. Raises Refused with the spec's message."""
    named = {name.strip().upper() for name in names if name and name.strip()}
    known = ", ".join(exchange.value.upper() for exchange in Exchange)
    if not named:
        raise exchange_required()
    if len(named) > 1:
        raise invalid("exchange", "The query and the body name different exchanges.", "Name it once.")
    name = named.pop()
    try:
        return Exchange(name.lower().replace(".", "").replace("_", ""))
    except ValueError:
        rule = f"The exchange is one of {known}."
        raise invalid("exchange", rule, "Use one of these names.", code="UNKNOWN_EXCHANGE") from None
