"""The figures of closed trades, by hand; and arithmetic that loses nothing."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from common.exact import quotient, shared_out
from common.performance import DAY_MS, Result, measure

D = Decimal
amounts = st.decimals("-1000", "1000", places=4)


def a_result(net: str, *, day: int = 0, hold_ms: int = 1_000, complete: bool = True) -> Result:
    closed_ms = day * DAY_MS + 5_000
    return Result(net=D(net), opened_ms=closed_ms - hold_ms, closed_ms=closed_ms, complete=complete)


def test_the_figures_of_four_trades_are_those_a_hand_computes() -> None:
    trades = [
        a_result("10", day=0, hold_ms=1_000),
        a_result("-4", day=1, hold_ms=2_000),
        a_result("-3", day=2, hold_ms=4_000),
        a_result("6", day=4, hold_ms=5_001, complete=False),
    ]
    told = measure(trades)
    assert (told.trades, told.wins, told.losses, told.incomplete) == (4, 2, 2, 1)
    assert told.win_rate == D("0.5")
    assert (told.net, told.gross_profit, told.gross_loss) == (D(9), D(16), D(7))
    assert told.profit_factor == D("2.285714285714285714")
    assert told.expectancy == D("2.25")
    assert told.max_drawdown == 7
    assert told.average_hold_ms == 3_000
    # Days 10, -4, -3, 0, 6: mean 1.8, sample variance 36.2, and a year of 365 days.
    assert told.sharpe is not None
    assert abs(told.sharpe - D("5.715637")) < D("0.000001")


def test_without_trades_there_is_nothing_to_divide_by() -> None:
    told = measure([])
    assert told.trades == told.net == told.max_drawdown == 0
    assert (told.win_rate, told.profit_factor, told.expectancy, told.sharpe, told.average_hold_ms) == (None,) * 5


def test_a_first_loss_is_a_drawdown_from_nothing() -> None:
    assert measure([a_result("-5")]).max_drawdown == 5


def test_days_that_are_all_alike_have_no_sharpe_ratio() -> None:
    assert measure([a_result("5", day=0), a_result("5", day=1)]).sharpe is None


@given(st.lists(amounts.map(lambda net: a_result(str(net))), max_size=6), st.randoms())
def test_the_order_in_which_trades_are_given_does_not_matter(trades: list[Result], random: object) -> None:
    shuffled = list(trades)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert measure(shuffled) == measure(trades)


@given(amounts, st.lists(st.decimals("0.00001", "10", places=5), min_size=1, max_size=5))
def test_what_is_shared_out_adds_up_to_the_total(total: Decimal, parts: list[Decimal]) -> None:
    assert sum(shared_out(total, parts)) == total


def test_a_quotient_has_18_places_half_to_even() -> None:
    assert quotient(D(2), D(3)) == D("0.666666666666666667")
    assert quotient(D("0.000000000000000001"), D(2)) == 0
