"""The shapes of Classic accounts (v2), REST and sockets: field names become ours here and in `classic.py`.

Strict where a field drives an order, lenient where it only describes; keys we do not name are ignored.
"""

import msgspec

from common.connector.amounts import Num


class Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of Bitget; unknown keys are ignored."""


class Placed(Frame, frozen=True, kw_only=True):
    order_id: str
    client_oid: str | None = None


class PlanCanceled(Frame, frozen=True, kw_only=True):
    result: str


class PlansCanceled(Frame, frozen=True, kw_only=True):
    success_list: tuple[Placed, ...] = ()


class Order(Frame, frozen=True, kw_only=True):
    """`orderInfo`, `history-orders` and `unfilled-orders`. In the last one `priceAvg` is the limit price and
    `basePrice` the average: it is the only one that has `basePrice`."""

    order_id: str
    symbol: str
    client_oid: str | None = None
    price: Num = None
    size: Num = None
    order_type: str
    side: str
    status: str
    price_avg: Num = None
    base_price: Num | msgspec.UnsetType = msgspec.UNSET
    base_volume: Num = None
    force: str | None = None
    c_time: Num = None
    u_time: Num = None


class Plan(Frame, frozen=True, kw_only=True):
    """A plan order over REST."""

    order_id: str
    symbol: str
    client_oid: str | None = None
    size: Num = None
    plan_type: str | None = None
    execute_price: Num = None
    trigger_price: Num = None
    status: str
    order_type: str
    side: str
    c_time: Num = None
    u_time: Num = None


class TpslOrder(Frame, frozen=True, kw_only=True):
    """A TP/SL order as `unfilled-orders` and `history-orders` show it with tpslType=tpsl."""

    order_id: str
    symbol: str
    client_oid: str | None = None
    size: Num = None
    price_avg: Num = None
    trigger_price: Num = None
    tpsl_type: str | None = None
    status: str
    order_type: str
    side: str
    c_time: Num = None
    u_time: Num = None


class Plans(Frame, frozen=True, kw_only=True):
    """A page of plan orders; an empty page may lack the list."""

    next_flag: bool | None = False
    id_less_than: str | None = None
    order_list: tuple[Plan, ...] | None = ()


class Child(Frame, frozen=True, kw_only=True):
    order_id: str
    status: str = ""


class FeeDetail(Frame, frozen=True, kw_only=True):
    fee_coin: str | None = None
    total_fee: Num = None
    fee: Num = None


class Fill(Frame, frozen=True, kw_only=True):
    """A trade, over REST (`feeDetail` is an object) or on the channel `fill` (it is a list)."""

    symbol: str
    order_id: str
    trade_id: str
    side: str
    price_avg: Num
    size: Num
    fee_detail: FeeDetail | list[FeeDetail] | str | None = None
    c_time: Num = None
    u_time: Num = None


class Asset(Frame, frozen=True, kw_only=True):
    """Over REST and on the channel `account`."""

    coin: str
    available: Num = None
    frozen: Num = None
    locked: Num = None
    u_time: Num = None


class AccountInfo(Frame, frozen=True, kw_only=True):
    user_id: str | int
    authorities: tuple[str, ...] = ()


class WsOrder(Frame, frozen=True, kw_only=True):
    """The channel `orders`. `size` means money for a buy and is ignored; `baseVolume` above zero is this fill."""

    inst_id: str
    order_id: str
    client_oid: str | None = None
    price: Num = None
    new_size: Num = None
    order_type: str
    force: str | None = None
    side: str
    fill_price: Num = None
    trade_id: str | None = None
    base_volume: Num = None
    fill_time: Num = None
    fill_fee: Num = None
    fill_fee_coin: str | None = None
    acc_base_volume: Num
    price_avg: Num = None
    status: str
    c_time: Num = None
    u_time: Num = None


class WsPlan(Frame, frozen=True, kw_only=True):
    """The channel `orders-algo`. `price` is the trigger price once more; the child's limit is `executePrice`."""

    inst_id: str
    order_id: str
    client_oid: str | None = None
    trigger_price: Num = None
    execute_price: Num = None
    plan_type: str | None = None
    size: Num = None
    order_type: str
    side: str
    status: str
    c_time: Num = None
    u_time: Num = None
