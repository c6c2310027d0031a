"""Limits and kill switches as users and admins reach them."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.intents import CancelOrderIntent
from gateway.auth.identity import Role
from gateway.risk.ports import OpenEntry
from gateway.risk.rules import Usage

LIMITS = {"maxOrderValue": "150", "maxOpenExposure": "180", "dailyLossLimit": 40}


async def test_limits_are_shown_with_what_is_used_of_them(house: Any, user: Any) -> None:
    house.risk.used = Usage(open_exposure=Decimal(7), day_pnl=Decimal("-1.5"))
    reply = await user.ask("PUT", "/risk/limits", LIMITS)
    assert reply.status == 200, reply
    data = (await user.ask("GET", "/risk/limits")).body["data"]
    assert data["own"] == data["effective"] == LIMITS | {"dailyLossLimit": "40"}
    assert data["byAdmin"] == dict.fromkeys(LIMITS)
    assert (data["usage"]["openExposure"], data["usage"]["dayRealisedPnl"]) == ("7", "-1.5")
    cleared = await user.ask("PUT", "/risk/limits", {})
    assert cleared.body["data"]["effective"] == dict.fromkeys(LIMITS)


@pytest.mark.parametrize(("field", "value"), [("maxOrderValue", 0), ("dailyLossLimit", "-1"), ("limit", 1)])
async def test_a_limit_is_above_nothing_and_has_a_known_name(user: Any, field: str, value: Any) -> None:
    reply = await user.ask("PUT", "/risk/limits", {field: value})
    assert (reply.status, reply.body["field"]) == (400, field)


async def test_a_second_order_that_no_longer_fits_is_refused_and_not_sent(house: Any, trader: Any) -> None:
    await trader.ask("PUT", "/risk/limits", LIMITS)
    assert (await trader.buy()).status == 200
    reply = await trader.buy()
    assert (reply.status, reply.body["code"], reply.body["outcome"]) == (403, "MAX_OPEN_EXPOSURE", "not_sent")
    assert {"field", "rule", "fix"} <= set(reply.body)
    assert len(house.bus.intents) == 1


async def test_a_kill_switch_stops_buying_and_nothing_else(house: Any, trader: Any) -> None:
    engaged = await trader.ask("POST", "/risk/kill-switch", {"reason": "holiday"})
    assert engaged.body["data"]["switch"]["reason"] == "holiday"
    refused = await trader.buy()
    assert (refused.status, refused.body["code"]) == (403, "KILL_SWITCH_ENGAGED")
    sell = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1"}
    assert (await trader.ask("POST", "/exchanges/place-order?exchange=BINANCE", sell)).status == 200
    cancel = await trader.ask("DELETE", "/exchanges/cancel-all-orders?exchange=BINANCE&symbol=BTCUSDT")
    assert cancel.status == 200
    assert (await trader.ask("DELETE", "/risk/kill-switch")).body["data"] == {"released": True}
    assert (await trader.buy()).status == 200
    assert (await trader.ask("GET", "/risk/kill-switch")).body["data"] == {"engaged": False, "switches": []}


async def test_the_switch_cancels_the_open_entries_of_its_user_when_asked(house: Any, trader: Any) -> None:
    account_id = next(iter(house.vault.accounts))
    house.risk.entries = [
        OpenEntry(
            account_id=account_id,
            exchange="binance",
            symbol="BTCUSDT",
            client_order_id="b-e0",
            exchange_order_id="7",
        )
    ]
    reply = await trader.ask("POST", "/risk/kill-switch", {"cancelEntries": True})
    (shown,) = reply.body["data"]["cancelling"]
    (intent,) = house.bus.intents
    assert isinstance(intent, CancelOrderIntent)
    assert (intent.client_order_id, intent.exchange_order_id, intent.account_id) == ("b-e0", "7", account_id)
    assert (await trader.ask("GET", f"/exchanges/operations/{shown['operationId']}")).status == 200


async def test_cancels_that_the_broker_does_not_take_are_left_to_the_relay(house: Any, trader: Any) -> None:
    house.risk.entries = [
        OpenEntry(account_id="a", exchange="binance", symbol="BTCUSDT", client_order_id="c", exchange_order_id=None)
    ]
    house.bus.away = True
    assert (await trader.ask("POST", "/risk/kill-switch", {"cancelEntries": True})).status == 200
    assert len(house.intents.rows) == 1


async def test_what_an_admin_sets_the_user_cannot_lift(house: Any, trader: Any) -> None:
    user_id = next(iter(house.vault.accounts.values())).user_id
    admin = await _admin(house, trader)
    await admin.ask("PUT", f"/risk/users/{user_id}/limits", {"maxOrderValue": 50})
    trader.token, trader_token = admin.trader_token, admin.token
    await trader.ask("PUT", "/risk/limits", {"maxOrderValue": 1_000})
    assert (await trader.buy()).body["code"] == "MAX_ORDER_VALUE"
    trader.token = trader_token
    await trader.ask("PUT", f"/risk/users/{user_id}/limits", {})
    stop = {"scope": "EXCHANGE", "target": "BINANCE", "reason": "maintenance"}
    assert (await trader.ask("POST", "/risk/kill-switches", stop)).status == 200
    listed = (await trader.ask("GET", "/risk/kill-switches")).body["data"]
    assert [(each["scope"], each["target"], each["setBy"]) for each in listed] == [("EXCHANGE", "BINANCE", "ADMIN")]
    trader.token = admin.trader_token
    assert (await trader.ask("DELETE", "/risk/kill-switch")).body["data"] == {"released": False}
    assert (await trader.buy()).body["code"] == "KILL_SWITCH_ENGAGED"
    trader.token = trader_token
    assert (await trader.ask("DELETE", "/risk/kill-switches?scope=exchange&target=binance")).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "USER"}, "target"),
        ({"scope": "GLOBAL", "target": "x"}, "target"),
        ({"scope": "EXCHANGE", "target": "KRAKEN"}, "exchange"),
        ({"scope": "GLOBAL", "cancelEntries": True}, "cancelEntries"),
        ({"scope": "PLANET"}, "scope"),
    ],
)
async def test_a_switch_names_whom_it_stops(house: Any, user: Any, body: Any, field: str) -> None:
    await _admin(house, user)
    reply = await user.ask("POST", "/risk/kill-switches", body)
    assert (reply.status, reply.body["field"]) == (400, field)


async def test_a_program_may_stop_buying_and_not_start_it_again(user: Any) -> None:
    made = await user.ask("POST", "/auth/tokens", {"name": "bot", "scopes": ["read", "trade"]})
    user.token = made.body["data"]["token"]
    assert (await user.ask("POST", "/risk/kill-switch", {})).status == 200
    assert (await user.ask("DELETE", "/risk/kill-switch")).body["code"] == "LOGIN_REQUIRED"
    assert (await user.ask("PUT", "/risk/limits", {})).body["code"] == "LOGIN_REQUIRED"


async def test_limits_of_nobody_are_not_set(house: Any, user: Any) -> None:
    await _admin(house, user)
    assert (await user.ask("PUT", "/risk/users/nobody/limits", {})).body["code"] == "USER_NOT_FOUND"
    stop = {"scope": "USER", "target": "nobody"}
    assert (await user.ask("POST", "/risk/kill-switches", stop)).status == 404
    assert (await user.ask("POST", "/risk/kill-switch", {"reason": "a\u0000b"})).body["field"] == "reason"


async def test_only_admins_stop_others(user: Any) -> None:
    assert (await user.ask("POST", "/risk/kill-switches", {"scope": "GLOBAL"})).status == 403
    assert (await user.ask("PUT", "/risk/users/somebody/limits", {})).status == 403


class _Admin(msgspec.Struct):
    client: Any
    token: str
    trader_token: str

    async def ask(self, *words: Any) -> Any:
        self.client.token = self.token
        return await self.client.ask(*words)


async def _admin(house: Any, client: Any) -> _Admin:
    """An admin, who uses the same connection; it is signed in as the admin afterwards."""
    before = client.token
    await client.sign_in("admin@example.com")
    await house.users.set_role("admin@example.com", Role.ADMIN)
    return _Admin(client, client.token, before)
