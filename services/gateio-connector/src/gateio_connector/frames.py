"""Gate.io's shapes, its field names once. Numbers may be text or numbers; fields appear when they apply."""

import msgspec

from common.connector.amounts import Num


class OrderRow(msgspec.Struct, frozen=True):
    """An order, of REST (which has `status`) and of `spot.orders` (which has `event`)."""

    id: str = ""
    """Missing from an element of a batch that was refused."""
    currency_pair: str | None = None
    text: str = ""
    type: str = "limit"
    side: str | None = None
    status: str | None = None
    event: str | None = None
    time_in_force: str | None = None
    amount: Num = None
    price: Num = None
    left: Num = None
    filled_amount: Num = None
    filled_total: Num = None
    avg_deal_price: Num = None
    finish_as: str | None = None
    create_time: Num = None
    update_time: Num = None
    create_time_ms: Num = None
    update_time_ms: Num = None
    succeeded: bool | None = None
    label: str | None = None
    message: str | None = None


class PairOrders(msgspec.Struct, frozen=True):
    """One element of `open_orders`."""

    currency_pair: str
    total: int
    orders: list[OrderRow]


class TradeRow(msgspec.Struct, frozen=True):
    """One of the account's trades; ids are text in REST and numbers in pushes."""

    id: str | int
    order_id: str | int
    currency_pair: str
    side: str
    amount: Num
    price: Num
    create_time_ms: Num = None
    create_time: Num = None
    fee: Num = None
    fee_currency: str | None = None
    point_fee: Num = None
    gt_fee: Num = None
    text: str = ""


class TriggerPart(msgspec.Struct, frozen=True):
    price: Num
    rule: str
    expiration: int | None = None


class PutPart(msgspec.Struct, frozen=True):
    side: str
    amount: Num
    type: str = "limit"
    price: Num = None
    account: str = "normal"
    time_in_force: str = "gtc"


class PriceOrderRow(msgspec.Struct, frozen=True):
    """A price order; `ftime`, `fired_order_id` and `reason` are missing while it waits."""

    id: int
    market: str
    trigger: TriggerPart
    put: PutPart
    status: str
    ctime: Num = None
    ftime: Num = None
    fired_order_id: int | None = None
    reason: str | None = None


class PriceOrderCreated(msgspec.Struct, frozen=True):
    """All that creating a price order answers."""

    id: int


class PriceOrderPush(msgspec.Struct, frozen=True):
    """`spot.priceorders`: other names than REST, and no status."""

    id: str
    market: str
    fired_order_id: int = 0
    ftime: str | int = "0"


class BalanceRow(msgspec.Struct, frozen=True):
    """One of `/spot/accounts`."""

    currency: str
    available: Num
    locked: Num


class BalancePush(msgspec.Struct, frozen=True):
    """One of `spot.balances`; old servers leave `freeze` out."""

    currency: str
    available: Num
    total: Num = None
    freeze: Num = None
    timestamp_ms: Num = None
    change_type: str | None = None


class KeyPart(msgspec.Struct, frozen=True):
    mode: int


class AccountDetail(msgspec.Struct, frozen=True):
    """What a key belongs to; mode 1 is a classic account, 2 a unified one."""

    user_id: int
    key: KeyPart
    currency_pairs: list[str] = []


class Transferred(msgspec.Struct, frozen=True):
    """The answer to a transfer; older servers answer with nothing at all."""

    tx_id: int | None = None


class ServerTime(msgspec.Struct, frozen=True):
    server_time: int


class PairRow(msgspec.Struct, frozen=True):
    """One of `/spot/currency_pairs`."""

    id: str
    base: str
    quote: str
    amount_precision: int
    precision: int
    trade_status: str
    trade_quotes: list[str] | None = None
    min_base_amount: Num = None
    max_base_amount: Num = None
    min_quote_amount: Num = None
    max_quote_amount: Num = None
    market_order_max_stock: Num = None
    fee: Num = None


class TickerRow(msgspec.Struct, frozen=True):
    """A ticker, of REST and of `spot.tickers`; sizes stand only where one pair was asked for."""

    currency_pair: str
    last: Num = None
    lowest_ask: Num = None
    highest_bid: Num = None
    lowest_size: Num = None
    highest_size: Num = None
    change_percentage: Num = None
    base_volume: Num = None
    quote_volume: Num = None
    high_24h: Num = None
    low_24h: Num = None


class BookTickerPush(msgspec.Struct, frozen=True):
    """Best quotes; an empty side has an empty price."""

    t: int
    s: str
    b: Num = None
    B: Num = None
    a: Num = None
    A: Num = None


class PublicTradeRow(msgspec.Struct, frozen=True):
    """A public trade; `side` is the taker's."""

    id: str | int
    currency_pair: str
    side: str
    amount: Num
    price: Num
    create_time_ms: Num


class CandlePush(msgspec.Struct, frozen=True):
    """`v` counts quote, `a` base; `n` is `<interval>_<pair>`."""

    t: Num
    n: str
    o: Num
    h: Num
    l: Num  # noqa: E741  the exchange's own name
    c: Num
    v: Num
    a: Num
    w: bool = False


Levels = list[tuple[Num, Num]]


class BookRow(msgspec.Struct, frozen=True):
    """A whole book of REST."""

    asks: Levels
    bids: Levels
    id: int = 0
    update: int | None = None


class BookPush(msgspec.Struct, frozen=True):
    """`spot.order_book`: snapshots of the best levels."""

    t: int
    lastUpdateId: int  # noqa: N815  the exchange's own name
    s: str
    bids: Levels
    asks: Levels


class BookChange(msgspec.Struct, frozen=True):
    """`spot.order_book_update` and `spot.obu`; `full` replaces the book."""

    t: int
    s: str
    u: int
    U: int | None = None
    b: Levels = []
    a: Levels = []
    full: bool = False


class WsError(msgspec.Struct, frozen=True):
    code: int
    message: str = ""


class WsFrame(msgspec.Struct, frozen=True):
    """Any frame of the socket; subscriptions are judged by `error`, and not every answer has a `result`."""

    channel: str
    event: str = ""
    id: int | None = None
    error: WsError | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    time_ms: int | None = None
