"""Orders are placed once, answered by what the exchange said, and refused before anything is sent."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from common.errors import ErrorCategory
from common.exchanges import Residency
from common.intents import PlaceExits, PlaceOrder
from common.orders import OrderAccepted, OrderRejected, OrderStatus, OrderUnknown
from common.protection import BracketDenied, ExitLegView, ProtectionFailed, ProtectionPlaced
from gateway.testing.builders import order_fact, protection_fact

OCO = {
    "symbol": "BTCUSDT",
    "sizePct": 1.0,
    "aboveType": "TAKE_PROFIT_LIMIT",
    "abovePrice": "110000",
    "aboveStopPrice": "110000",
    "belowType": "STOP_LOSS_LIMIT",
    "belowPrice": "89900",
    "belowStopPrice": "90000",
}


async def test_a_market_buy_is_answered_with_its_fill(house: Any, trader: Any) -> None:
    reply = await trader.buy()
    data = reply.body["data"]
    assert (reply.status, reply.body["status"]) == (200, "Success")
    assert {name: data[name] for name in ("orderId", "symbol", "side", "type", "quantity", "status")} == {
        "orderId": "4711",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.00099",
        "status": "FILLED",
    }
    assert (data["executedQty"], data["avgPrice"]) == ("0.00099", "100001")
    assert [each["tpPrice"] for each in data["protection"]["exits"]] == ["105000", "110000"]
    (intent,) = house.bus.intents
    assert isinstance(intent, PlaceOrder)
    assert intent.plan is not None
    assert sum(level.share for level in intent.plan.levels) == 1


async def test_the_exchange_may_stand_in_the_body_as_in_the_spec(trader: Any) -> None:
    body = {"symbol": "BTCUSDT", "side": "BUY", "sizeUsd": 50, "exchange": "BINANCE"}
    assert (await trader.ask("POST", "/exchanges/place-order", body)).status == 200


async def test_a_limit_order_is_answered_as_soon_as_the_exchange_has_it(house: Any, trader: Any) -> None:
    house.bus.engine = lambda intent: house.waiting.tell(order_fact(OrderAccepted, intent, status=OrderStatus.NEW))
    reply = await trader.buy(type="LIMIT", price="99000.5", tpLevels=["5%"], sl="5%")
    data = reply.body["data"]
    assert (reply.status, data["status"], data["price"], data["executedQty"]) == (200, "NEW", "99000.5", "0")


async def test_a_market_order_that_is_not_filled_in_time_is_answered_as_it_stands(house: Any, trader: Any) -> None:
    house.bus.engine = lambda intent: house.waiting.tell(order_fact(OrderAccepted, intent, status=OrderStatus.NEW))
    reply = await trader.buy()
    assert (reply.status, reply.body["data"]["status"]) == (200, "NEW")


@pytest.mark.parametrize("unknown", [False, True])
async def test_an_outcome_that_is_not_known_in_time_is_an_operation_to_follow(
    house: Any, trader: Any, unknown: bool
) -> None:
    house.bus.engine = lambda intent: house.waiting.tell(order_fact(OrderUnknown, intent)) if unknown else None
    reply = await trader.buy()
    assert reply.status == 202
    followed = await trader.ask("GET", reply.body["data"]["statusUrl"])
    assert (followed.status, followed.body["data"]["state"]) == (200, "PENDING")


async def test_an_operation_is_its_users_alone(house: Any, trader: Any) -> None:
    house.bus.engine = lambda _: None
    url = (await trader.buy()).body["data"]["statusUrl"]
    await trader.sign_in("other@example.com")
    assert (await trader.ask("GET", url)).status == 404


@pytest.mark.parametrize(
    ("category", "status", "title"),
    [
        (ErrorCategory.INSUFFICIENT_BALANCE, 400, "Insufficient balance"),
        (ErrorCategory.AUTH, 401, "Signature validation failed"),
        (ErrorCategory.RATE_LIMITED, 429, "Too many requests"),
    ],
)
async def test_a_refusal_by_the_exchange_is_a_problem_with_its_code(
    house: Any, trader: Any, category: ErrorCategory, status: int, title: str
) -> None:
    def refuse(intent: Any) -> None:
        house.waiting.tell(order_fact(OrderRejected, intent, category=category, code="-2010", reason="no"))

    house.bus.engine = refuse
    reply = await trader.buy()
    shown = {name: reply.body[name] for name in ("title", "code", "outcome", "detail")}
    assert reply.status == status
    assert shown == {"title": title, "code": "-2010", "outcome": "rejected", "detail": "no"}
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_denied_bracket_is_a_problem_and_nothing_was_sent(house: Any, trader: Any) -> None:
    def deny(intent: Any) -> None:
        fact = protection_fact(BracketDenied, intent, intent_id=intent.intent_id, code="no_room", reason="No room.")
        house.waiting.tell(fact)

    house.bus.engine = deny
    reply = await trader.buy()
    assert (reply.status, reply.body["code"], reply.body["outcome"]) == (409, "NO_ROOM", "not_sent")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"symbol": "NOPEUSDT"}, "UNKNOWN_SYMBOL", "symbol"),
        ({"symbol": "?"}, "INVALID_FIELD", "symbol"),
        ({"side": "HOLD"}, "INVALID_FIELD", "side"),
        ({"sizePct": 0}, "SIZE_OUT_OF_RANGE", "sizePct"),
        ({"sizePct": 2}, "SIZE_OUT_OF_RANGE", "sizePct"),
        ({"sizePct": True}, "INVALID_FIELD", "sizePct"),
        ({"sizePct": "1e99"}, "INVALID_FIELD", "sizePct"),
        ({"sizeUsd": 50}, "SIZE_AMBIGUOUS", "sizeUsd"),
        ({"sizePct": None, "quantity": 1}, "INSUFFICIENT_BALANCE", "quantity"),
        ({"sizePct": None, "sizeUsd": 4}, "ORDER_VALUE_TOO_LOW", "sizeUsd"),
        ({"sizePct": None, "sizeUsd": 6, "sl": "30%"}, "ORDER_VALUE_TOO_LOW", "sizeUsd"),
        ({"tpLevels": [99000]}, "LEVEL_WRONG_SIDE", "tpLevels.0"),
        ({"tpLevels": [110000, 105000]}, "LEVELS_UNSORTED", "tpLevels.1"),
        ({"tpLevels": ["x"]}, "INVALID_FIELD", "tpLevels.0"),
        ({"tpLevels": []}, "INVALID_FIELD", "tpLevels"),
        ({"tpShares": [0.5, 0.4]}, "INVALID_FIELD", "tpShares"),
        ({"sl": 120000}, "LEVEL_WRONG_SIDE", "sl"),
        ({"side": "SELL"}, "INVALID_FIELD", "tpLevels"),
        ({"type": "LIMIT"}, "INVALID_FIELD", "price"),
        ({"price": 1}, "INVALID_FIELD", "price"),
        ({"stopType": "soft"}, "INVALID_FIELD", "stopType"),
        ({"leverage": 10}, "UNKNOWN_FIELD", "leverage"),
        ({"exchange": "MEXC"}, "INVALID_FIELD", "exchange"),
        ({"credentialId": "someone-elses"}, "CREDENTIALS_NOT_FOUND", "credentialId"),
    ],
)
async def test_bad_input_is_refused_by_field_and_nothing_is_sent_or_kept(
    house: Any, trader: Any, change: Any, code: str, field: str
) -> None:
    reply = await trader.buy(**change)
    assert (reply.body["code"], reply.body["field"], reply.body["outcome"]) == (code, field, "not_sent")
    assert reply.status == (404 if code == "CREDENTIALS_NOT_FOUND" else 400)
    assert all(reply.body[name] for name in ("type", "title", "status", "detail", "rule", "fix"))
    assert not house.bus.published
    assert not house.intents.rows


@pytest.mark.parametrize("raw", [b"{", b"", b'{"sizePct": NaN}', b"[]", b'"x"', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_order_is_refused(house: Any, trader: Any, raw: bytes) -> None:
    reply = await trader.ask("POST", "/exchanges/place-order?exchange=BINANCE", raw=raw)
    assert reply.status in {400, 413}
    assert reply.headers["content-type"] == "application/problem+json"
    assert not house.bus.published


async def test_an_exchange_must_be_named_known_and_served(trader: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1}
    missing = await trader.ask("POST", "/exchanges/place-order", order)
    assert (missing.status, missing.body["title"]) == (400, "Exchange parameter required")
    for name, code in (("NYSE", "UNKNOWN_EXCHANGE"), ("GATEIO", "EXCHANGE_NOT_SERVED")):
        assert (await trader.ask("POST", "/exchanges/place-order", order | {"exchange": name})).body["code"] == code


async def test_a_user_without_keys_is_told_so(user: Any) -> None:
    reply = await user.buy()
    assert (reply.status, reply.body["title"]) == (404, "Credentials not found")


async def test_a_paused_key_does_not_trade(house: Any, user: Any) -> None:
    await user.store_key(activeTrading=False)
    assert (await user.buy()).body["code"] == "CREDENTIALS_PAUSED"
    assert not house.bus.published


async def test_a_connector_that_is_away_is_said_and_nothing_is_sent(house: Any, trader: Any) -> None:
    house.connector.away = True
    reply = await trader.buy()
    assert (reply.status, reply.body["retryable"]) == (503, True)
    assert not house.intents.rows


async def test_the_same_key_and_request_is_one_order_with_one_answer(house: Any, trader: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}
    replies = [
        await trader.ask("POST", "/exchanges/place-order", order | {"sizePct": size}, Idempotency_Key="k1")
        for size in (0.1, "0.10", 0.1)
    ]
    assert len({reply.text for reply in replies}) == 1
    assert len(house.bus.published) == 1


async def test_requests_at_the_same_time_with_one_key_are_one_order(house: Any, trader: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}
    replies = await asyncio.gather(
        *(trader.ask("POST", "/exchanges/place-order", order, Idempotency_Key="k1") for _ in range(5))
    )
    assert {reply.status for reply in replies} == {200}
    assert len({reply.text for reply in replies}) == 1
    assert len(house.bus.published) == 1


async def test_a_key_used_with_another_request_is_refused(house: Any, trader: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}
    await trader.ask("POST", "/exchanges/place-order", order, Idempotency_Key="k1")
    other = await trader.ask("POST", "/exchanges/place-order", order | {"sizePct": 0.2}, Idempotency_Key="k1")
    assert (other.status, other.body["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    assert len(house.bus.published) == 1


async def test_two_users_may_use_the_same_key(house: Any, trader: Any) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BINANCE"}
    await trader.ask("POST", "/exchanges/place-order", order, Idempotency_Key="k1")
    await trader.sign_in("other@example.com")
    await trader.store_key()
    assert (await trader.ask("POST", "/exchanges/place-order", order, Idempotency_Key="k1")).status == 200
    assert len(house.bus.published) == 2


async def test_an_intent_is_kept_for_the_relay_while_the_broker_is_away(house: Any, trader: Any) -> None:
    house.bus.away = True
    assert (await trader.buy()).status == 202
    assert len(house.intents.rows) == 1


async def test_an_oco_protects_what_is_held_by_the_specs_rule(house: Any, trader: Any) -> None:
    leg = ExitLegView(
        client_order_id="b-t1",
        role="TP1",
        order_type="TAKE_PROFIT_LIMIT",
        price=Decimal(110000),
        trigger_px=Decimal(110000),
        residency=Residency.EXCHANGE,
        residency_reason="native OCO",
    )

    def place(intent: Any) -> None:
        about = {"list_client_order_id": "b-l1", "level": 0, "qty": intent.qty, "legs": (leg,)}
        house.waiting.tell(protection_fact(ProtectionPlaced, intent, **about))

    house.bus.engine = place
    reply = await trader.ask("POST", "/exchanges/place-oco-order?exchange=BINANCE", OCO)
    (intent,) = house.bus.intents
    assert isinstance(intent, PlaceExits)
    assert intent.qty == Decimal("0.4975")
    assert (reply.status, reply.body["data"]["quantity"], reply.body["data"]["status"]) == (200, "0.4975", "NEW")
    assert reply.body["data"]["orders"][0]["residency"] == "exchange"


async def test_a_refused_oco_is_a_problem(house: Any, trader: Any) -> None:
    def fail(intent: Any) -> None:
        about = {"client_order_id": None, "category": "price_relation", "code": "-2010", "reason": "relation"}
        house.waiting.tell(protection_fact(ProtectionFailed, intent, next_step="close", **about))

    house.bus.engine = fail
    reply = await trader.ask("POST", "/exchanges/place-oco-order?exchange=BINANCE", OCO)
    assert (reply.status, reply.body["code"], reply.body["outcome"]) == (400, "-2010", "rejected")


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"belowStopPrice": "100001", "belowPrice": "100000"}, "LEVEL_WRONG_SIDE", "belowStopPrice"),
        ({"abovePrice": "99000", "aboveStopPrice": "99000"}, "LEVEL_WRONG_SIDE", "abovePrice"),
        ({"aboveType": "LIMIT"}, "INVALID_FIELD", "aboveType"),
        ({"aboveType": "MAGIC"}, "INVALID_FIELD", "aboveType"),
        ({"belowTimeInForce": "IOC", "aboveTimeInForce": "GTC"}, "INVALID_FIELD", "belowTimeInForce"),
        ({"sizePct": "0.0001"}, "ORDER_VALUE_TOO_LOW", "sizePct"),
        ({"side": "BUY"}, "INVALID_FIELD", "side"),
    ],
)
async def test_an_oco_that_breaks_a_rule_is_refused_and_nothing_is_sent(
    house: Any, trader: Any, change: Any, code: str, field: str
) -> None:
    reply = await trader.ask("POST", "/exchanges/place-oco-order?exchange=BINANCE", OCO | change)
    assert (reply.status, reply.body["code"], reply.body["field"]) == (400, code, field)
    assert not house.bus.published
