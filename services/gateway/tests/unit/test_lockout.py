"""Attempts at a password: free at first, then slower each time, and never closed for ever or for an owner's address."""

import pytest

from gateway.auth.lockout import FORGET_MS, Count, Door, attempted, forgiven, login_doors, network_of

DOOR = Door(key="d", free=3, most_ms=8_000, forgiving=True)


class Guesser:
    """Fails at its doors whenever they are open."""

    def __init__(self, *doors: Door) -> None:
        self.doors = doors
        self.counts: dict[str, Count] = {}
        self.now_ms = 1_000_000

    def guess(self) -> int:
        """How long it would have had to wait; 0 when the guess was made."""
        tried = attempted(self.doors, self.counts, self.now_ms)
        self.counts.update(tried.counts)
        return tried.wait_ms


def test_the_wait_doubles_after_the_free_failures_up_to_its_bound() -> None:
    guesser, waits = Guesser(DOOR), []
    for _ in range(8):
        assert guesser.guess() == 0
        waits.append(guesser.counts["d"].closed_until_ms - guesser.now_ms)
        guesser.now_ms += waits[-1]
    assert waits == [0, 0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]


def test_knocking_at_a_closed_door_does_not_keep_it_closed() -> None:
    guesser = Guesser(DOOR)
    for _ in range(3):
        guesser.guess()
    assert [guesser.guess() for _ in range(5)] == [1_000] * 5
    guesser.now_ms += 1_000
    assert guesser.guess() == 0


def test_one_closed_door_of_several_counts_at_none() -> None:
    other = Door(key="other", free=100, most_ms=1, forgiving=False)
    guesser = Guesser(DOOR, other)
    for _ in range(6):
        guesser.guess()
    assert guesser.counts["other"].failures == 3


def test_failures_are_forgotten_after_a_day_without_one() -> None:
    guesser = Guesser(DOOR)
    for _ in range(3):
        guesser.guess()
    guesser.now_ms += FORGET_MS
    guesser.guess()
    assert guesser.counts["d"].failures == 1


def test_a_success_clears_a_users_own_doors_and_takes_only_its_attempt_back_at_a_shared_one() -> None:
    count = Count(failures=9, last_ms=1, closed_until_ms=99)
    shared = Door(key="s", free=3, most_ms=8_000, forgiving=False)
    assert forgiven(DOOR, count) == Count(failures=0, last_ms=1)
    assert forgiven(shared, count) == Count(failures=8, last_ms=1)


def test_an_address_the_user_is_known_at_does_not_pass_the_door_that_strangers_can_close() -> None:
    stranger = {door.key.partition(":")[0] for door in login_doors("e", "203.0.113.7", known=False)}
    owner = {door.key.partition(":")[0] for door in login_doors("e", "203.0.113.7", known=True)}
    assert stranger == {"pair", "address", "email"}
    assert owner == {"pair", "address"}


def test_no_wait_is_longer_than_a_quarter_of_an_hour() -> None:
    guesser = Guesser(*login_doors("e", "203.0.113.7", known=False))
    for _ in range(200):
        wait_ms = guesser.guess()
        assert wait_ms <= 900_000
        guesser.now_ms += wait_ms


def test_what_is_counted_cannot_be_read_back() -> None:
    assert not any("someone" in door.key for door in login_doors("someone@example.com", "203.0.113.7", known=False))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("", ""),
    ],
)
def test_an_ipv6_user_is_a_network_because_the_rest_changes_daily(address: str, network: str) -> None:
    assert network_of(address) == network
