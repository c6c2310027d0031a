"""The eyes of the crash matrix: what was doubled or lost on purpose is seen."""

from decimal import Decimal
from typing import Any

import pytest

from tests.crashes.books import BTC, View, doubled, lost

ENTRY = {"clientOrderId": "b1", "side": "BUY", "status": "FILLED", "price": "99000", "origQty": "0.01"}
STOP = {"clientOrderId": "b1x1", "side": "SELL", "status": "NEW", "price": "94500", "origQty": "0.00999"}
BOUGHT, SOLD = {"qty": "0.01", "isBuyer": True}, {"qty": "0.00999", "isBuyer": False}
LEDGER = {"BUY": Decimal("0.01"), "SELL": Decimal(0)}


def a_view(*, orders: Any = (ENTRY, STOP), trades: Any = (BOUGHT,), held: str = "0.00999") -> View:
    raw = {"orders": orders, "trades": trades, "balances": {"BTC": {"free": "0", "locked": held}}}
    return View("binance", raw, BTC)


def test_a_trade_as_it_should_be_is_neither_doubled_nor_lost() -> None:
    view = a_view()
    assert view.protected
    assert (doubled(view, 1, LEDGER), lost(view, LEDGER)) == ([], [])


@pytest.mark.parametrize(
    ("view", "found"),
    [
        (a_view(orders=(ENTRY, STOP, STOP | {"status": "CANCELED"})), "the id b1x1 has 2 orders"),
        (a_view(orders=(ENTRY, ENTRY | {"clientOrderId": "b2"}, STOP)), "2 entries of 1 intents"),
        (a_view(trades=(BOUGHT, SOLD, SOLD)), "0.01998 sold of 0.01 bought"),
        (a_view(orders=(ENTRY, STOP, STOP | {"clientOrderId": "b1x2"})), "stops for 0.01998 on 0.00999"),
    ],
)
def test_what_happened_twice_is_seen(view: View, found: str) -> None:
    assert doubled(view, 1, LEDGER) == [found]


def test_a_fill_the_ledger_counts_twice_or_never_is_seen() -> None:
    view = a_view()
    assert doubled(view, 1, LEDGER | {"BUY": Decimal("0.02")}) == ["BUY: 0.02 in the ledger"]
    assert lost(view, LEDGER | {"BUY": Decimal(0)}) == ["BUY: 0.01 traded, 0 in the ledger"]


def test_more_stops_than_are_held_are_no_protection() -> None:
    assert not a_view(orders=(ENTRY, STOP, STOP | {"clientOrderId": "b1x2"})).protected
    assert not a_view(orders=(ENTRY,)).protected
