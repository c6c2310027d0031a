"""What a buy may add, and what stops it."""

from decimal import Decimal
from typing import Any

import pytest

from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from common.intents import PlaceOrder
from common.orders import OrderType, Side
from gateway.risk.rules import (
    DAY_MS,
    Limits,
    Scope,
    SetBy,
    Stake,
    Switch,
    Usage,
    check_limits,
    check_switches,
    day_start_ms,
    tightest,
)
from gateway.risk.stakes import stake_of, usd_rate
from gateway.testing.builders import an_instrument
from gateway.testing.fakes import FakeConnector

NOTHING = Usage(open_exposure=Decimal(0), day_pnl=Decimal(0))


def a_stake(usd: str | None = "100") -> Stake:
    worth = None if usd is None else Decimal(usd)
    return Stake(user_id="u", exchange=Exchange.BINANCE, usd=worth, usd_rate=worth and Decimal(1))


def a_switch(scope: Scope, set_by: SetBy = SetBy.ADMIN) -> Switch:
    return Switch(scope=scope, target="binance", set_by=set_by, reason="drill", engaged_by="x", engaged_ms=1)


def an_order(**changes: Any) -> PlaceOrder:
    order: dict[str, Any] = {
        "intent_id": new_id(),
        "user_id": "u",
        "account_id": "a",
        "exchange": Exchange.BINANCE,
        "symbol": "BTCUSDT",
        "ts_init_ms": 1,
        "valid_until_ms": 2,
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "qty": Decimal("0.5"),
        "price": Decimal(90_000),
        "instrument": an_instrument(),
        "reference_px": Decimal(100_000),
    }
    return PlaceOrder(**(order | changes))


def refusal(stake: Stake, limits: Limits, usage: Usage = NOTHING) -> str | None:
    try:
        check_limits(stake, limits, usage)
    except Refused as refused:
        return refused.code
    return None


def test_what_breaks_a_limit_says_what_would_mend_it() -> None:
    with pytest.raises(Refused) as refused:
        check_limits(a_stake("100"), Limits(max_order_value=Decimal(1)), NOTHING)
    assert (refused.value.status, refused.value.field, bool(refused.value.fix)) == (403, "size", True)


def test_without_limits_everything_is_bought_even_what_nobody_can_value() -> None:
    assert refusal(a_stake(None), Limits(), Usage(open_exposure=Decimal(10**9), day_pnl=Decimal(-(10**9)))) is None


@pytest.mark.parametrize(("usd", "code"), [("100", None), ("100.01", "MAX_ORDER_VALUE")])
def test_an_order_may_be_worth_its_limit_and_no_cent_more(usd: str, code: str | None) -> None:
    assert refusal(a_stake(usd), Limits(max_order_value=Decimal(100))) == code


@pytest.mark.parametrize(("open_", "code"), [("900", None), ("900.01", "MAX_OPEN_EXPOSURE")])
def test_what_is_open_counts_with_the_order(open_: str, code: str | None) -> None:
    usage = Usage(open_exposure=Decimal(open_), day_pnl=Decimal(0))
    assert refusal(a_stake("100"), Limits(max_open_exposure=Decimal(1000)), usage) == code


@pytest.mark.parametrize(("pnl", "code"), [("-49.99", None), ("-50", "DAILY_LOSS_LIMIT"), ("50", None)])
def test_nothing_is_bought_once_the_day_has_lost_its_limit(pnl: str, code: str | None) -> None:
    usage = Usage(open_exposure=Decimal(0), day_pnl=Decimal(pnl))
    assert refusal(a_stake(), Limits(daily_loss_limit=Decimal(50)), usage) == code


def test_an_order_that_nobody_can_value_breaks_every_limit_in_dollars() -> None:
    assert refusal(a_stake(None), Limits(max_order_value=Decimal(10**9))) == "RISK_VALUE_UNKNOWN"


def test_of_two_words_the_tighter_limit_holds_kind_by_kind() -> None:
    own, admins = (
        Limits(max_order_value=Decimal(5), daily_loss_limit=Decimal(9)),
        Limits(max_order_value=Decimal(7), max_open_exposure=Decimal(8)),
    )
    assert tightest([own, admins]) == Limits(
        max_order_value=Decimal(5), max_open_exposure=Decimal(8), daily_loss_limit=Decimal(9)
    )
    assert tightest([]) == Limits()


def test_the_widest_switch_is_named_and_an_administrators_is_not_the_users_to_release() -> None:
    check_switches([])
    with pytest.raises(Refused, match="all trading") as refused:
        check_switches([a_switch(Scope.USER), a_switch(Scope.GLOBAL), a_switch(Scope.EXCHANGE)])
    assert "administrator" in refused.value.fix
    with pytest.raises(Refused, match="your account") as own:
        check_switches([a_switch(Scope.USER, SetBy.USER)])
    assert "DELETE /risk/kill-switch" in own.value.fix


def test_a_day_begins_at_midnight_utc() -> None:
    assert day_start_ms(DAY_MS * 20_000 + 5) == DAY_MS * 20_000


def test_a_buy_stakes_its_own_price_and_a_sell_nothing() -> None:
    stake = stake_of(an_order(), Decimal("0.5"))
    assert stake is not None
    assert (stake.usd, stake.usd_rate) == (Decimal(22_500), Decimal("0.5"))
    by_value = stake_of(an_order(qty=None, quote_qty=Decimal(70), price=None), Decimal(1))
    assert by_value is not None
    assert by_value.usd == 70
    assert stake_of(an_order(side=Side.SELL), Decimal(1)) is None
    unknown = stake_of(an_order(), None)
    assert unknown is not None
    assert unknown.usd is None


async def test_a_quote_is_a_dollar_or_is_asked_for() -> None:
    connector = FakeConnector()
    assert await usd_rate(connector, "USDC") == 1
    assert await usd_rate(connector, "BTC") == 100_000
    assert await usd_rate(connector, "XYZ") is None
