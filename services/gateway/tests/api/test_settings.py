"""What a user wants of every order: set once per exchange, used where an order says nothing else."""

from decimal import Decimal
from typing import Any

import pytest

from common.exchanges import Exchange, ExitStyle
from common.exits import PriceTarget
from common.orders import OrderType

PATH = "/exchanges/settings"
OURS = {"exchange": "BITGET", "tpLevels": ["3%", "9%"], "tpShares": [0.4, 0.6], "sl": "2%", "exitStyle": "SHARED_STOP"}


async def placed(house: Any, user: Any, **order: Any) -> Any:
    """The plan of an order on Bitget, as it left."""
    market = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BITGET"}
    reply = await user.ask("POST", "/exchanges/place-order", market | order)
    assert reply.status == 200, reply
    return house.bus.intents[-1].plan


async def test_without_settings_the_defaults_of_the_exchange_and_all_choices_are_shown(user: Any) -> None:
    reply = await user.ask("GET", f"{PATH}?exchange=BITGET")
    assert reply.status == 200
    assert reply.body["data"] == {
        "exchange": "BITGET",
        "tpLevels": ["5%", "8%"],
        "tpShares": ["0.5", "0.5"],
        "sl": "5%",
        "stopType": "market",
        "stopLimitOffsetPct": None,
        "exitStyle": "trigger_pair",
        "own": False,
        "choices": {"stopType": ["market", "limit"], "exitStyle": ["trigger_pair", "shared_stop", "preset"]},
    }


async def test_an_order_that_names_no_exits_gets_those_of_its_user(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.BITGET)
    reply = await user.ask("PUT", PATH, OURS)
    assert (reply.status, reply.body["data"]["own"], reply.body["data"]["sl"]) == (200, True, "2%")
    assert (await user.ask("GET", f"{PATH}?exchange=BITGET")).body == reply.body
    plan = await placed(house, user)
    assert [(level.take_profit.pct, level.share, level.stop_loss.pct) for level in plan.levels] == [
        (Decimal(3), Decimal("0.4"), Decimal(-2)),
        (Decimal(9), Decimal("0.6"), Decimal(-2)),
    ]
    assert plan.style is ExitStyle.SHARED_STOP


async def test_what_an_order_names_goes_before_the_settings_levels_with_their_shares(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.BITGET)
    await user.ask("PUT", PATH, OURS)
    plan = await placed(house, user, tpLevels=[120_000], exitStyle="trigger_pair")
    (level,) = plan.levels
    assert (level.take_profit, level.share, level.stop_loss.pct) == (
        PriceTarget(px=Decimal(120_000)),
        Decimal(1),
        Decimal(-2),
    )
    assert plan.style is None, "the exchange's own style needs no word"


async def test_settings_belong_to_one_user_and_one_exchange_and_are_taken_back_by_naming_none(
    house: Any, user: Any
) -> None:
    await user.trades_on(house, Exchange.BITGET)
    await user.ask("PUT", PATH, OURS)
    assert (await user.ask("GET", f"{PATH}?exchange=GATEIO")).body["data"]["own"] is False
    assert (await user.ask("PUT", f"{PATH}?exchange=BITGET", {})).body["data"]["own"] is False
    assert (await placed(house, user)).levels[0].take_profit == PriceTarget(pct=Decimal(5))
    await user.ask("PUT", PATH, OURS)
    await user.sign_in("somebody.else@example.com")
    assert (await user.ask("GET", f"{PATH}?exchange=BITGET")).body["data"]["own"] is False


async def test_a_limit_stop_comes_with_its_offset(house: Any, user: Any) -> None:
    await user.trades_on(house, Exchange.BITGET)
    reply = await user.ask("PUT", PATH, {"exchange": "BITGET", "stopType": "limit", "stopLimitOffsetPct": 2})
    assert (reply.body["data"]["stopType"], reply.body["data"]["stopLimitOffsetPct"]) == ("limit", "2")
    plan = await placed(house, user)
    assert plan.stop_loss_type is OrderType.STOP_LOSS_LIMIT
    assert plan.levels[0].stop_limit == PriceTarget(pct=Decimal("-6.9"))
    assert (await placed(house, user, stopType="market")).levels[0].stop_limit is None


async def test_exits_that_an_entry_brings_along_are_one_pair_of_an_order_that_ends_at_once(
    house: Any, user: Any
) -> None:
    await user.trades_on(house, Exchange.BITGET)
    await user.ask("PUT", PATH, {"exchange": "BITGET", "exitStyle": "preset"})
    plan = await placed(house, user)
    assert plan.style is ExitStyle.PRESET
    assert [(level.take_profit.pct, level.share) for level in plan.levels] == [(Decimal(5), Decimal(1))]
    assert (await placed(house, user, type="LIMIT", price=100_000)).style is None, "it could fill in parts"
    assert (await placed(house, user, tpLevels=["5%", "8%"])).style is None, "one target fits beside an entry"
    said = {"symbol": "BTCUSDT", "side": "BUY", "sizePct": 0.1, "exchange": "BITGET", "exitStyle": "preset"}
    reply = await user.ask("POST", "/exchanges/place-order", said | {"type": "LIMIT", "price": 100_000})
    assert (reply.status, reply.body["field"]) == (400, "exitStyle")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"tpLevels": [105_000]}, "tpLevels.0"),
        ({"sl": 95_000}, "sl"),
        ({"tpLevels": ["8%", "5%"]}, "tpLevels.1"),
        ({"tpLevels": ["5%", "8%"], "tpShares": [0.5, 0.4]}, "tpShares"),
        ({"tpShares": [1]}, "tpShares"),
        ({"sl": "100%"}, "sl"),
        ({"stopLimitOffsetPct": 1}, "stopLimitOffsetPct"),
        ({"exitStyle": "oco"}, "exitStyle"),
        ({"exitStyle": "both"}, "exitStyle"),
        ({"exitStyle": "preset", "tpLevels": ["5%", "8%"]}, "exitStyle"),
        ({"leverage": 3}, "leverage"),
    ],
)
async def test_settings_that_could_protect_nothing_are_refused_by_field_and_rule(
    user: Any, words: dict[str, Any], field: str
) -> None:
    reply = await user.ask("PUT", PATH, {"exchange": "BITGET"} | words)
    assert (reply.status, reply.headers["Content-Type"]) == (400, "application/problem+json")
    assert reply.body["field"] == field
    assert reply.body["rule"]
    assert reply.body["fix"]
    assert (await user.ask("GET", f"{PATH}?exchange=BITGET")).body["data"]["own"] is False


async def test_a_stranger_has_no_settings(stranger: Any) -> None:
    assert (await stranger.ask("GET", f"{PATH}?exchange=BITGET")).status == 401
    assert (await stranger.ask("PUT", PATH, OURS)).status == 401
