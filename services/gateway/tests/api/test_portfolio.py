"""/portfolio: each user's own, exact, and honest about what is not known."""

from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from common.exchanges import Exchange
from common.performance import DAY_MS
from gateway.testing.builders import a_bracket_row, an_order_row
from gateway.testing.portfolio import OPENED_MS, a_fee, a_position, a_snapshot, a_trade

D = Decimal


@pytest_asyncio.fixture
async def mine(house: Any, stranger: Any) -> Any:
    """Adds rows to the caller's portfolio."""
    user_id = await stranger.sign_in("user@example.com")

    def add(rows: list[Any], *added: Any) -> None:
        rows.extend((user_id, row) for row in added)

    return add


async def data(client: Any, path: str) -> Any:
    reply = await client.ask("GET", path)
    assert reply.status == 200, reply
    return reply.body["data"]


async def test_a_position_is_valued_at_the_price_of_now_with_its_time(house: Any, stranger: Any, mine: Any) -> None:
    mine(house.portfolio.position_rows, a_position())
    (position,) = await data(stranger, "/portfolio/positions")
    assert (position["price"], position["priceMissing"]) == ("100000", None)
    assert isinstance(position["priceTime"], int)
    assert (position["value"], position["unrealisedPnL"]) == ("50000", "-1")
    assert position["unrealisedPnLPercentage"] == "-0.001999960000799984"
    assert (position["fees"], position["complete"]) == ({"USDT": "1"}, True)


async def test_without_a_price_nothing_is_valued_and_the_reason_is_told(house: Any, stranger: Any, mine: Any) -> None:
    mine(
        house.portfolio.position_rows,
        a_position(),
        a_position(symbol="ODDUSDT"),
        a_position(exchange=Exchange.MEXC),
        a_position(symbol="ETHUSDT", qty=D(0), cost=D(0)),
    )
    house.connector.away = True
    reasons = [p["priceMissing"] for p in await data(stranger, "/portfolio/positions")]
    assert reasons == [
        "binance-connector does not answer",
        "binance-connector does not answer",
        "MEXC is not served here",
        "nothing is held",
    ]
    house.connector.away = False
    odd = (await data(stranger, "/portfolio/positions?symbol=ODDUSDT"))[0]
    assert odd["priceMissing"] == "BINANCE tells no price"
    assert (odd["value"], odd["unrealisedPnL"], odd["unrealisedPnLPercentage"]) == (None, None, None)


async def test_trades_come_page_by_page_the_latest_first(house: Any, stranger: Any, mine: Any) -> None:
    mine(house.portfolio.trade_rows, *(a_trade(f"t{n}", closed_ms=OPENED_MS + n) for n in range(5)))
    path, seen = "/portfolio/trades?limit=2", []
    cursor: str | None = ""
    while cursor is not None:
        page = await data(stranger, path + (f"&cursor={cursor}" if cursor else ""))
        seen += [trade["tradeId"] for trade in page["trades"]]
        cursor = page["nextCursor"]
    assert seen == ["t4", "t3", "t2", "t1", "t0"]


async def test_a_trade_shows_entry_exit_and_hold_time(house: Any, stranger: Any, mine: Any) -> None:
    mine(house.portfolio.trade_rows, a_trade("t"), a_trade("open", closed_ms=None))
    (trade,) = (await data(stranger, "/portfolio/trades?state=CLOSED"))["trades"]
    assert trade["entry"] == {"quantity": "0.01", "avgPrice": "100000", "time": OPENED_MS}
    assert trade["exit"] == {"quantity": "0.01", "avgPrice": "101100", "time": OPENED_MS + 1_000}
    assert (trade["holdMs"], trade["realisedPnL"], trade["realisedPnLPercentage"]) == (1_000, "10", "1")


@pytest.mark.parametrize("cursor", ["x", "W10=", "WzEsMl0=", "WyJhIiwiXHUwMDAwIiwiYyIsImQiXQ==", "🙂"])
async def test_what_is_no_cursor_is_refused(stranger: Any, mine: Any, cursor: str) -> None:
    for area in ("trades", "fees"):
        reply = await stranger.ask("GET", f"/portfolio/{area}?cursor={cursor}")
        assert (reply.status, reply.body["field"]) == (400, "cursor")


async def test_a_fee_shows_the_prices_that_value_it_and_totals_by_asset(house: Any, stranger: Any, mine: Any) -> None:
    unvalued: dict[str, Any] = {"fee_state": "unvalued", "fee_px": None, "fee_worth": None, "prices": None}
    mine(house.portfolio.fee_rows, a_fee("1"), a_fee("2"), a_fee("3", **unvalued))
    page = await data(stranger, "/portfolio/fees")
    last, *_, first = page["fees"]
    assert (first["feeValue"], first["feeValueAsset"]) == ("0.738783", "USDT")
    assert first["pricesUsed"][0]["price"] == "890.1"
    assert (last["fee"], last["feeState"], last["feeValue"]) == ("0.00083", "unvalued", None)
    assert {(t["feeState"], t["fee"], t["feeValue"]) for t in page["totals"]} == {
        ("valued", "0.00166", "1.477566"),
        ("unvalued", "0.00083", None),
    }


async def test_an_account_not_seen_on_a_day_counts_with_what_was_seen_last(
    house: Any, stranger: Any, mine: Any
) -> None:
    mine(
        house.portfolio.snapshot_rows,
        a_snapshot("2026-11-20", "1000"),
        a_snapshot("2026-11-20", "500", account_id="account-2", unpriced={"ODD": D(3)}),
        a_snapshot("2026-11-21", "1100"),
    )
    first, second = await data(stranger, "/portfolio/equity")
    assert (first["day"], first["equity"]) == ("2026-11-20", "1500")
    assert first["accounts"][1]["notPriced"] == {"ODD": "3"}
    assert (second["equity"], second["accounts"][1]["carriedFrom"]) == ("1600", "2026-11-20")
    (point,) = await data(stranger, "/portfolio/equity?from=2026-11-21&to=2026-11-21")
    assert point == second


async def test_performance_is_measured_overall_by_account_and_within_days(house: Any, stranger: Any, mine: Any) -> None:
    mine(
        house.portfolio.trade_rows,
        a_trade("a", "10"),
        a_trade("b", "-4", account_id="account-2", exchange=Exchange.MEXC),
        a_trade("c", "-2", closed_ms=OPENED_MS + DAY_MS),
        a_trade("open", "3", closed_ms=None),
    )
    told = await data(stranger, "/portfolio/performance")
    (overall,) = told["overall"]
    assert (overall["trades"], overall["netPnL"], overall["profitFactor"]) == (3, "4", "1.666666666666666667")
    assert [(a["exchange"], a["netPnL"]) for a in told["accounts"]] == [("BINANCE", "8"), ("MEXC", "-4")]
    day = "from=2026-11-23&to=2026-11-23"
    (dated,) = (await data(stranger, f"/portfolio/performance?{day}"))["accounts"]
    assert (dated["trades"], dated["netPnL"]) == (1, "-2")
    (named,) = (await data(stranger, "/portfolio/performance?exchange=MEXC"))["overall"]
    assert named["trades"] == 1


@pytest.mark.parametrize("area", ["positions", "trades", "fees", "equity", "performance"])
async def test_nobody_sees_another_users_portfolio(house: Any, stranger: Any, mine: Any, area: str) -> None:
    mine(house.portfolio.position_rows, a_position())
    mine(house.portfolio.trade_rows, a_trade("t"))
    mine(house.portfolio.fee_rows, a_fee("1"))
    mine(house.portfolio.snapshot_rows, a_snapshot("2026-11-20", "1"))
    await stranger.sign_in("other@example.com")
    shown = await data(stranger, f"/portfolio/{area}?credentialId=account-1")
    lists = [shown] if isinstance(shown, list) else [each for each in shown.values() if isinstance(each, list)]
    assert lists
    assert not any(lists)


@pytest.mark.parametrize("area", ["positions", "trades", "fees", "equity", "performance"])
async def test_a_portfolio_that_does_not_answer_is_a_503(house: Any, stranger: Any, mine: Any, area: str) -> None:
    house.portfolio.away = True
    reply = await stranger.ask("GET", f"/portfolio/{area}")
    assert (reply.status, reply.body["retryable"]) == (503, True)


async def test_bad_days_and_names_are_refused_by_name(stranger: Any, mine: Any) -> None:
    for query, field in [
        ("from=2026-11-02&to=2026-11-01", "to"),
        ("from=yesterday", "from"),
        ("exchange=NYSE", "exchange"),
    ]:
        reply = await stranger.ask("GET", f"/portfolio/trades?{query}")
        assert (reply.status, reply.body["field"]) == (400, field)
    assert (await stranger.ask("GET", "/portfolio/trades?credentialId=%00")).status == 404


async def test_who_is_not_logged_in_sees_nothing(stranger: Any) -> None:
    assert (await stranger.ask("GET", "/portfolio/positions")).status == 401


async def test_the_trades_of_an_exchange_take_fees_in_other_assets_from_the_portfolio(
    house: Any, stranger: Any, mine: Any
) -> None:
    account_id = await stranger.store_key()
    house.ledger.order_rows = [an_order_row(account_id, "e")]
    house.ledger.bracket_rows = [a_bracket_row(account_id=account_id, fees={"BNB": D("0.1")})]
    path = "/exchanges/trades?exchange=BINANCE"
    (without,) = await data(stranger, path)
    assert (without["currentPnL"], without["feesNotInPnL"]) == (10_000, {"BNB": "0.1"})
    kept = {"entry_qty": D(1), "exit_qty": D(0), "held_qty": D(1), "held_cost": D(90_089), "fees": {"BNB": D("0.1")}}
    mine(house.portfolio.trade_rows, a_trade("b1", "0", account_id=account_id, closed_ms=None, **kept))
    (valued,) = await data(stranger, path)
    assert (valued["currentPnL"], valued["feesNotInPnL"]) == (9_911, {})
    house.portfolio.away = True
    assert await data(stranger, path) == [without]
