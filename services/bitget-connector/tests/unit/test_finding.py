"""From ids to orders: by plan and by child, in the words of either family, and never absent too early."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bitget_connector.dialect import BitgetDialect
from bitget_connector.family import UNIFIED
from common.commands import CancelOrder
from common.connector.ports import Accepted, Call, OrderAbsent, OrderFound, OrderRef, Rejected, Reply, Unknown
from common.errors import ErrorCategory
from common.exchanges import Exchange
from common.orders import OrderStatus, OrderType

STOP = "baaaaaaaaaaaaaaaa-s1"
PLAN, CHILD = "1300000000000000103", "1300000000000000203"
NOW = 1763800900000
Answers = dict[str, Any]


def reply(data: Any, code: str = "00000") -> Reply:
    status = 200 if code == "00000" else 400
    return Reply(status=status, body=json.dumps({"code": code, "msg": "", "data": data}).encode())


def played(call: Call[Any], answers: Answers, asked: list[str] | None = None) -> Any:
    """What a call makes of these answers, by the last part of the path; what is not named is empty."""
    while True:
        name = call.request.path.rpartition("/")[2]
        if asked is not None:
            asked.append(name)
        answer = answers.get(name, [])
        answer = call.read(answer if isinstance(answer, Reply) else reply(answer), NOW)
        if not isinstance(answer, Call):
            return answer
        call = answer


def plan(status: str, **more: Any) -> Answers:
    row = {
        "orderId": PLAN, "clientOid": STOP, "symbol": "BTCUSDT", "size": "0.0049", "planType": "AMOUNT",
        "executePrice": "0", "triggerPrice": "57000", "status": status, "orderType": "market", "side": "sell",
        "cTime": "1763800001003", "uTime": "1763800700090",
    }  # fmt: skip
    place = "current-plan-order" if status in {"live", "executing"} else "history-plan-order"
    return {place: {"nextFlag": False, "orderList": [row | more]}}


@pytest.fixture
def child(frame: Callable[[str], Any]) -> Any:
    (row,) = frame("rest.order_info.spawned_by_plan")["data"]
    return row | {"orderId": CHILD, "clientOid": PLAN}


def ref(client_id: str | None = STOP, exchange_id: str | None = None) -> OrderRef:
    return OrderRef(account_id="acc-1", symbol="BTCUSDT", client_order_id=client_id, exchange_order_id=exchange_id)


def test_a_waiting_plan_is_a_new_order_with_its_trigger(dialect: BitgetDialect) -> None:
    found = played(dialect.fetch_order(ref()), plan("live"))
    assert isinstance(found, OrderFound)
    assert (found.order.status, found.order.order_type) == (OrderStatus.NEW, OrderType.STOP_LOSS)
    assert str(found.order.trigger_px) == "5.7E+4"
    assert not dialect.spawned(found.order)


def test_a_plan_that_fired_is_its_child_under_the_name_of_the_plan(dialect: BitgetDialect, child: Any) -> None:
    answers = plan("executed") | {"plan-sub-order": [{"orderId": CHILD, "status": "success"}], "orderInfo": [child]}
    found = played(dialect.fetch_order(ref()), answers)
    assert (found.order.client_order_id, found.order.exchange_order_id) == (STOP, CHILD)
    assert found.order.status is OrderStatus.FILLED
    assert dialect.spawned(found.order)


def test_without_an_answer_about_children_the_lists_are_read_for_the_plans_number(
    dialect: BitgetDialect, child: Any
) -> None:
    answers = plan("executed") | {"plan-sub-order": reply(None, "40307"), "history-orders": [child]}
    found = played(dialect.fetch_order(ref()), answers)
    assert (found.order.client_order_id, found.order.exchange_order_id) == (STOP, CHILD)


def test_a_plan_that_fired_without_a_listed_child_is_asked_for_again(dialect: BitgetDialect) -> None:
    assert isinstance(played(dialect.fetch_order(ref()), plan("executed")), Unknown)


def test_a_plan_that_failed_has_ended_unfilled(dialect: BitgetDialect) -> None:
    failed = {"plan-sub-order": [{"orderId": "", "status": "fail"}]}
    found = played(dialect.fetch_order(ref()), plan("fail_execute") | failed)
    assert (found.order.status, found.order.cum_qty) == (OrderStatus.EXPIRED, 0)


def test_an_order_is_absent_only_after_every_place_was_read_for_it(dialect: BitgetDialect) -> None:
    asked: list[str] = []
    assert isinstance(played(dialect.fetch_order(ref()), {}, asked), OrderAbsent)
    assert asked == ["current-plan-order", "history-plan-order", "orderInfo", "unfilled-orders", "history-orders"]


def test_an_order_that_was_there_before_is_never_called_absent(dialect: BitgetDialect) -> None:
    played(dialect.fetch_open_orders("acc-1", None), plan("live"))
    answer = played(dialect.fetch_order(ref(STOP, PLAN)), {})
    assert isinstance(answer, Unknown)


def test_a_place_that_does_not_answer_leaves_it_unknown(dialect: BitgetDialect) -> None:
    answers = {"history-orders": reply(None, "45001")}
    assert isinstance(played(dialect.fetch_order(ref()), answers), Unknown)


def test_a_list_that_leads_back_to_itself_proves_nothing_absent(dialect: BitgetDialect) -> None:
    answers = plan("live", clientOid="somebody-elses")
    answers["current-plan-order"] |= {"nextFlag": True, "idLessThan": PLAN}
    assert isinstance(played(dialect.fetch_order(ref()), answers), Unknown)


def test_a_page_that_has_a_next_one_is_followed_also_where_it_does_not_say_to_where(dialect: BitgetDialect) -> None:
    answers = plan("live", clientOid="somebody-elses")
    answers["current-plan-order"] |= {"nextFlag": True}
    following = dialect.fetch_order(ref()).read(reply(answers["current-plan-order"]), NOW)
    assert isinstance(following, Call)
    assert following.request.path.endswith("current-plan-order")
    assert ("idLessThan", PLAN) in following.request.params


@pytest.mark.parametrize("cursor", [None, ""])
def test_a_full_page_without_a_cursor_is_the_last(frame: Callable[[str], Any], cursor: str | None) -> None:
    row = frame("uta.order_info.spot_market_buy")["data"]
    page = UNIFIED.read_orders(json.dumps({"list": [row] * 100, "cursor": cursor}).encode())
    assert (len(page.rows), page.older) == (100, None)


@pytest.mark.parametrize("status", [200, 400, 502])
@pytest.mark.parametrize("body", [b"", b"{}", b"<html></html>", b'{"code":"00000","data":null}'])
def test_a_list_of_orders_is_absent_only_where_the_exchange_answers(
    dialect: BitgetDialect, status: int, body: bytes
) -> None:
    call = dialect.fetch_order_list("acc-1", "list-1")
    assert isinstance(call.read(Reply(status=status, body=body), NOW), Unknown)
    assert call.read(reply({"serverTime": str(NOW)}), NOW) == OrderAbsent("no_lists")


def test_nonsense_with_a_200_does_not_show_an_accounts_family(dialect: BitgetDialect, credentials: Any) -> None:
    dialect.fetch_balances("acc-1").read(Reply(status=200, body=b"<html></html>"), NOW)
    stream = dialect.private_stream()
    stream.add(credentials, NOW)
    assert stream.prepare(NOW), "the family is still asked for"


def test_a_child_met_by_its_own_id_is_named_after_its_plan(dialect: BitgetDialect, child: Any) -> None:
    answers = plan("executed") | {"orderInfo": [child]}
    found = played(dialect.fetch_order(ref(None, CHILD)), answers)
    assert found.order.client_order_id == STOP


def test_a_strangers_number_is_kept_once_no_plan_has_it(dialect: BitgetDialect, child: Any) -> None:
    found = played(dialect.fetch_order(ref(None, CHILD)), {"orderInfo": [child]})
    assert found.order.client_order_id == PLAN


def test_open_orders_hold_plans_and_children_once_each(dialect: BitgetDialect, child: Any) -> None:
    answers = plan("executing") | {"unfilled-orders": [child | {"status": "live", "baseVolume": "0"}]}
    (order,) = played(dialect.fetch_open_orders("acc-1", None), answers)
    assert (order.client_order_id, order.exchange_order_id) == (STOP, CHILD)


def test_an_account_of_the_other_family_is_asked_in_its_words_and_remembered(dialect: BitgetDialect) -> None:
    asked: list[str] = []
    moved = {"assets": reply(None, "40085")}
    call = dialect.fetch_balances("acc-1")
    following = call.read(moved["assets"], NOW)
    assert isinstance(following, Call)
    assert following.request.path == "/api/v3/account/assets"
    played(following, {"assets": {"assets": [{"coin": "BTC", "available": "1", "locked": "0"}]}}, asked)
    assert dialect.fetch_balances("acc-1").request.path == "/api/v3/account/assets"


def cancel(client_id: str = STOP, exchange_id: str | None = None) -> CancelOrder:
    return CancelOrder(
        command_id="c", bracket_id="b", account_id="acc-1", exchange=Exchange.BITGET, symbol="BTCUSDT", ts_init_ms=0,
        valid_until_ms=0, client_order_id=client_id, exchange_order_id=exchange_id,
    )  # fmt: skip


def test_a_plan_is_cancelled_and_told_so(dialect: BitgetDialect) -> None:
    outcome = played(dialect.cancel_order(cancel()), {"cancel-plan-order": {"result": "success"}})
    assert isinstance(outcome, Accepted)
    assert outcome.facts[0].status is OrderStatus.CANCELED


@pytest.mark.parametrize("refusal", [{"result": "failure"}, reply(None, "43025"), reply(None, "43026")])
def test_a_plan_that_cannot_be_cancelled_is_looked_at_and_its_resting_child_cancelled(
    dialect: BitgetDialect, child: Any, refusal: Any
) -> None:
    asked: list[str] = []
    resting = child | {"status": "live", "baseVolume": "0"}
    answers = plan("executed") | {
        "cancel-plan-order": refusal,
        "plan-sub-order": [{"orderId": CHILD, "status": "success"}],
        "orderInfo": [resting],
        "cancel-order": {"orderId": CHILD, "clientOid": PLAN},
    }
    outcome = played(dialect.cancel_order(cancel()), answers, asked)
    assert "cancel-order" in asked
    assert outcome == Accepted((), done=False)


def test_a_plan_whose_child_is_filled_is_closed_already(dialect: BitgetDialect, child: Any) -> None:
    answers = plan("executed") | {
        "cancel-plan-order": {"result": "failure"},
        "plan-sub-order": [{"orderId": CHILD, "status": "success"}],
        "orderInfo": [child],
    }
    outcome = played(dialect.cancel_order(cancel()), answers)
    assert isinstance(outcome, Rejected)
    assert outcome.category is ErrorCategory.ALREADY_CLOSED


@pytest.mark.parametrize("code", ["45001", "40015", "40725", "40010", "40910", "99999"])
def test_a_code_that_proves_nothing_leaves_the_order_in_flight(dialect: BitgetDialect, code: str) -> None:
    assert isinstance(played(dialect.cancel_order(cancel()), {"cancel-plan-order": reply(None, code)}), Unknown)
