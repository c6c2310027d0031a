"""The shapes of unified accounts (v3). A socket's `topic` and `symbol` stand where v2 has `channel` and `instId`."""

from bitget_connector.classic_frames import FeeDetail, Frame
from common.connector.amounts import Num


class Placed(Frame, frozen=True, kw_only=True):
    order_id: str


class Order(Frame, frozen=True, kw_only=True):
    """An order, over REST and on the topic `order`."""

    order_id: str
    client_oid: str | None = None
    symbol: str
    category: str | None = None
    order_type: str
    side: str
    price: Num = None
    qty: Num = None
    amount: Num = None
    cum_exec_qty: Num = None
    cum_exec_value: Num = None
    avg_price: Num = None
    time_in_force: str | None = None
    order_status: str
    created_time: Num = None
    updated_time: Num = None


class Strategy(Frame, frozen=True, kw_only=True):
    """A strategy order: `trigger` waits for one price, `tpsl` for either of two."""

    order_id: str
    client_oid: str | None = None
    symbol: str
    category: str | None = None
    type: str | None = None
    status: str
    side: str
    qty: Num = None
    trigger_type: str | None = None
    take_profit: Num = None
    stop_loss: Num = None
    tp_order_type: str | None = None
    sl_order_type: str | None = None
    tp_limit_price: Num = None
    sl_limit_price: Num = None
    trigger_price: Num = None
    trigger_order_type: str | None = None
    trigger_order_price: Num = None
    created_time: Num = None
    updated_time: Num = None


class Fill(Frame, frozen=True, kw_only=True):
    """A trade, over REST and on the topic `fill`."""

    exec_id: str
    order_id: str
    symbol: str
    category: str | None = None
    side: str
    exec_price: Num
    exec_qty: Num
    fee_detail: list[FeeDetail] | FeeDetail | str | None = None
    exec_time: Num = None
    created_time: Num = None
    updated_time: Num = None


class Coin(Frame, frozen=True, kw_only=True):
    coin: str
    available: Num = None
    locked: Num = None
    balance: Num = None


class Orders(Frame, frozen=True, kw_only=True):
    list: tuple[Order, ...] | None = ()
    cursor: str | None = None


class Strategies(Frame, frozen=True, kw_only=True):
    list: tuple[Strategy, ...] | None = ()
    cursor: str | None = None


class Fills(Frame, frozen=True, kw_only=True):
    list: tuple[Fill, ...] | None = ()
    cursor: str | None = None


class Assets(Frame, frozen=True, kw_only=True):
    """Over REST; the topic `account` pushes a list of these, whose coins may be called `coin`."""

    assets: tuple[Coin, ...] = ()
    coin: tuple[Coin, ...] = ()
