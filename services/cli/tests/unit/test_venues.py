"""The demo has words for every exchange there is."""

from cgt.venues import VENUES, venues_named
from common.exchanges import Exchange


def test_every_exchange_has_its_words() -> None:
    assert set(VENUES) == {exchange.value for exchange in Exchange}
    assert [venue.exchange for venue in venues_named("ALL")] == list(VENUES)


def test_one_exchange_is_named_in_either_case_and_an_unknown_one_is_none() -> None:
    assert [venue.name for venue in venues_named("Mexc")] == ["MEXC"]
    assert venues_named("nosuch") == ()
