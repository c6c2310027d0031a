"""The generated documents leave nothing out."""

from pathlib import Path

import msgspec
import pytest

from common import reference
from common.exchanges import CAPABILITIES, Capabilities, Exchange, ExitStyle


def test_the_capability_table_shows_every_field_of_every_exchange() -> None:
    fields = {field.name for field in msgspec.structs.fields(Capabilities)} - {"exchange"}
    assert set(reference.ROWS) == fields
    assert set(reference.TITLES) == set(CAPABILITIES) == set(Exchange)
    assert set(reference.STYLES) == set(ExitStyle)


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_a_document_is_checked_by_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    monkeypatch.setattr("sys.argv", ["reference", str(path), "--check"])
    with pytest.raises(SystemExit, match="out of step"):
        reference.main()
    monkeypatch.setattr("sys.argv", ["reference", str(path)])
    reference.main()
    monkeypatch.setattr("sys.argv", ["reference", str(path), "--check"])
    reference.main()


@pytest.mark.parametrize("exchange", Exchange)
def test_the_default_legs_are_what_the_exit_style_can_place(exchange: Exchange) -> None:
    known = CAPABILITIES[exchange]
    take_profit, stop = known.take_profit_types[0], known.stop_loss_types[0]
    waits = {ExitStyle.OCO: (False, True), ExitStyle.TRIGGER_PAIR: (True, True), ExitStyle.HELD_STOP: (False, True)}
    assert (take_profit.waits_for_trigger, stop.waits_for_trigger) == waits[known.exit_style]
    assert bool(known.why_engine_held) is (known.exit_style is ExitStyle.HELD_STOP)
