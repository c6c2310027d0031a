"""POST /exchanges/sync: one's own accounts, all of them for an admin, and a report that can be followed."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from common.checks import Correction, Failure
from common.exchanges import Exchange
from common.orders import OrderStatus
from gateway.admin import carry_out
from gateway.syncing.ports import ForeignOrder

CANCELED = Correction(
    kind="canceled",
    exchange=Exchange.BINANCE,
    account_id="a",
    symbol="BTCUSDT",
    client_order_id="b-t0",
    status=OrderStatus.CANCELED,
)


async def a_second_key(house: Any, trader: Any) -> str:
    house.serve(Exchange.GATEIO)
    return str(await trader.store_key(exchange="GATEIO", apiKey="another-api-key-of-a-trader"))


async def test_a_trader_has_all_accounts_of_theirs_checked_and_reads_what_was_mended(house: Any, trader: Any) -> None:
    other = await a_second_key(house, trader)
    house.sync.ends |= {"checked": 5, "corrected": 1, "by_kind": {"canceled": 1}, "corrections": (CANCELED,)}
    reply = await trader.ask("POST", "/exchanges/sync")
    report = reply.body["data"]
    assert (reply.status, report["state"], report["checked"], report["byKind"]) == (200, "DONE", 5, {"canceled": 1})
    assert report["corrections"][0] | {"kind": "canceled", "exchange": "BINANCE", "orderStatus": "CANCELED"}
    (asked,) = house.sync.asked
    assert len(asked) == 2
    assert other in asked
    again = await trader.ask("GET", f"/exchanges/sync/{report['syncId']}")
    assert again.body == reply.body


async def test_a_sync_may_be_of_one_exchange_or_one_key(house: Any, trader: Any) -> None:
    other = await a_second_key(house, trader)
    await trader.ask("POST", "/exchanges/sync?exchange=GATEIO")
    await trader.ask("POST", f"/exchanges/sync?credentialId={other}")
    assert house.sync.asked == [(other,), (other,)]
    reply = await trader.ask("POST", "/exchanges/sync?credentialId=somebody-elses")
    assert (reply.status, reply.body["code"]) == (404, "CREDENTIALS_NOT_FOUND")


async def test_a_sync_that_takes_long_is_answered_202_and_followed(house: Any, trader: Any) -> None:
    house.sync.ends = {}
    reply = await trader.ask("POST", "/exchanges/sync?waitMs=0")
    assert (reply.status, reply.body["data"]["state"]) == (202, "RUNNING")
    run_id = reply.body["data"]["syncId"]
    failed = Failure(account_id="a", exchange=Exchange.MEXC, reason="AUTH: no such key")
    house.sync.runs[run_id] = msgspec.structs.replace(
        house.sync.runs[run_id], state="DONE", finished_ms=9, failures=(failed,)
    )
    report = (await trader.ask("GET", f"/exchanges/sync/{run_id}")).body["data"]
    assert report["state"] == "DONE"
    assert report["failures"] == [{"credentialId": "a", "exchange": "MEXC", "reason": "AUTH: no such key"}]


async def test_everybodys_accounts_are_an_admins_to_check(house: Any, trader: Any) -> None:
    reply = await trader.ask("POST", "/exchanges/sync?scope=all")
    assert (reply.status, reply.body["code"]) == (403, "ADMIN_ONLY")
    await carry_out(house.users, "grant", "user@example.com")
    house.clock.advance(2_000)
    reply = await trader.ask("POST", "/exchanges/sync?scope=all")
    assert (reply.status, reply.body["data"]["scope"]) == (200, "all")
    assert house.sync.asked == [None]


async def test_a_report_is_its_askers_alone(house: Any, trader: Any) -> None:
    run_id = (await trader.ask("POST", "/exchanges/sync")).body["data"]["syncId"]
    await trader.sign_in("other@example.com")
    reply = await trader.ask("GET", f"/exchanges/sync/{run_id}")
    assert (reply.status, reply.body["code"]) == (404, "SYNC_NOT_FOUND")
    assert (await trader.ask("GET", "/exchanges/sync/none")).status == 404


async def test_orders_placed_by_hand_are_shown_to_whose_account_it_is(house: Any, trader: Any) -> None:
    mine = next(iter(house.vault.accounts))
    seen = datetime(2026, 11, 22, 9, tzinfo=UTC)
    about: dict[str, Any] = {
        "user_id": "u",
        "exchange": "binance",
        "symbol": "BTCUSDT",
        "order_id": "128",
        "client_order_id": "web_1",
        "side": "SELL",
        "type": "LIMIT",
        "quantity": Decimal("0.001"),
        "price": Decimal(120_000),
        "trigger_price": None,
        "executed_qty": Decimal(0),
        "status": "NEW",
        "first_seen": seen,
        "last_seen": seen,
    }
    house.sync.foreign = [ForeignOrder(account_id=mine, **about), ForeignOrder(account_id="theirs", **about)]
    (order,) = (await trader.ask("GET", "/exchanges/foreign-orders?exchange=BINANCE")).body["data"]
    assert (order["orderId"], order["price"], order["firstSeen"]) == ("128", "120000", 1_795_338_000_000)
    house.sync.foreign += [ForeignOrder(account_id=mine, **(about | {"order_id": number})) for number in ("127", "129")]
    first = (await trader.ask("GET", "/exchanges/foreign-orders?limit=2")).body
    rest = (await trader.ask("GET", f"/exchanges/foreign-orders?limit=2&cursor={first['nextCursor']}")).body
    assert [each["orderId"] for each in first["data"] + rest["data"]] == ["127", "128", "129"]
    assert rest["nextCursor"] is None


async def test_without_a_sync_service_the_answer_says_so(house: Any, trader: Any) -> None:
    object.__setattr__(house.parts, "sync", None)
    reply = await trader.ask("POST", "/exchanges/sync")
    assert (reply.status, reply.body["code"]) == (503, "SYNC_NOT_SERVED")
