"""Public channels: their names, what they say, and how clients subscribe."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from common.mexc_proto import decode
from paper_exchange.mexc.channels import read_channel
from paper_exchange.mexc.streams import Streams
from paper_exchange.mexc.subscriptions import Session, answer

Frame = Callable[[str], Any]
BOOK = "spot@public.aggre.bookTicker.v3.api.pb@100ms@BTCUSDT"


class Ear:
    """A connection that keeps what it is told."""

    def __init__(self, desk: Any) -> None:
        self.desk, self.streams = desk, Streams(desk.exchange, desk.venue.switches)
        self.session = Session(self)
        self.raw: list[bytes] = []
        self.stamps: list[Any] = []
        desk.venue.on_trade.append(self.streams.on_trade)

    def push(self, frame: bytes, stamp: Any = None) -> None:
        self.raw.append(frame)
        self.stamps.append(stamp)

    def say(self, text: str, most: int = 30) -> Any:
        return json.loads(answer(self.session, self.streams, text, most))

    def subscribe(self, *names: str, number: int = 0) -> Any:
        asked = {"method": "SUBSCRIPTION", "params": list(names)} | ({"id": number} if number else {})
        return self.say(json.dumps(asked))

    def tick(self, ms: int = 100) -> list[Any]:
        """What was said after so much time."""
        self.raw.clear()
        self.desk.now_ms += ms
        self.streams.tick(self.desk.now_ms)
        return [MessageToDict(decode(frame)) for frame in self.raw]


@pytest.fixture
def ear(desk: Any) -> Ear:
    return Ear(desk)


def fields(value: Any) -> Any:
    """Names without values, of dicts and of the first item of lists."""
    if isinstance(value, dict):
        return {name: fields(item) for name, item in value.items()}
    return [fields(value[0])] if isinstance(value, list) and value else type(value).__name__


@pytest.mark.parametrize(
    "name",
    [
        "aggre_bookTicker",
        "aggre_deals_2026_tradeId",
        "aggre_deals",
        "bookTicker_batch",
        "kline",
        "limit_depth",
        "miniTicker",
    ],
)
def test_pushes_have_the_documented_fields(ear: Ear, frame: Frame, name: str) -> None:
    documented = frame(f"ws_public_{name}")
    ear.desk.venue.switches.emits_2026_fields = "2026" in name
    assert ear.subscribe(documented["channel"])["msg"] == documented["channel"]
    ear.desk.move("98100", "BTCUSDT")
    said = ear.tick(3000)[-1]
    assert fields(said) == fields(documented)
    assert (said["channel"], said["symbol"]) == (documented["channel"], documented["symbol"])


def test_changes_of_the_book_follow_each_other_without_a_gap(ear: Ear, frame: Frame) -> None:
    documented = frame("ws_public_aggre_depth")
    ear.desk.venue.switches.emits_2026_fields = False
    version = ear.desk.public("depth", symbol="BTCUSDT")["lastUpdateId"]
    ear.subscribe(documented["channel"])
    book = {side: dict(ear.desk.public("depth", symbol="BTCUSDT")[side]) for side in ("bids", "asks")}
    for px in ("98001", "98040", "97900"):
        ear.desk.move(px, "BTCUSDT")
        said = ear.tick()[0]["publicAggreDepths"]
        assert set(said) - {"asks"} == set(documented["publicAggreDepths"])
        assert int(said["fromVersion"]) == version + 1
        version = int(said["toVersion"])
        for side in ("bids", "asks"):
            for level in said.get(side, []):
                book[side][level["price"]] = level["quantity"]
    now = ear.desk.public("depth", symbol="BTCUSDT")
    assert version == now["lastUpdateId"]
    for side in ("bids", "asks"):
        assert {px: qty for px, qty in book[side].items() if qty != "0"} == dict(now[side])


def test_the_book_ticker_speaks_at_once_and_then_only_when_the_book_changes(ear: Ear) -> None:
    ear.subscribe(BOOK)
    first = ear.tick()[0]["publicAggreBookTicker"]
    assert ear.tick() == []
    ear.desk.move("97000", "BTCUSDT")
    assert ear.tick()[0]["publicAggreBookTicker"]["bidPrice"] == "96999.99"
    assert first["version"] != "0"


def test_a_book_ticker_is_stamped_with_its_prices(ear: Ear) -> None:
    ear.subscribe(BOOK)
    ear.tick()
    assert ear.stamps == [("BTCUSDT", "97999.99", "98000.01")]


def test_fast_channels_speak_ten_times_as_often(ear: Ear) -> None:
    ear.desk.now_ms -= ear.desk.now_ms % 100
    ear.subscribe(BOOK, BOOK.replace("100ms", "10ms"))
    ear.tick(0)
    ear.desk.move("97000", "BTCUSDT")
    assert [said["channel"] for said in ear.tick(10)] == [BOOK.replace("100ms", "10ms")]


def test_trades_are_gathered_until_the_channel_speaks(ear: Ear) -> None:
    ear.subscribe("spot@public.aggre.deals.v3.api.pb@100ms@MXUSDT")
    ear.tick()
    ear.desk.market(side="BUY", quantity="2")
    ear.desk.market(quantity="2")
    deals = ear.tick()[0]["publicAggreDeals"]["deals"]
    assert [deal["tradeType"] for deal in deals] == [1, 2]
    assert ear.tick() == []


def test_candle_times_are_seconds(ear: Ear) -> None:
    ear.subscribe("spot@public.kline.v3.api.pb@BTCUSDT@Min60")
    candle = ear.tick(1000)[0]["publicSpotKline"]
    assert int(candle["windowEnd"]) - int(candle["windowStart"]) == 3600


def test_a_closed_candle_is_told_once_more(ear: Ear) -> None:
    ear.subscribe("spot@public.kline.v3.api.pb@BTCUSDT@Min1")
    ear.tick(1000)
    starts = [int(said["publicSpotKline"]["windowStart"]) for said in ear.tick(60_000)]
    assert starts == [starts[0], starts[0] + 60]


def test_mini_tickers_are_of_all_symbols(ear: Ear) -> None:
    ear.subscribe("spot@public.miniTickers.v3.api.pb@UTC+8")
    items = ear.tick(3000)[0]["publicMiniTickers"]["items"]
    assert {item["symbol"] for item in items} == set(ear.desk.venue.states)


# -- subscribing ----------------------------------------------------------------------------------------------------


def test_an_acknowledgement_joins_the_names_with_commas(ear: Ear, frame: Frame) -> None:
    ear.session.uid = 1
    asked = frame("ws_ctl_subscribe_private")
    assert ear.say(json.dumps(asked)) == frame("ws_ctl_subscribe_ack")
    name = frame("ws_ctl_subscribe_public")["params"][0]
    assert ear.subscribe(name) == frame("ws_ctl_subscribe_ack_no_id")
    assert ear.say(json.dumps(frame("ws_ctl_unsubscribe"))) == {"id": 3, "code": 0, "msg": name}
    assert name not in ear.session.channels


def test_a_refusal_has_code_zero_too(ear: Ear, frame: Frame) -> None:
    documented = frame("ws_ctl_subscribe_rejected")
    assert ear.subscribe("spot@public.miniTicker.v3.api@BTCUSDT@UTC+0") == documented
    assert "Blocked" in ear.subscribe("spot@private.orders.v3.api.pb")["msg"]  # without a listen key
    assert "Blocked" in ear.subscribe(BOOK.replace("BTCUSDT", "NOPEUSDT"))["msg"]


def test_the_thirty_first_subscription_is_refused(ear: Ear) -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "ZECUSDT")
    names = [
        f"spot@public.kline.v3.api.pb@{symbol}@{interval}"
        for symbol in symbols
        for interval in ("Min1", "Min5", "Min15", "Min30", "Min60", "Hour4", "Hour8", "Day1")
    ]
    accepted = ear.subscribe(*names[:30])["msg"].split(",")
    assert accepted == names[:30]
    assert "Blocked" in ear.subscribe(names[30])["msg"]
    assert ear.subscribe(names[0])["msg"] == names[0]
    ear.say(json.dumps({"method": "UNSUBSCRIPTION", "params": names[:1]}))
    assert ear.subscribe(names[30])["msg"] == names[30]


@pytest.mark.parametrize("method", ["PING", "ping"])
def test_pings_are_answered(ear: Ear, frame: Frame, method: str) -> None:
    assert ear.say(json.dumps(frame("ws_ctl_ping") | {"method": method})) == frame("ws_ctl_pong")


@pytest.mark.parametrize("text", ["x", "[]", "{}", '{"method": "DANCE"}', '{"method": "PING", "id": "a"}'])
def test_what_is_no_request_is_said_to_be_none(ear: Ear, text: str) -> None:
    assert ear.say(text)["msg"] == "Invalid message"


@pytest.mark.parametrize(
    "name",
    ["aggre.deals.v3.api.pb@BTCUSDT", "kline.v3.api.pb@Min1@BTCUSDT", "limit.depth.v3.api.pb@BTCUSDT@7",
     "bookTicker.v3.api.pb@BTCUSDT", "aggre.depth.v3.api.pb@20ms@BTCUSDT"],
)  # fmt: skip
def test_names_that_mean_nothing(name: str) -> None:
    assert read_channel(f"spot@public.{name}") is None
