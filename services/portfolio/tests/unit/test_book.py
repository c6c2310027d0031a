"""Positions and trades, by examples computed by hand."""

from decimal import Decimal

import pytest

from common.errors import UnreadableMessage
from common.orders import Side
from portfolio.book import Book, BookFact, Numbers, apply_all, numbers
from portfolio.fees import FeeState
from portfolio.fills import fill_from
from portfolio.testing.builders import (
    BRACKET,
    NOW_MS,
    OTHER_BRACKET,
    a_buy,
    a_closing,
    a_fill_fact,
    a_name,
    a_sale,
    a_value,
)

D = Decimal


def after(*facts: BookFact) -> Numbers:
    return numbers(apply_all(Book(), facts))


def test_a_trade_out_at_a_target_and_at_its_stop_has_the_result_a_hand_computes() -> None:
    told = after(
        a_name(),
        a_buy("0.01", "100000", trade=1, fee="0.00001", fee_asset="BTC", bracket=BRACKET),
        a_sale("0.00499", "104000", trade=2, fee="0.51896", bracket=BRACKET),
        a_sale("0.005", "94950", trade=3, fee="0.47475", bracket=BRACKET),
    )
    (trade,) = told.trades.values()
    # 0.00999 BTC arrived for 1000 USDT. 518.96 + 474.75 came in, 0.51896 + 0.47475 was charged.
    assert trade.realised == D("993.71") - D("0.99371") - D(1000)
    assert (trade.entry_qty, trade.exit_qty, trade.qty, trade.cost) == (D("0.01"), D("0.00999"), D(0), D(0))
    assert trade.closed_ms == NOW_MS + 3_000
    assert told.standing.realised == trade.realised
    assert trade.fees.amounts == {"BTC": D("0.00001"), "USDT": D("0.99371")}
    assert trade.fees.worth == D("1.99371")


def test_fees_in_bnb_are_part_of_the_result_at_the_price_that_was_said() -> None:
    buy = a_buy("0.01", "100000", trade=1, fee="0.00083", fee_asset="BNB", bracket=BRACKET)
    sale = a_sale("0.01", "104000", trade=2, fee="0.00086", fee_asset="BNB", bracket=BRACKET)
    told = after(a_name(), buy, sale, a_value(buy, "890.1"), a_value(sale, "901.25"))
    (trade,) = told.trades.values()
    # Paid 1000 + 0.00083 x 890.1 = 1000.738783; received 1040 - 0.00086 x 901.25 = 1039.224925.
    assert trade.realised == D("38.486142")
    assert trade.fees.complete


def test_a_fee_without_a_price_is_shown_as_such_and_never_as_nothing() -> None:
    told = after(a_name(), a_buy("0.01", "100000", trade=1, fee="0.00083", fee_asset="BNB"))
    (page,) = told.pages
    assert page.charge is not None
    assert (page.charge.state, page.charge.worth) == (FeeState.UNVALUED, None)
    assert told.standing.fees.unvalued == {"BNB": D("0.00083")}
    assert not told.standing.fees.complete


def test_a_fee_the_exchange_has_not_told_is_counted_as_unknown() -> None:
    told = after(a_name(), a_buy("0.01", "100000", trade=1, fee=None))
    assert told.standing.fees.unknown == 1
    assert not told.standing.fees.complete


def test_a_price_for_another_asset_than_the_fee_is_not_taken() -> None:
    buy = a_buy("0.01", "100000", trade=1, fee="0.00083", fee_asset="BNB")
    other = a_value(a_buy("0.01", "100000", trade=1, fee="1", fee_asset="GT"), "9")
    assert after(a_name(), buy, other).standing.fees.unvalued == {"BNB": D("0.00083")}


def test_buys_by_hand_share_one_average_price() -> None:
    told = after(a_name(), a_buy("1", "100", trade=1), a_buy("3", "108", trade=2), a_sale("2", "110", trade=3))
    assert told.standing.realised == 2 * (110 - 106)
    assert (told.standing.qty, told.standing.cost) == (D(2), D(212))


def test_a_share_of_the_cost_that_never_ends_has_18_places_and_the_last_sale_takes_the_rest() -> None:
    facts: list[BookFact] = [a_name(), a_buy("3", "100", trade=1, fee="1"), a_sale("1", "100", trade=2)]
    told = after(*facts)
    assert told.standing.cost == D(301) - D("100.333333333333333333")
    done = after(*facts, a_sale("1", "100", trade=3), a_sale("1", "100", trade=4))
    assert (done.standing.qty, done.standing.cost, done.standing.realised) == (D(0), D(0), D(-1))


def test_a_bracket_sells_its_own_trade_whatever_else_is_held() -> None:
    told = after(
        a_name(),
        a_buy("1", "100", trade=1),
        a_buy("1", "110", trade=2, bracket=BRACKET),
        a_buy("1", "120", trade=3, bracket=OTHER_BRACKET),
        a_sale("1", "130", trade=4, bracket=OTHER_BRACKET),
    )
    assert told.trades[OTHER_BRACKET].realised == 10
    assert (told.standing.qty, told.standing.cost) == (D(2), D(210))


def test_a_sale_by_hand_takes_what_was_bought_by_hand_then_the_oldest_bracket() -> None:
    told = after(
        a_name(),
        a_buy("1", "110", trade=1, bracket=BRACKET),
        a_buy("1", "100", trade=2),
        a_buy("1", "120", trade=3, bracket=OTHER_BRACKET),
        a_sale("2", "130", trade=4, fee="3"),
    )
    # The fee is shared out by quantity.
    assert told.trades["manual-2"].realised == 30 - D("1.5")
    assert told.trades[BRACKET].realised == 20 - D("1.5")
    assert told.trades[OTHER_BRACKET].qty == 1


def test_selling_coins_that_were_never_bought_here_makes_no_result() -> None:
    told = after(a_name(), a_buy("1", "100", trade=1), a_sale("3", "110", trade=2, fee="3.3"))
    assert told.standing.realised == 10 - D("1.1")
    assert (told.standing.unmatched_qty, told.standing.unmatched_quote) == (D(2), D("217.8"))
    assert told.standing.qty == 0


def test_what_a_closed_bracket_leaves_is_dust_with_its_cost() -> None:
    facts: list[BookFact] = [
        a_name(),
        a_buy("0.01", "100000", trade=1, fee="0.000001", fee_asset="BTC", bracket=BRACKET),
        a_sale("0.00999", "101000", trade=2, bracket=BRACKET),
    ]
    assert after(*facts).trades[BRACKET].closed_ms is None
    told = after(*facts, a_closing("0.01", "0.00999", "0.000009"))
    trade = told.trades[BRACKET]
    assert (trade.closed_ms, trade.dust_qty, trade.qty) == (NOW_MS + 2_000, D("0.000009"), D(0))
    assert (told.standing.dust_qty, told.standing.dust_cost) == (D("0.000009"), trade.dust_cost)
    assert told.standing.lots == ()
    assert trade.realised + trade.dust_cost == D("1008.99") - (1000 - 2 * trade.dust_cost)


def test_what_a_user_took_back_from_a_bracket_stays_its_trade_until_it_is_sold() -> None:
    facts = (a_name(), a_buy("1", "100", trade=1, bracket=BRACKET), a_closing("1", "0"))
    assert after(*facts).trades[BRACKET].closed_ms is None
    told = after(*facts, a_sale("1", "105", trade=2))
    assert told.trades[BRACKET].realised == 5
    assert told.standing.lots == ()


def test_an_entry_that_fills_on_after_everything_was_sold_opens_its_trade_again() -> None:
    facts: list[BookFact] = [
        a_name(),
        a_buy("1", "100", trade=1, bracket=BRACKET),
        a_sale("1", "110", trade=2, bracket=BRACKET),
        a_buy("1", "100", trade=3, bracket=BRACKET),
    ]
    assert after(*facts[:3]).trades[BRACKET].closed_ms == NOW_MS + 2_000
    assert after(*facts).trades[BRACKET].closed_ms is None


def test_a_fill_that_arrives_late_is_folded_where_it_belongs() -> None:
    late = a_buy("1", "100", trade=1)
    told = after(a_name(), a_sale("1", "110", trade=2), late)
    assert (told.standing.realised, told.standing.unmatched_qty) == (D(10), D(0))


def test_trades_of_one_millisecond_keep_the_order_of_their_numbers() -> None:
    told = after(
        a_name(),
        a_sale("1", "110", trade=10, at_ms=NOW_MS),
        a_buy("1", "100", trade=9, at_ms=NOW_MS),
    )
    assert told.standing.realised == 10


def test_two_tellings_of_a_trade_complete_each_other() -> None:
    early = a_buy("1", "100", trade=1, fee=None, at_ms=NOW_MS, bracket=BRACKET)
    late = a_buy("1", "100", trade=1, fee="0.1", at_ms=NOW_MS + 3, client_order_id="placed-by-the-exchange")
    told = after(a_name(), early, late)
    (page,) = told.pages
    assert (page.fill.at_ms, page.fill.bracket_id, page.fill.fee) == (NOW_MS, BRACKET, D("0.1"))
    assert told == after(a_name(), late, early)


def test_an_account_that_trades_with_itself_has_both_sides_of_the_trade() -> None:
    told = after(a_name(), a_buy("1", "100", trade=1), a_sale("1", "100", trade=1))
    assert (told.standing.fills, told.standing.qty) == (2, D(0))


def test_without_knowing_what_a_symbol_trades_nothing_is_computed() -> None:
    told = after(a_buy("1", "100", trade=1))
    assert [page.step for page in told.pages] == [None]
    assert told.trades == {}


def test_a_fill_that_does_not_say_what_was_traded_is_not_readable() -> None:
    with pytest.raises(UnreadableMessage, match="last_qty"):
        fill_from(a_fill_fact(Side.BUY, "1", "100", trade=1, last_qty=None), "fact")
