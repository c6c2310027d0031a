"""Coins that left an account by hand, where no exit holds them back."""

from decimal import Decimal

from common.orders import HoldingShort
from sync.holdings import backed, still_short
from sync.ledger import Holding
from sync.testing.builders import NOW_MS, a_holding

OLD = a_holding("old", "0.01", created_ms=1)
NEW = a_holding("new", "0.02", created_ms=2)


def btc(qty: str) -> dict[str, Decimal]:
    return {"BTC": Decimal(qty)}


def test_an_account_that_holds_enough_is_not_short() -> None:
    assert backed([OLD, NEW], btc("0.03")) == {}
    assert backed([OLD, NEW], btc("5")) == {}


def test_what_is_gone_was_of_the_oldest_bracket() -> None:
    assert backed([OLD, NEW], btc("0.025")) == {"old": Decimal("0.005")}
    assert backed([OLD, NEW], btc("0.005")) == {"old": Decimal(0), "new": Decimal("0.005")}


def test_less_than_a_lot_is_no_difference() -> None:
    assert backed([OLD], btc("0.009995")) == {}


def test_an_asset_the_account_does_not_list_is_gone() -> None:
    assert backed([OLD], {"USDT": Decimal(1)}) == {"old": Decimal(0)}


def test_assets_do_not_stand_in_for_each_other() -> None:
    ether = a_holding("ether", "1", base_asset="ETH")
    assert backed([OLD, ether], btc("3")) == {"ether": Decimal(0)}


def test_only_what_both_looks_found_short_is_told_and_only_of_the_same_version() -> None:
    moved_on = a_holding("old", "0.01", created_ms=1, version=4)
    assert still_short([OLD], [moved_on], btc("0"), NOW_MS) == []
    assert still_short([OLD], [OLD], btc("0.01"), NOW_MS) == []
    (finding,) = still_short([OLD], [OLD], btc("0.004"), NOW_MS)
    (fact,) = finding.facts
    assert isinstance(fact, HoldingShort)
    assert (fact.bracket_id, fact.bracket_version, fact.held_qty) == ("old", OLD.version, Decimal("0.004"))


def test_a_bracket_opened_between_the_looks_is_not_judged() -> None:
    late: Holding = a_holding("late", "0.01", created_ms=3)
    assert still_short([OLD], [OLD, late], btc("0.01"), NOW_MS)[0].facts[0].symbol == "BTCUSDT"
    assert len(still_short([OLD], [OLD, late], btc("0"), NOW_MS)) == 1
