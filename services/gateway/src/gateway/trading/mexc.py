"""MEXC's own words for an order, to an order as everybody wishes it."""

from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from common.exchanges import Exchange
from common.orders import OrderType, Side, TimeInForce
from gateway.trading.refusals import VALUE_TOO_LOW, invalid
from gateway.trading.requests import Body, ExitsBody, Number, OrderId, SideName, Symbol, upper
from gateway.trading.rules import check_client_order_id
from gateway.trading.sizing import Size
from gateway.trading.wishes import OrderWish

MINIMUM_USDT: Final = Decimal(1)
"""The least an order in USDT is worth; the symbol's own minimum holds beside it."""
MOST_IN_A_BATCH: Final = 20

KINDS: Final = MappingProxyType(
    {
        "MARKET": (OrderType.MARKET, None),
        "LIMIT": (OrderType.LIMIT, TimeInForce.GTC),
        "LIMIT_MAKER": (OrderType.LIMIT_MAKER, None),
        "IMMEDIATE_OR_CANCEL": (OrderType.LIMIT, TimeInForce.IOC),
        "FILL_OR_KILL": (OrderType.LIMIT, TimeInForce.FOK),
    }
)
"""MEXC says the time in force by the type (reference, section 6.1)."""

Kind = Literal["MARKET", "LIMIT", "LIMIT_MAKER", "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL"]


class MexcOrder(ExitsBody):
    """POST /mexc/orders, and each order of a batch."""

    symbol: Symbol
    side: SideName
    type: Annotated[Kind, BeforeValidator(upper)]
    quantity: Number | None = Field(default=None, description="Amount of the base asset, in whole steps.")
    quote_order_qty: Number | None = Field(
        default=None, alias="quoteOrderQty", description="Of a MARKET BUY: what to spend, at least 1 USDT."
    )
    price: Number | None = Field(default=None, description="Of every type but MARKET, in whole ticks.")
    new_client_order_id: OrderId | None = Field(
        default=None,
        alias="newClientOrderId",
        description="Your name for the order: with it the order is placed once, whatever is repeated.",
    )
    credential_id: OrderId | None = Field(default=None, alias="credentialId", description="A stored key.")

    @property
    def wish(self) -> OrderWish:
        """The order it asks for. Raises Refused."""
        if self.new_client_order_id is not None:
            check_client_order_id(Exchange.MEXC, self.new_client_order_id, "newClientOrderId")
        order_type, time_in_force = KINDS[self.type]
        self._check_size(order_type)
        return OrderWish(
            symbol=self.symbol,
            side=self.side,
            order_type=order_type,
            size=Size(qty=self.quantity, quote=self.quote_order_qty),
            price=self.price,
            time_in_force=time_in_force,
            wanted=self.wanted,
            exit_field=self.exit_field,
            credential_id=self.credential_id,
        )

    def _check_size(self, order_type: OrderType) -> None:
        by_value = order_type is OrderType.MARKET and self.side is Side.BUY
        if self.quote_order_qty is not None and not by_value:
            raise invalid("quoteOrderQty", "Only a MARKET BUY is given by value.", "Name quantity instead.")
        if (self.quantity is None) is (self.quote_order_qty is None):
            rule = "A MARKET BUY has quantity or quoteOrderQty." if by_value else "The order has a quantity."
            raise invalid("quantity", rule, "Give exactly one." if by_value else "Add quantity.", code="SIZE_AMBIGUOUS")
        worth = self.quote_order_qty or (self.quantity or 0) * (self.price or 0)
        if self.symbol.endswith("USDT") and 0 < worth < MINIMUM_USDT:
            field = "quoteOrderQty" if self.quote_order_qty else "quantity"
            rule = f"An order is worth at least {MINIMUM_USDT} USDT; this one is worth {worth:f}."
            raise invalid(field, rule, "Increase the size.", code="ORDER_VALUE_TOO_LOW", title=VALUE_TOO_LOW)


class MexcBatch(Body):
    """POST /mexc/orders/batch: `{"orders": [...]}`, or the list alone."""

    orders: list[Any] = Field(alias="orders", min_length=1, max_length=MOST_IN_A_BATCH)

    @model_validator(mode="before")
    @classmethod
    def _list_alone(cls, raw: Any) -> Any:
        return {"orders": raw} if isinstance(raw, list) else raw
