"""What a placement or a cancel does next, by what it was answered."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from common.commands import CancelOrder, SubmitOrder
from common.connector.ports import Accepted, Call, ExchangeInfo, OrderFound, OrderRef, Rejected, Reply, Unknown
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderCanceled, OrderStatus, OrderType, Side
from gateio_connector.dialect import GateioDialect

FRAMES = Path(__file__).parent.parent / "frames"
NOW = 1_763_800_000_000
ABOUT: dict[str, Any] = {
    "command_id": "c", "bracket_id": "b", "account_id": "acc-1", "exchange": Exchange.GATEIO, "symbol": "BTCUSDT",
    "ts_init_ms": NOW, "valid_until_ms": NOW + 10_000,
}  # fmt: skip
STOP = SubmitOrder(
    **ABOUT, client_order_id="s1", side=Side.SELL, order_type=OrderType.STOP_LOSS, qty=Decimal("0.00499"),
    trigger_px=Decimal(58_000),
)  # fmt: skip
REPEAT = Reply(status=400, body=b'{"label": "REPEAT_REQUEST", "message": "repeat request"}')
GONE = Reply(status=400, body=b'{"label": "ORDER_CLOSED", "message": "closed"}')
NONE = Reply(status=200, body=b"[]")


def row(name: str, **changes: Any) -> Reply:
    body = json.loads((FRAMES / f"{name}.json").read_bytes())
    return Reply(status=200, body=json.dumps(body | changes).encode())


def rows(name: str, **changes: Any) -> Reply:
    return Reply(status=200, body=b"[" + row(name, **changes).body + b"]")


@pytest.fixture
def dialect() -> GateioDialect:
    return GateioDialect(ws_url="ws://x")


@pytest.fixture
def bitcoin(dialect: GateioDialect) -> Instrument:
    listed = dialect.fetch_instruments().read(
        Reply(status=200, body=(FRAMES / "rest.currency_pairs.json").read_bytes()), 0
    )
    assert isinstance(listed, ExchangeInfo)
    return listed.instruments[0]


def through(call: Call[Any], *replies: Reply) -> Any:
    """What the call answers, or asks next, after these replies."""
    answer: Any = call
    for each in replies:
        assert isinstance(answer, Call), answer
        answer = answer.read(each, NOW)
    return answer


def test_a_created_price_order_is_known_by_a_number_of_its_own(dialect: GateioDialect, bitcoin: Instrument) -> None:
    answer = through(dialect.submit_order(STOP, bitcoin), row("rest.price_order.create"))
    assert isinstance(answer, Accepted)
    assert [fact.exchange_order_id for fact in answer.facts] == ["po-1500000001"]


def test_one_refused_for_coming_too_soon_is_looked_for_and_sent_again(
    dialect: GateioDialect, bitcoin: Instrument
) -> None:
    call = dialect.submit_order(STOP, bitcoin)
    assert through(call, REPEAT).request.method == "GET"
    again = through(call, REPEAT, NONE, NONE)
    assert again.request == call.request


def test_one_that_may_have_arrived_is_not_sent_again(dialect: GateioDialect, bitcoin: Instrument) -> None:
    answer = through(dialect.submit_order(STOP, bitcoin), REPEAT, rows("rest.price_order.open"))
    assert answer == Unknown("REPEAT_REQUEST", "repeat request")


def test_a_market_buy_without_a_price_is_refused_because_nothing_was_sent(
    dialect: GateioDialect, bitcoin: Instrument
) -> None:
    buy = SubmitOrder(**ABOUT, client_order_id="e1", side=Side.BUY, order_type=OrderType.MARKET, qty=Decimal("0.01"))
    answer = through(dialect.submit_order(buy, bitcoin), NONE)
    assert isinstance(answer, Rejected)
    order = through(
        dialect.submit_order(buy, bitcoin), Reply(status=200, body=(FRAMES / "rest.tickers.json").read_bytes())
    )
    assert (order.request.body["price"], order.request.body["time_in_force"]) == ("60610.5", "ioc")


def a_cancel(dialect: GateioDialect) -> Call[Any]:
    return dialect.cancel_order(CancelOrder(**ABOUT, client_order_id="s1", exchange_order_id="po-1500000001"))


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
def test_a_cancelled_price_order_is_canceled(dialect: GateioDialect, bitcoin: Instrument, word: str) -> None:
    answer = through(a_cancel(dialect), row("rest.price_order.cancelled", status=word))
    assert isinstance(answer, Accepted)
    assert isinstance(answer.facts[0], OrderCanceled)
    assert answer.facts[0].client_order_id == "s1"


@pytest.mark.parametrize("label", ["ORDER_CLOSED", "ORDER_NOT_FOUND", "CANCEL_FAIL", "SOMETHING_NEW"])
def test_a_cancel_that_came_too_late_cancels_the_order_it_became(
    dialect: GateioDialect, bitcoin: Instrument, label: str
) -> None:
    refused = Reply(status=400, body=json.dumps({"label": label, "message": ""}).encode())
    child = through(a_cancel(dialect), refused, row("rest.price_order.finish"))
    assert (child.request.method, child.request.path) == ("DELETE", "/spot/orders/900000000777")
    answer = child.read(row("rest.order.cancelled_partial", id="900000000777", side="sell", text="apiv4"), NOW)
    (fact,) = answer.facts
    assert (fact.exchange_order_id, fact.client_order_id, fact.cum_qty) == ("po-1500000001", "s1", Decimal("0.004"))


def test_a_cancel_that_did_nothing_is_unknown(dialect: GateioDialect, bitcoin: Instrument) -> None:
    assert isinstance(through(a_cancel(dialect), GONE, row("rest.price_order.open")), Unknown)


def test_a_price_order_is_found_by_its_terms_among_open_and_ended_ones(
    dialect: GateioDialect, bitcoin: Instrument
) -> None:
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="s1", terms=STOP)
    found = through(dialect.fetch_order(ref), rows("rest.price_order.open"))
    assert isinstance(found, OrderFound)
    assert (found.order.client_order_id, found.order.exchange_order_id) == ("s1", "po-1500000001")
    ended = through(dialect.fetch_order(ref), NONE, rows("rest.price_order.failed"))
    assert ended.order.status is OrderStatus.EXPIRED
    others = msgspec.structs.replace(ref, taken=("po-1500000001",))
    absent = through(dialect.fetch_order(others), rows("rest.price_order.open"), NONE)
    assert not isinstance(absent, OrderFound | Call)


def test_a_price_order_placed_long_before_is_not_taken_for_a_new_one(
    dialect: GateioDialect, bitcoin: Instrument
) -> None:
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="s1", terms=STOP)
    old = rows("rest.price_order.open", ctime=NOW // 1000 - 60)
    assert not isinstance(through(dialect.fetch_order(ref), old, NONE), OrderFound)


def test_one_that_fired_is_followed_to_its_order(dialect: GateioDialect, bitcoin: Instrument) -> None:
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id="s1", exchange_order_id="po-1500000001")
    child = row("rest.order.closed_market_sell", id="900000000777", text="apiv4")
    found = through(dialect.fetch_order(ref), row("rest.price_order.finish"), child)
    assert (found.order.status, found.order.exchange_order_id) == (OrderStatus.FILLED, "po-1500000001")
    lagging = through(
        dialect.fetch_order(ref),
        row("rest.price_order.finish"),
        Reply(status=404, body=b'{"label": "ORDER_NOT_FOUND", "message": ""}'),
    )
    assert isinstance(lagging, Unknown)


def test_a_refused_cancel_for_the_key_is_told_as_it_is(dialect: GateioDialect, bitcoin: Instrument) -> None:
    refused = Reply(status=401, body=b'{"label": "INVALID_KEY", "message": ""}')
    answer = through(a_cancel(dialect), refused)
    assert isinstance(answer, Rejected)
    assert answer.category is ErrorCategory.AUTH
