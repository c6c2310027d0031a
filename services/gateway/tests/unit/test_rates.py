"""Token buckets: what may come at once, what comes back with time, and what never stands in the way of protection."""

import pytest

from gateway.rates import Buckets, Kind, kind_of

MINUTE_MS = 60_000


def test_a_full_bucket_lets_a_minutes_requests_through_at_once_and_no_more() -> None:
    buckets = Buckets()
    waits = [buckets.take("a", Kind.ORDINARY, 60, 0).wait_ms for _ in range(61)]
    assert waits == [0] * 60 + [1_000]


def test_a_bucket_fills_steadily_and_never_above_its_rim() -> None:
    buckets = Buckets()
    for _ in range(60):
        buckets.take("a", Kind.ORDINARY, 60, 0)
    assert [buckets.take("a", Kind.ORDINARY, 60, now_ms).wait_ms for now_ms in (999, 1_000, 1_001)] == [1, 0, 999]
    assert buckets.take("a", Kind.ORDINARY, 60, 10 * MINUTE_MS).remaining == 59


def test_who_waits_as_long_as_told_may_pass() -> None:
    buckets = Buckets()
    for _ in range(7):
        buckets.take("a", Kind.ORDINARY, 7, 0)
    wait_ms = buckets.take("a", Kind.ORDINARY, 7, 0).wait_ms
    assert buckets.take("a", Kind.ORDINARY, 7, wait_ms).wait_ms == 0


def test_callers_and_kinds_do_not_take_from_each_other_and_protection_has_more() -> None:
    buckets = Buckets()
    for _ in range(11):
        buckets.take("a", Kind.ORDINARY, 10, 0)
    assert buckets.take("b", Kind.ORDINARY, 10, 0).wait_ms == 0
    assert [buckets.take("a", Kind.PROTECTIVE, 10, 0).wait_ms == 0 for _ in range(21)] == [True] * 20 + [False]


def test_a_clock_that_is_set_back_neither_fills_nor_empties() -> None:
    buckets = Buckets()
    assert buckets.take("a", Kind.ORDINARY, 10, 5_000).remaining == 9
    assert buckets.take("a", Kind.ORDINARY, 10, 0).remaining == 8


def test_the_longest_unused_bucket_is_let_go_of() -> None:
    buckets = Buckets(most=2)
    for caller in ("a", "b", "a", "c"):
        buckets.take(caller, Kind.ORDINARY, 10, 0)
    assert buckets.take("a", Kind.ORDINARY, 10, 0).remaining == 7
    assert buckets.take("b", Kind.ORDINARY, 10, 0).remaining == 9


def test_headers_say_what_is_left_and_when_all_of_it_is_back() -> None:
    standing = Buckets().take("a", Kind.ORDINARY, 60, 0)
    assert standing.headers == {"ratelimit-limit": "60", "ratelimit-remaining": "59", "ratelimit-reset": "1"}


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("DELETE", "/exchanges/cancel-order", Kind.PROTECTIVE),
        ("DELETE", "/mexc/orders", Kind.PROTECTIVE),
        ("POST", "/exchanges/place-oco-order", Kind.PROTECTIVE),
        ("POST", "/risk/kill-switch", Kind.PROTECTIVE),
        ("DELETE", "/risk/kill-switch", Kind.ORDINARY),
        ("POST", "/mexc/orders", Kind.ORDINARY),
        ("GET", "/exchanges/trades", Kind.ORDINARY),
    ],
)
def test_what_takes_risk_away_is_protective(method: str, path: str, kind: Kind) -> None:
    assert kind_of(method, path) is kind
