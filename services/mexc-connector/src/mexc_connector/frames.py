"""The exchange's REST shapes: its key names become ours here, once.

Strict where a field drives an order, lenient where it only describes. Numbers come as text or as numbers, ids as text
or (old orders) as digits; null, missing and empty text mean the same ("General conventions" of the API).
"""

import msgspec

Num = str | int | float | None
"""A number as MEXC sends it. Binary floats are never calculated with: their text is read."""
Id = str | int


class Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of MEXC; unknown keys are ignored."""


class ErrorBody(Frame, frozen=True, kw_only=True):
    """A failure: HTTP 400, or 200 around some wrapped answers. System errors say `message` instead of `msg`."""

    code: int
    msg: str | None = None
    message: str | None = None

    @property
    def said(self) -> str:
        """The text beside the code, whatever its key."""
        return self.msg or self.message or ""


class OrderAck(Frame, frozen=True, kw_only=True):
    """The answer to a placement: no state, no client id, no fills. The presence of `orderId` means accepted."""

    symbol: str | None = None
    order_id: Id
    price: Num = None
    orig_qty: Num = None
    order_type: str | None = msgspec.field(name="type", default=None)
    side: str | None = None
    transact_time: int | None = None
    client_order_id: str | None = None
    new_client_order_id: str | None = None


class OrderBody(Frame, frozen=True, kw_only=True):
    """An order as queries tell it. The cumulative quote is spelled with two m's."""

    symbol: str
    order_id: Id
    client_order_id: str | None = None
    price: Num = None
    orig_qty: Num = None
    executed_qty: Num = None
    cummulative_quote_qty: Num = None
    status: str
    order_type: str | None = msgspec.field(name="type", default=None)
    side: str | None = None
    time: int | None = None
    update_time: int | None = None


class TradeBody(Frame, frozen=True, kw_only=True):
    symbol: str
    id: Id
    order_id: Id
    client_order_id: str | None = None
    price: Num
    qty: Num
    commission: Num = None
    commission_asset: str | None = None
    time: int
    is_buyer: bool


class BalanceBody(Frame, frozen=True, kw_only=True):
    asset: str
    free: Num = None
    locked: Num = None


class AccountBody(Frame, frozen=True, kw_only=True):
    """Only assets that are not zero are listed."""

    balances: tuple[BalanceBody, ...]
    can_trade: bool | None = None
    account_type: str | None = None
    update_time: int | None = None


class ApiKeyBody(Frame, frozen=True, kw_only=True):
    """`GET apiKeyInfo`: what the key itself may do."""

    permissions: str = ""
    status: str | None = None
    remaining_validity: Num = None


class ListenKeyBody(Frame, frozen=True, kw_only=True):
    listen_key: str


class ServerTimeBody(Frame, frozen=True, kw_only=True):
    server_time: int


class FilterBody(Frame, frozen=True, kw_only=True):
    filter_type: str | None = None
    bid_multiplier_up: Num = None
    ask_multiplier_down: Num = None


class SymbolBody(Frame, frozen=True, kw_only=True):
    """`baseSizePrecision` is the smallest quantity and `quoteAmountPrecision` the smallest value: no precisions."""

    symbol: str
    status: str | int
    base_asset: str
    quote_asset: str
    base_asset_precision: int
    quote_precision: int | None = None
    quote_asset_precision: int | None = None
    order_types: tuple[str, ...] = ()
    is_spot_trading_allowed: bool = False
    permissions: tuple[str, ...] = ()
    base_size_precision: Num = None
    quote_amount_precision: Num = None
    quote_amount_precision_market: Num = None
    max_quote_amount: Num = None
    taker_commission: Num = None
    trade_side_type: Num = None
    filters: tuple[FilterBody, ...] = ()


class ExchangeInfoBody(Frame, frozen=True, kw_only=True):
    symbols: tuple[msgspec.Raw, ...]


class TickerBody(Frame, frozen=True, kw_only=True):
    """Any of the three tickers."""

    symbol: str
    last_price: Num = None
    price: Num = None
    bid_price: Num = None
    bid_qty: Num = None
    ask_price: Num = None
    ask_qty: Num = None
    open_price: Num = None
    high_price: Num = None
    low_price: Num = None
    volume: Num = None
    quote_volume: Num = None
    price_change_percent: Num = None
    close_time: int | None = None


class KlineRow(msgspec.Struct, frozen=True, array_like=True):
    open_ms: int
    open_px: Num
    high_px: Num
    low_px: Num
    close_px: Num
    volume: Num
    close_ms: int
    quote_volume: Num


class DepthBody(Frame, frozen=True, kw_only=True):
    last_update_id: int
    bids: tuple[tuple[Num, Num], ...]
    asks: tuple[tuple[Num, Num], ...]
    timestamp: int | None = None


class PublicTradeBody(Frame, frozen=True, kw_only=True):
    """`isBuyerMaker` true means that the taker sold; `id` is always null."""

    price: Num
    qty: Num
    time: int
    is_buyer_maker: bool


class AggTradeBody(msgspec.Struct, frozen=True, kw_only=True):
    p: Num
    q: Num
    time: int = msgspec.field(name="T")
    m: bool


class ControlFrame(Frame, frozen=True, kw_only=True):
    """A text frame: what we send, or the answer to it. A refusal has code 0 too; only `msg` tells."""

    method: str | None = None
    id: int | None = None
    code: int | None = None
    msg: str | None = None
