"""Sizes become quantities in lots: never above the balance, never below what the exchange takes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Refused
from common.orders import OrderType, Side
from gateway.testing.builders import a_market, an_instrument
from gateway.trading.sizing import MARKET_BUY_KEEPS, Size, size_exits, size_order

D = Decimal
FREE = {"USDT": D(1000), "BTC": D("0.5")}
IN_ETH = {"instrument": an_instrument(quote="ETH"), "free": {"ETH": D(99)}}
SMALL_MARKET = {"instrument": an_instrument(max_qty=D("0.1"))}


def sized(size: Size, **changes: Any) -> Any:
    arguments: dict[str, Any] = {"side": Side.BUY, "order_type": OrderType.MARKET, "price": None}
    free = changes.pop("free", FREE)
    instrument = changes.pop("instrument", an_instrument())
    market = changes.pop("market", a_market(spread="0"))
    return size_order(size, instrument, market, free, **(arguments | changes))


@pytest.mark.parametrize(
    ("size", "changes", "qty"),
    [
        (Size(pct=D("0.1")), {}, "0.00099"),
        (Size(pct=D(1)), {}, "0.00995"),
        (Size(usd=D(50)), {}, "0.00049"),
        (Size(qty=D("0.001")), {}, "0.001"),
        (Size(quote=D("99.99")), {}, "0.00099"),
        (Size(pct=D("0.1")), {"order_type": OrderType.LIMIT, "price": D(50000)}, "0.002"),
        (Size(pct=D("0.1")), {"side": Side.SELL}, "0.05"),
        (Size(usd=D(500)), {"side": Side.SELL}, "0.005"),
        (Size(qty=D("0.5")), {"side": Side.SELL, "order_type": OrderType.LIMIT, "price": D(120000)}, "0.5"),
    ],
)
def test_a_size_becomes_this_quantity(size: Size, changes: dict[str, Any], qty: str) -> None:
    assert sized(size, **changes).qty == D(qty)


@pytest.mark.parametrize(
    ("size", "changes", "code", "field"),
    [
        (Size(), {}, "SIZE_AMBIGUOUS", "sizePct"),
        (Size(pct=D("0.1"), usd=D(10)), {}, "SIZE_AMBIGUOUS", "sizeUsd"),
        (Size(pct=D(0)), {}, "SIZE_OUT_OF_RANGE", "sizePct"),
        (Size(pct=D("1.01")), {}, "SIZE_OUT_OF_RANGE", "sizePct"),
        (Size(qty=D(0)), {}, "SIZE_OUT_OF_RANGE", "quantity"),
        (Size(usd=D(-1)), {}, "SIZE_OUT_OF_RANGE", "sizeUsd"),
        (Size(usd=D("1000.01")), {}, "INSUFFICIENT_BALANCE", "sizeUsd"),
        (Size(qty=D("0.01")), {}, "INSUFFICIENT_BALANCE", "quantity"),
        (Size(qty=D("0.50001")), {"side": Side.SELL}, "INSUFFICIENT_BALANCE", "quantity"),
        (Size(usd=D("4.99")), {}, "ORDER_VALUE_TOO_LOW", "sizeUsd"),
        (Size(qty=D("0.000001")), {}, "PRECISION_TOO_FINE", "quantity"),
        (Size(qty=D("0.001009")), {}, "PRECISION_TOO_FINE", "quantity"),
        (Size(qty=D("0.000009")), {"side": Side.SELL}, "PRECISION_TOO_FINE", "quantity"),
        (Size(qty=D("0.001")), {"order_type": OrderType.LIMIT, "price": D("99.001")}, "PRECISION_TOO_FINE", "price"),
        (Size(quote=D(0)), {}, "SIZE_OUT_OF_RANGE", "quoteOrderQty"),
        (Size(quote=D("4.99")), {}, "ORDER_VALUE_TOO_LOW", "quoteOrderQty"),
        (Size(quote=D("1000.01")), {}, "INSUFFICIENT_BALANCE", "quoteOrderQty"),
        (Size(quote=D(50)), {"side": Side.SELL}, "INVALID_FIELD", "quoteOrderQty"),
        (Size(quote=D(50)), {"order_type": OrderType.LIMIT, "price": D(9)}, "INVALID_FIELD", "quoteOrderQty"),
        (Size(pct=D(1)), {"free": {}}, "ORDER_VALUE_TOO_LOW", "sizePct"),
        (Size(qty=D("0.001")), {"price": D(1)}, "INVALID_FIELD", "price"),
        (Size(qty=D("0.001")), {"order_type": OrderType.LIMIT}, "INVALID_FIELD", "price"),
        (Size(qty=D("0.001")), {"order_type": OrderType.LIMIT, "price": D(0)}, "INVALID_FIELD", "price"),
        (
            Size(usd=D(10)),
            {"instrument": an_instrument(quote="ETH"), "free": {"ETH": D(99)}},
            "INVALID_FIELD",
            "sizeUsd",
        ),
        (
            Size(qty=D("0.4")),
            {"side": Side.SELL, "instrument": an_instrument(max_qty=D("0.1"))},
            "ORDER_TOO_LARGE",
            "quantity",
        ),
    ],
)
def test_a_size_that_breaks_a_rule_is_refused_by_field(
    size: Size, changes: dict[str, Any], code: str, field: str
) -> None:
    with pytest.raises(Refused) as refused:
        sized(size, **changes)
    assert (refused.value.code, refused.value.field) == (code, field)


def money(low: int, high: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: D(n).scaleb(-places))


@given(
    free=money(0, 10**13, 8),
    px=money(1, 10**7, 2),
    pct=money(1, 10**6, 6),
    lot=st.sampled_from([D("0.00001"), D("0.001"), D(1)]),
    order_type=st.sampled_from([OrderType.MARKET, OrderType.LIMIT]),
)
def test_a_buy_never_costs_more_than_its_share_of_what_is_free(
    free: Decimal, px: Decimal, pct: Decimal, lot: Decimal, order_type: OrderType
) -> None:
    try:
        order = sized(
            Size(pct=pct),
            free={"USDT": free},
            market=a_market(str(px), spread="0"),
            instrument=an_instrument(lot_size=lot, max_qty=D(0)),
            order_type=order_type,
            price=px if order_type is OrderType.LIMIT else None,
        )
    except Refused:
        return  # Refused: nothing is bought.
    room = MARKET_BUY_KEEPS if order_type is OrderType.MARKET else 0
    assert order.qty * px <= free * pct * (1 - room)
    assert order.qty % lot == 0


@given(free=money(0, 10**13, 8), pct=money(1, 10**6, 6), qty=money(1, 10**13, 8))
def test_a_sell_never_exceeds_what_is_free(free: Decimal, pct: Decimal, qty: Decimal) -> None:
    instrument = an_instrument(max_qty=D(0))
    for size in (Size(pct=pct), Size(qty=qty)):
        try:
            order = sized(size, side=Side.SELL, free={"BTC": free}, instrument=instrument)
        except Refused:
            continue
        assert order.qty <= free
        assert size_exits(size, instrument, free) <= free


def test_exits_sell_balance_times_share_times_the_buffer() -> None:
    zec = an_instrument(base="ZEC", lot_size=D("0.00001"))
    assert size_exits(Size(pct=D(1)), zec, D("0.028")) == D("0.02786")


def test_exits_cannot_be_sized_in_dollars_or_above_the_balance() -> None:
    for size, code in ((Size(usd=D(5)), "INVALID_FIELD"), (Size(qty=D(2)), "INSUFFICIENT_BALANCE")):
        with pytest.raises(Refused) as refused:
            size_exits(size, an_instrument(), D(1))
        assert refused.value.code == code
