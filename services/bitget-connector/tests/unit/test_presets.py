"""Exits that an entry brings along: said with the entry, found by their terms, known by our ids from then on."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from bitget_connector.dialect import BitgetDialect
from common.commands import AdoptOrder, CancelOrder, Preset, SubmitOrder
from common.connector.ports import Accepted, Call, OrderFound, OrderRef, Rejected, Reply
from common.errors import ErrorCategory, Refused
from common.exchanges import Exchange
from common.instruments import Instrument
from common.orders import OrderStatus, OrderType, Side

BRACKET = "baaaaaaaaaaaaaaaa"
STOP, ORDER_ID, NUMBER = f"{BRACKET}-q0", "3333333", "1300000000000000777"
NOW = 1763800900000
COMMAND: dict[str, Any] = {
    "command_id": "c",
    "bracket_id": BRACKET,
    "account_id": "acc-1",
    "exchange": Exchange.BITGET,
    "symbol": "BTCUSDT",
    "ts_init_ms": NOW,
    "valid_until_ms": NOW + 2_000,
}
ADOPT = AdoptOrder(
    **COMMAND,
    client_order_id=STOP,
    side=Side.SELL,
    order_type=OrderType.STOP_LOSS,
    qty=Decimal("0.004995"),
    trigger_px=Decimal(57_000),
    since_ms=1763800000000,
)


def reply(data: Any, code: str = "00000") -> Reply:
    return Reply(
        status=200 if code == "00000" else 400, body=json.dumps({"code": code, "msg": "", "data": data}).encode()
    )


def played(call: Any, answers: dict[str, Any]) -> Any:
    """What a call makes of these answers, by path and, of TP/SL orders, what it asks for; all others are empty."""
    while isinstance(call, Call):
        name = call.request.path.rpartition("/")[2]
        tpsl = "tpsl" in {*dict(call.request.params).values(), *(call.request.body or {}).values()}
        answer = answers.get(f"{name} tpsl" if tpsl else name, [])
        call = call.read(answer if isinstance(answer, Reply) else reply(answer), NOW)
    return call


@pytest.fixture
def waiting(frame: Callable[[str], Any]) -> Any:
    (row,) = frame("rest.unfilled_orders.tpsl")["data"]
    return row


def test_an_entry_says_what_it_brings_along(dialect: BitgetDialect, btcusdt: Instrument) -> None:
    entry = SubmitOrder(
        **COMMAND,
        client_order_id=f"{BRACKET}-e0",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        quote_qty=Decimal(100),
        preset=Preset(take_profit_px=Decimal(63_000), stop_loss_px=Decimal(57_000), stop_limit_px=Decimal(56_700)),
    )
    body = dialect.submit_order(entry, btcusdt).request.body
    assert body is not None
    assert (body["presetTakeProfitPrice"], body["presetStopLossPrice"]) == ("63000", "57000")
    assert body["executeStopLossPrice"] == "56700"
    assert "executeTakeProfitPrice" not in body, "without a price it sells at market"
    moved = dialect.submit_order(entry, btcusdt)
    with pytest.raises(Refused, match="unified"):
        moved.read(reply(None, "40085"), NOW)


def test_what_the_exchange_placed_is_found_by_its_terms_and_has_our_id_from_then_on(
    dialect: BitgetDialect, btcusdt: Instrument, waiting: Any
) -> None:
    outcome = played(dialect.submit_order(ADOPT, btcusdt), {"unfilled-orders tpsl": [waiting]})
    assert isinstance(outcome, Accepted)
    (order,) = outcome.facts
    assert (order.client_order_id, order.exchange_order_id, order.status) == (STOP, ORDER_ID, OrderStatus.NEW)
    assert (order.order_type, order.qty, order.trigger_px) == (
        OrderType.STOP_LOSS,
        Decimal("0.004995"),
        Decimal(57_000),
    )
    listed = played(dialect.fetch_open_orders("acc-1", None), {"unfilled-orders tpsl": [waiting]})
    assert [each.client_order_id for each in listed] == [STOP]


@pytest.mark.parametrize(
    "changes",
    [{"triggerPrice": "56999"}, {"side": "buy"}, {"cTime": "1763799990000"}, {"tpslType": "normal"}],
)
def test_an_order_of_other_terms_is_not_taken_for_it(
    dialect: BitgetDialect, btcusdt: Instrument, waiting: Any, changes: dict[str, str]
) -> None:
    outcome = played(dialect.submit_order(ADOPT, btcusdt), {"unfilled-orders tpsl": [waiting | changes]})
    assert isinstance(outcome, Rejected)
    assert outcome.category is ErrorCategory.NOT_FOUND


def test_an_order_is_adopted_once(dialect: BitgetDialect, btcusdt: Instrument, waiting: Any) -> None:
    answers = {"unfilled-orders tpsl": [waiting]}
    played(dialect.submit_order(ADOPT, btcusdt), answers)
    assert isinstance(played(dialect.submit_order(ADOPT, btcusdt), answers), Accepted)
    other = AdoptOrder(
        **{name: getattr(ADOPT, name) for name in ADOPT.__struct_fields__} | {"client_order_id": "b" * 17 + "-q0"}
    )
    assert isinstance(played(dialect.submit_order(other, btcusdt), answers), Rejected)


def test_one_that_has_fired_is_its_child_and_its_pushes_have_our_id(
    dialect: BitgetDialect, btcusdt: Instrument, waiting: Any, frame: Callable[[str], Any]
) -> None:
    played(dialect.submit_order(ADOPT, btcusdt), {"unfilled-orders tpsl": [waiting]})
    (child,) = frame("rest.order_info.spawned_by_plan")["data"]
    answers = {
        "history-orders tpsl": [waiting | {"status": "executed"}],
        "history-orders": [child | {"orderId": "4444444", "clientOid": ORDER_ID}],
    }
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id=STOP, exchange_order_id=ORDER_ID)
    found = played(dialect.fetch_order(ref), answers)
    assert isinstance(found, OrderFound)
    assert (found.order.client_order_id, found.order.exchange_order_id) == (STOP, "4444444")
    assert found.order.status is OrderStatus.FILLED
    assert dialect.spawned(found.order)


def test_after_a_restart_it_is_found_by_the_exchanges_id(dialect: BitgetDialect, waiting: Any) -> None:
    ref = OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id=STOP, exchange_order_id=ORDER_ID)
    found = played(dialect.fetch_order(ref), {"unfilled-orders tpsl": [waiting]})
    assert isinstance(found, OrderFound)
    assert found.order.client_order_id == STOP


def test_it_is_cancelled_as_what_it_is(dialect: BitgetDialect, waiting: Any) -> None:
    cancel = CancelOrder(**COMMAND, client_order_id=STOP, exchange_order_id=ORDER_ID)
    call = dialect.cancel_order(cancel)
    assert call.request.body == {"orderId": ORDER_ID, "tpslType": "tpsl"}
    outcome = played(call, {"cancel-order tpsl": {"orderId": ORDER_ID, "clientOid": NUMBER}})
    assert isinstance(outcome, Accepted)
    assert outcome.facts[0].status is OrderStatus.CANCELED
