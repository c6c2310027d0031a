"""The private stream of one account: four channels, each subscribed with its own signature.

Orders and trades have no order between them, so an order's end waits a moment for the trades it counts. A price order
is told as one order with the order it becomes: that one carries no id of ours and is usually heard of first, so its
facts are held until it is known which price order placed it. `spot.priceorders` has no status: a frame that shows an
end without an order is answered by reading that price order. Nothing is replayed and nothing numbered.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec
import orjson

from common.accounts import AssetBalance, BalanceChanged, Credentials
from common.connector.amounts import ZERO, amount
from common.connector.bodies import parse
from common.connector.ports import (
    Ask,
    CloseAndReconnect,
    FactsReceived,
    Frame,
    ReadAgain,
    Rejected,
    Reply,
    StreamEvents,
    Subscribed,
    SubscriptionLost,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderFact
from gateio_connector import price_orders, queries
from gateio_connector.frames import BalancePush, OrderRow, PriceOrderPush, PriceOrderRow, TradeRow, WsError, WsFrame
from gateio_connector.held import Endings, Held
from gateio_connector.memory import Memory
from gateio_connector.names import client_id_of, exchange_id_of
from gateio_connector.numbers import ms
from gateio_connector.orders import Reader
from gateio_connector.pairs import symbol_of
from gateio_connector.replies import ErrorBody, value_of
from gateio_connector.signing import channel_signature
from gateio_connector.sockets import Pulse, as_bytes, frame, upgrade

ALL: Final = ["!all"]
CHANNELS: Final[dict[str, list[str] | None]] = {
    "spot.orders": ALL,
    "spot.usertrades": ALL,
    "spot.priceorders": ALL,
    "spot.balances": None,
}
ANSWER_WITHIN_MS: Final = 10_000
TRIGGERED_KEPT: Final = 50
AUTHENTICATION: Final = 4
_CLOCK: Final = "REQUEST_EXPIRED"


class AccountStream:
    """Implements the kit's PrivateStream for Gate.io. Frames do not say whose they are, so a socket has one account."""

    def __init__(self, url: str, memory: Memory) -> None:
        self._url = url
        self._memory = memory
        self._credentials: Credentials | None = None
        self._pulse = Pulse()
        self._endings = Endings()
        self._held = Held()
        self._waiting: set[str] = set()
        self._asked_ms: int | None = None
        self._live = self._open = False
        self._triggered: deque[str] = deque(maxlen=TRIGGERED_KEPT)

    # --- the socket -------------------------------------------------------------------------------------------------

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """One address for everything."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Subscribe the account that was added before."""
        self._open = True
        self._pulse.opened(now_ms)
        return [] if self._credentials is None else self._subscribe(self._credentials, now_ms)

    def add(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        """Stream this account; a renewed lease only replaces the credentials."""
        known, self._credentials = self._credentials, credentials
        running = known is not None and (self._live or self._asked_ms is not None)
        return [] if running or not self._open else self._subscribe(credentials, now_ms)

    def remove(self, account_id: str, now_ms: int) -> StreamEvents:
        """Stop streaming the account and forget its key."""
        if self._credentials is None or self._credentials.account_id != account_id:
            return []
        self._credentials, self._live, self._asked_ms = None, False, None
        if not self._open:
            return []
        return [frame(now_ms, name, "unsubscribe", payload=payload or []) for name, payload in CHANNELS.items()]

    def on_time(self, now_ms: int) -> StreamEvents:
        """Pings; ends that waited long enough for their trades; orders that nobody claimed."""
        if self._asked_ms is not None and now_ms - self._asked_ms > ANSWER_WITHIN_MS:
            return [CloseAndReconnect("a subscription was never answered")]
        events = self._pulse.tick(now_ms)
        if self._credentials is None:
            return events
        late = self._endings.overdue(now_ms)
        again, given_up = self._held.due(now_ms)
        events += [self._who_fired(pair) for pair in again]
        for order_id in given_up:
            self._memory.stranger(self._account, order_id)
        return events + self._told((*late, *(fact for each in given_up for fact in self._held.release(each))), now_ms)

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """An event of a channel, or the answer to a subscription."""
        try:
            read = parse(as_bytes(raw), WsFrame)
        except UnreadableFrame as error:
            return [Unreadable(as_bytes(raw), error.reason, self._account_or_none)]
        self._pulse.heard(now_ms)
        if read.channel == "spot.system":
            return upgrade()
        if read.event == "subscribe" or (read.error is not None and read.channel in CHANNELS):
            return self._answered(read, now_ms)
        if read.event != "update" or self._credentials is None:
            return []
        try:
            return self._pushed(read, now_ms)
        except UnreadableFrame as error:
            return [Unreadable(as_bytes(raw), error.reason, self._account)]

    # --- subscribing ------------------------------------------------------------------------------------------------

    def _subscribe(self, credentials: Credentials, now_ms: int) -> StreamEvents:
        self._waiting, self._asked_ms, self._live = set(CHANNELS), now_ms, False
        events: StreamEvents = []
        for channel, payload in CHANNELS.items():
            sign = channel_signature(credentials.secret, channel, "subscribe", now_ms // 1000)
            more = {} if payload is None else {"payload": payload}
            auth = {"method": "api_key", "KEY": credentials.api_key, "SIGN": sign}
            events.append(frame(now_ms, channel, "subscribe", id=self._pulse.next_id(), auth=auth, **more))
        return events

    def _answered(self, read: WsFrame, now_ms: int) -> StreamEvents:
        if self._credentials is None or self._asked_ms is None:
            return []
        if read.error is not None:
            self._asked_ms = None
            reason = f"{read.channel}: {read.error.code} {_label(read.error)}"
            return [SubscriptionLost(self._account, reason, retryable=not _refused(read.error))]
        self._waiting.discard(read.channel)
        if self._waiting:
            return []
        self._asked_ms, self._live = None, True
        return [Subscribed(self._account)]

    # --- what is told -----------------------------------------------------------------------------------------------

    def _pushed(self, read: WsFrame, now_ms: int) -> StreamEvents:
        reader, body = Reader(self._account, now_ms), bytes(read.result)
        match read.channel:
            case "spot.orders" | "spot.orders_v2":
                return self._orders(parse(body, list[OrderRow]), reader)
            case "spot.usertrades" | "spot.usertrades_v2":
                return self._trades(parse(body, list[TradeRow]), reader)
            case "spot.balances":
                return self._balances(body, now_ms)
            case "spot.priceorders":
                return self._price_order(parse(body, PriceOrderPush), now_ms)
            case _:
                return []

    def _orders(self, rows: Iterable[OrderRow], reader: Reader) -> StreamEvents:
        events: StreamEvents = []
        for row in rows:
            facts = reader.pushed(row)
            if row.event == "finish":
                facts = tuple(fact for fact in facts if not self._endings.hold(row.id, fact, reader.now_ms))
            events += self._about(row.id, row.text, row.currency_pair or "", facts, reader.now_ms)
        return events

    def _trades(self, rows: Iterable[TradeRow], reader: Reader) -> StreamEvents:
        events: StreamEvents = []
        for row in rows:
            order_id = str(row.order_id)
            fill = reader.trade(row)
            facts = (fill, *self._endings.traded(order_id, fill))
            events += self._about(order_id, row.text, row.currency_pair, facts, reader.now_ms)
        return events

    def _about(self, order_id: str, text: str, pair: str, facts: tuple[OrderFact, ...], now_ms: int) -> StreamEvents:
        """Facts about an order: ours by its text, a price order's, a stranger's, or held until that is known."""
        if client_id_of(text) is not None or self._memory.knows(self._account, order_id):
            return self._told(facts, now_ms)
        first = self._held.hold(order_id, pair, facts, now_ms)
        return [self._who_fired(pair)] if first else []

    def _told(self, facts: Iterable[OrderFact], now_ms: int) -> StreamEvents:
        told = tuple(fact for each in facts if (fact := self._as_price_order(each)) is not None)
        return [FactsReceived(self._account, orders=told)] if told else []

    def _as_price_order(self, fact: OrderFact) -> OrderFact | None:
        owner = self._memory.owner(self._account, fact.exchange_order_id or "")
        return fact if owner is None else price_orders.as_price_order(fact, owner)

    def _balances(self, body: bytes, now_ms: int) -> StreamEvents:
        return [FactsReceived(self._account, balances=(balances_of_pushes(body, self._account, now_ms),))]

    # --- price orders -----------------------------------------------------------------------------------------------

    def _price_order(self, push: PriceOrderPush, now_ms: int) -> StreamEvents:
        symbol_of(push.market)
        waits = not push.fired_order_id and int(_digits(push.ftime)) <= 0
        # That one waits is told by the answer to its placing. How one ended, and when it fired, only itself tells.
        return [] if waits else [self._read_again(push.id)]

    def _read_again(self, price_order_id: str) -> Ask:
        return Ask(f"one/{price_order_id}", self._account, queries.price_order(_digits(price_order_id)))

    def _who_fired(self, pair: str) -> Ask:
        return Ask(f"fired/{pair}", self._account, queries.price_orders("finished", pair))

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """A price order read again, or the list in which the owner of an order is looked for."""
        if self._credentials is None:
            return []
        many = request_id.startswith("fired/")
        rows = reply if isinstance(reply, Unknown) else value_of(reply, _list_of if many else _row_of)
        if isinstance(rows, Rejected | Unknown):
            # Held facts are asked about again by and by; a price order that cannot be read now is read with the rest.
            return [] if many else [ReadAgain(self._account, f"{request_id}: {rows.code}")]
        try:
            return [event for row in rows for event in self._read(row, now_ms, only_fired=many)]
        except UnreadableFrame as error:
            return [ReadAgain(self._account, f"{request_id}: {error.reason}")]

    def _read(self, row: PriceOrderRow, now_ms: int, *, only_fired: bool) -> StreamEvents:
        reader = Reader(self._account, now_ms)
        if row.fired_order_id:
            child, owner = str(row.fired_order_id), exchange_id_of(row.id)
            held = self._held.release(child)
            if only_fired and not held:
                return []  # An old one: what became of it was told when it happened.
            self._memory.fired(self._account, child, owner)
            news: tuple[OrderFact, ...] = ()
            if owner not in self._triggered:
                self._triggered.append(owner)
                news = (price_orders.triggered(row, reader),)
            return self._told((*news, *held), now_ms)
        if only_fired:
            return []
        if row.status == price_orders.FIRED:
            return [ReadAgain(self._account, f"price order {row.id} fired, and does not tell its order")]
        return self._told(price_orders.ended(row, reader), now_ms)

    @property
    def _account(self) -> str:
        assert self._credentials is not None, "only a subscribed account has facts"
        return self._credentials.account_id

    @property
    def _account_or_none(self) -> str | None:
        return None if self._credentials is None else self._credentials.account_id


def balances_of_pushes(body: bytes, account_id: str, now_ms: int) -> BalanceChanged:
    """Rows of `spot.balances` as absolute balances. Raises UnreadableFrame."""
    rows = parse(body, list[BalancePush])
    last: dict[str, AssetBalance] = {}
    for row in rows:  # One fill gives several rows of an asset: the last one is the balance.
        free, total = amount(row.available, "available"), amount(row.total, "total")
        locked = max(total - free, ZERO) if row.freeze is None else amount(row.freeze, "freeze")
        last[row.currency] = AssetBalance(asset=row.currency, free=free, locked=locked)
    times = [ms(row.timestamp_ms, "timestamp_ms") for row in rows if row.timestamp_ms is not None]
    return BalanceChanged(
        account_id=account_id,
        exchange=Exchange.GATEIO,
        balances=tuple(last.values()),
        ts_event_ms=max(times, default=now_ms),
        ts_init_ms=now_ms,
    )


def _list_of(body: bytes) -> list[PriceOrderRow]:
    return parse(body, list[PriceOrderRow])


def _row_of(body: bytes) -> list[PriceOrderRow]:
    return [parse(body, PriceOrderRow)]


def _digits(value: str | int) -> str:
    text = str(value)
    bare = text.removeprefix("-")
    if not (bare.isascii() and bare.isdecimal() and len(bare) < 24):
        raise UnreadableFrame(f"{text[:30]!r}: a whole number is needed")
    return text


def _label(error: WsError) -> str:
    """The label inside the message, which may be JSON text and end with a newline."""
    try:
        return msgspec.convert(orjson.loads(error.message), ErrorBody).label
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        return "unlabelled"


def _refused(error: WsError) -> bool:
    """Whether the key itself is refused; a signature of the wrong time is made again with a measured clock."""
    return error.code == AUTHENTICATION and _label(error) != _CLOCK
