"""What a connector remembers of an account: enough to know, after a crash, where to look and since when."""

from common.connector.trail import Trail, Trails

FROM_MS = 1_795_341_600_000


def test_the_first_command_on_a_symbol_opens_the_time_that_can_be_missed() -> None:
    trails = Trails()
    assert not trails.knows("a", "BTCUSDT")
    trails.note_symbol("a", "BTCUSDT", FROM_MS)
    assert trails.knows("a", "BTCUSDT")
    assert trails.of("a").known_until_ms == FROM_MS


def test_a_first_command_while_the_account_is_being_read_for_the_first_time_counts_too() -> None:
    trails = Trails()
    trails.of("a").open_gap()
    assert trails.of("a").known_until_ms == 0
    trails.note_symbol("a", "BTCUSDT", FROM_MS)
    assert trails.of("a").known_until_ms == FROM_MS


def test_another_symbol_moves_no_time_that_is_known() -> None:
    trails = Trails()
    trails.restore(Trail(account_id="a", symbols={"BTCUSDT"}, watermark_ms=FROM_MS - 5))
    trails.note_symbol("a", "ETHUSDT", FROM_MS)
    assert trails.of("a").known_until_ms == FROM_MS - 5
