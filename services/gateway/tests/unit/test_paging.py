"""Pages of a list: every element once, whatever happens in between; and what is no cursor."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Refused
from gateway.http.paging import Listing

Element = tuple[int, str]
ORDERS: Listing[Element] = Listing("orders", (int, str), lambda each: each)
elements = st.tuples(st.integers(0, 3), st.text("ab", max_size=3))


@given(there=st.sets(elements), come=st.lists(st.sets(elements)), go=st.sets(elements), limit=st.integers(1, 4))
def test_what_stays_is_met_exactly_once_whatever_comes_and_goes_between_the_pages(
    there: set[Element], come: list[set[Element]], go: set[Element], limit: int
) -> None:
    everything, met, cursor = set(there), list[Element](), None
    arrivals = iter(come)
    while True:
        page = ORDERS.cut(everything, limit, cursor)
        met += page.elements
        cursor = page.next_cursor
        if cursor is None:
            break
        everything = (everything | next(arrivals, set())) - go
    assert met == sorted(set(met))
    assert there - go <= set(met)


@given(st.sets(elements), st.integers(1, 4))
def test_only_the_last_page_has_no_successor_and_none_is_empty(there: set[Element], limit: int) -> None:
    sizes, cursor = list[int](), None
    while not sizes or cursor is not None:
        page = ORDERS.cut(there, limit, cursor)
        sizes.append(len(page.elements))
        cursor = page.next_cursor
    assert len(sizes) == max(1, -(-len(there) // limit))
    assert sum(sizes) == len(there)


def test_without_a_limit_everything_is_one_page() -> None:
    assert ORDERS.cut({(2, "b"), (1, "a")}, None, None) == ([(1, "a"), (2, "b")], None)


def written(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        *("", "x", "🙂", "W10", written("orders"), written({"orders": 1}), written([]), written(["orders"])),
        written(["trades", 1, "a"]),
        written(["orders", "1", "a"]),
        written(["orders", 1, "a", "b"]),
        written(["orders", True, "a"]),
        written(["orders", 1.5, "a"]),
        written(["orders", 2**63, "a"]),
        written(["orders", -1, "a"]),
        written(["orders", 1, "\0"]),
    ],
)
def test_what_is_no_cursor_of_this_list_is_refused_and_the_refusal_says_what_one_is(cursor: str) -> None:
    with pytest.raises(Refused) as refused:
        ORDERS.after(cursor)
    assert refused.value.field == "cursor"
    assert "nextCursor" in refused.value.rule
    assert "first page" in refused.value.fix


def test_a_cursor_may_come_back_with_the_padding_that_others_write() -> None:
    assert ORDERS.after(written(["orders", 1, "a"])) == (1, "a")
