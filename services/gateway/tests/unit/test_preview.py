"""A dry run shows what a real one would send, leg by leg, on every exchange."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from common.exchanges import Exchange, ExitStyle, Residency
from common.exits import exits_for
from common.ids import new_id
from common.intents import PlaceOrder
from common.orders import OrderType, Side
from gateway.risk.rules import Stake
from gateway.testing.builders import a_market, an_instrument_of
from gateway.trading.plans import Wanted, plan_for
from gateway.trading.preview import legs_shown, order_preview

PX = Decimal(100_000)


def a_buy(exchange: Exchange, **changes: Any) -> PlaceOrder:
    instrument = an_instrument_of(exchange)
    order: dict[str, Any] = {
        "intent_id": new_id(),
        "user_id": "u",
        "account_id": "a",
        "exchange": exchange,
        "symbol": "BTCUSDT",
        "ts_init_ms": 1,
        "valid_until_ms": 2,
        "side": Side.BUY,
        "order_type": OrderType.MARKET,
        "qty": Decimal("0.01"),
        "plan": plan_for(Wanted(), instrument, entry_px=PX, market=a_market()),
        "instrument": instrument,
        "reference_px": PX,
    }
    return PlaceOrder(**(order | changes))


@pytest.mark.parametrize("exchange", Exchange)
def test_the_legs_are_those_a_full_fill_calls_for(exchange: Exchange) -> None:
    order = a_buy(exchange)
    shown = order_preview(order, None)
    assert order.plan is not None
    received = Decimal("0.01") * (1 - order.instrument.taker_fee_rate)
    called_for = exits_for(order.plan, order.instrument, received=received, avg_px=PX)
    legs = shown["protection"]["exits"]
    assert [leg["orderRole"] for leg in legs] == ["TP1", "SL", "TP2", "SL"]
    assert [leg["quantity"] for leg in legs[::2]] == [each.qty for each in called_for.slices]
    assert all(leg["notional"] == leg["quantity"] * (leg["price"] or leg["stopPrice"]) for leg in legs)
    assert {leg["side"] for leg in legs} == {Side.SELL}


@pytest.mark.parametrize(
    ("exchange", "where"),
    [
        (Exchange.BINANCE, Residency.EXCHANGE),
        (Exchange.BITGET, Residency.EXCHANGE),
        (Exchange.GATEIO, Residency.EXCHANGE),
        (Exchange.MEXC, Residency.ENGINE),
    ],
)
def test_a_stop_says_where_it_waits_and_why(exchange: Exchange, where: Residency) -> None:
    legs = order_preview(a_buy(exchange), None)["protection"]["exits"]
    stops = [leg for leg in legs if leg["orderRole"] == "SL"]
    assert {leg["residency"] for leg in stops} == {where}
    assert all(leg["residencyReason"] for leg in legs)
    assert {leg["residency"] for leg in legs if leg["orderRole"] != "SL"} == {Residency.EXCHANGE}


def test_a_stop_that_targets_share_stands_there_once_for_all_of_them() -> None:
    order = a_buy(Exchange.BITGET)
    assert order.plan is not None
    plan = msgspec.structs.replace(order.plan, style=ExitStyle.SHARED_STOP)
    slices = exits_for(plan, order.instrument, received=Decimal("0.01"), avg_px=PX).slices
    legs = legs_shown(plan, slices, order.instrument)
    assert [leg["orderRole"] for leg in legs] == ["TP1", "TP2", "SL"]
    assert legs[-1]["quantity"] == Decimal("0.01")


def test_a_buy_pays_its_fee_in_what_it_buys_and_a_sell_in_what_it_is_paid() -> None:
    buy = order_preview(
        a_buy(Exchange.BINANCE), Stake(user_id="u", exchange=Exchange.BINANCE, usd=Decimal(1000), usd_rate=None)
    )
    assert buy["expectedFee"] == {"asset": "BTC", "amount": Decimal("0.00001"), "inQuote": Decimal(1)}
    assert (buy["notional"], buy["notionalUsd"], buy["expectedQty"]) == (1000, 1000, Decimal("0.01"))
    sell = order_preview(a_buy(Exchange.BINANCE, side=Side.SELL, plan=None), None)
    assert sell["expectedFee"]["asset"] == "USDT"
    assert sell["protection"] is None


def test_an_order_by_value_shows_what_it_is_expected_to_buy() -> None:
    shown = order_preview(a_buy(Exchange.MEXC, qty=None, quote_qty=Decimal(1000)), None)
    assert (shown["quantity"], shown["quoteOrderQty"], shown["expectedQty"]) == (None, 1000, Decimal("0.01"))
