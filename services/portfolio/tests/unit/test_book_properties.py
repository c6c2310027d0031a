"""Whatever order facts come in and however often: one set of numbers, and they add up to the cash that flowed."""

from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from common.orders import Side
from portfolio.book import Book, BookFact, Numbers, apply, apply_all, numbers
from portfolio.fills import Fill
from portfolio.testing.histories import a_history, in_disorder

seeds = st.integers(0, 2**64)
histories = seeds.map(lambda seed: a_history(Random(seed)))


@given(seeds)
def test_any_interleaving_and_repetition_of_facts_gives_the_same_numbers(seed: int) -> None:
    random = Random(seed)
    facts = a_history(random)
    book = Book()
    for batch in in_disorder(random, facts):
        book = apply_all(book, batch)
    assert numbers(book) == numbers(apply_all(Book(), facts))


@given(histories)
def test_one_by_one_is_the_same_as_all_at_once(facts: list[BookFact]) -> None:
    book = Book()
    for fact in facts:
        book = apply(book, fact)
    assert book == apply_all(Book(), facts)


@given(histories, st.data())
def test_a_book_that_is_loaded_from_the_middle_comes_to_the_same_end(
    facts: list[BookFact], data: st.DataObject
) -> None:
    whole = numbers(apply_all(Book(), facts))
    middle = data.draw(st.integers(0, len(whole.pages) - 1))
    before = whole.pages[middle - 1].step.after if middle else Book().before  # type: ignore[union-attr]
    loaded: list[BookFact] = [fact for fact in facts if not isinstance(fact, Fill)]
    loaded += [page.fill for page in whole.pages[middle:]]
    part = numbers(apply_all(Book(before=before), loaded))
    assert part.pages == whole.pages[middle:]
    assert part.standing == whole.standing


@given(histories)
def test_results_and_fees_and_remaining_cost_add_up_to_the_cash_that_flowed(facts: list[BookFact]) -> None:
    told = numbers(apply_all(Book(), facts))
    standing = told.standing
    assert _cash(told) == standing.realised + standing.unmatched_quote - standing.cost
    bought = sum((p.fill.qty - _in_base(p) for p in told.pages if p.fill.side is Side.BUY), Decimal(0))
    sold = sum((page.fill.qty for page in told.pages if page.fill.side is Side.SELL), Decimal(0))
    assert bought - sold == standing.qty - standing.unmatched_qty
    assert sum((page.step.realised for page in told.pages if page.step), Decimal(0)) == standing.realised


@given(histories)
def test_nothing_is_ever_held_in_the_negative(facts: list[BookFact]) -> None:
    for page in numbers(apply_all(Book(), facts)).pages:
        assert page.step is not None
        assert page.step.after.dust_qty >= 0
        assert all(lot.qty >= 0 for lot in page.step.after.lots)


def _in_base(page: object) -> Decimal:
    charge = page.charge  # type: ignore[attr-defined]
    return charge.amount if charge.from_bought else Decimal(0)


def _cash(told: Numbers) -> Decimal:
    """The ledger by hand: money in, money out, and every fee that is not taken out of the coins that were bought."""
    cash = Decimal(0)
    for page in told.pages:
        assert page.charge is not None
        traded = page.fill.qty * page.fill.px
        cash += traded if page.fill.side is Side.SELL else -traded
        if not page.charge.from_bought:
            cash -= page.charge.worth or Decimal(0)
    return cash
