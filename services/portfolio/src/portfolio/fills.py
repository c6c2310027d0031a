"""Order facts to fills, each known once however often and from wherever it is told. Pure."""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from common import ids
from common.errors import UnreadableMessage
from common.exchanges import Exchange
from common.orders import OrderFilled, Side

_TRADE_DIGITS = 24


class FillKey(NamedTuple):
    """What makes a fill one within its account and symbol: an account that trades with itself has one id twice."""

    trade_id: str
    side: Side


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One trade of one order. `qty` in base asset, `px` in quote asset per base."""

    account_id: str
    exchange: Exchange
    symbol: str
    trade_id: str
    side: Side
    qty: Decimal
    px: Decimal
    fee: Decimal | None
    """None where the exchange has not said; below zero it is a rebate."""
    fee_asset: str | None
    at_ms: int
    """By the exchange's clock."""
    client_order_id: str | None
    exchange_order_id: str | None
    told_by: str
    """The `ce_id` of the message that told it, for whatever follows from it to name."""

    @property
    def key(self) -> FillKey:
        return FillKey(self.trade_id, self.side)

    @property
    def place(self) -> str:
        """Where it stands in the order of time, as text that sorts the same here and in the database."""
        number = self.trade_id.zfill(_TRADE_DIGITS) if self.trade_id.isdecimal() else self.trade_id
        return f"{self.at_ms:015d}/{number}/{self.side}"

    @property
    def bracket_id(self) -> str | None:
        """The bracket whose order this was; None for an order placed by hand."""
        key = None if self.client_order_id is None else ids.parse(self.client_order_id)
        return None if key is None else key.bracket_id

    @property
    def fee_known(self) -> bool:
        """Whether the exchange has said what it charged, and in what."""
        return self.fee is not None and (self.fee == 0 or self.fee_asset is not None)


def fill_from(fact: OrderFilled, told_by: str) -> Fill:
    """The fill a fact tells of. Raises UnreadableMessage for one that does not say what was traded."""
    said = (fact.trade_id, fact.side, fact.last_qty, fact.last_px)
    if None in said:
        raise UnreadableMessage("a fill names trade_id, side, last_qty and last_px")
    trade_id, side, qty, px = said
    assert trade_id is not None and side is not None and qty is not None and px is not None  # noqa: PT018 - for mypy
    return Fill(
        account_id=fact.account_id,
        exchange=fact.exchange,
        symbol=fact.symbol,
        trade_id=trade_id,
        side=side,
        qty=qty,
        px=px,
        fee=fact.fee,
        fee_asset=fact.fee_asset,
        at_ms=fact.ts_event_ms,
        client_order_id=fact.client_order_id,
        exchange_order_id=fact.exchange_order_id,
        told_by=told_by,
    )


def merged(one: Fill, other: Fill) -> Fill:
    """Two tellings of one trade: of each thing what is known of it, the same in whatever order they come.

    A stream may not know the fee yet, and an order the exchange placed itself has our name only once it is adopted.
    """
    order, fee = min(one, other, key=_order), min(one, other, key=_fee)
    qty, px = min((one.qty, one.px), (other.qty, other.px))
    return msgspec.structs.replace(
        one,
        qty=qty,
        px=px,
        fee=fee.fee,
        fee_asset=fee.fee_asset,
        at_ms=min(one.at_ms, other.at_ms),
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id,
        told_by=min(one.told_by, other.told_by),
    )


def _order(fill: Fill) -> tuple[bool, bool, str, str]:
    ids_known = fill.bracket_id is None, fill.client_order_id is None
    return *ids_known, fill.client_order_id or "", fill.exchange_order_id or ""


def _fee(fill: Fill) -> tuple[bool, Decimal, str]:
    return not fill.fee_known, fill.fee or Decimal(0), fill.fee_asset or ""
