"""Rows as lines that can be compared: what a rebuild came to beside what is stored. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from portfolio.batch import BEGINNING, Gathered, changed
from portfolio.book import Book
from portfolio.rows import performance_rows, snapshot_row
from portfolio.tables import FILLS, NUMBERS, PERFORMANCE, POSITIONS, SNAPSHOTS, TRADES

Lines = Mapping[str, Sequence[bytes]]
"""By table, its rows as canonical JSON, sorted."""

_SHOWN: Final = 5


def rebuilt(told: Gathered) -> Lines:
    """All numbers that follow from these facts and nothing else."""
    changes = [changed(key, BEGINNING, Book(), facts) for key, facts in told.books.items()]
    trades = [row for change in changes for row in change.trades(())]
    return lines_of(
        {
            POSITIONS.name: [change.position for change in changes],
            FILLS.name: [row for change in changes for row in change.fills],
            TRADES.name: trades,
            SNAPSHOTS.name: [snapshot_row(taken) for taken in told.snapshots.values()],
            PERFORMANCE.name: performance_rows(dict(zip(TRADES.names, row, strict=True)) for row in trades),
        }
    )


def lines_of(rows: Mapping[str, Iterable[Sequence[Any]]]) -> Lines:
    """Rows by table, as lines."""
    return {table.name: sorted(table.canonical(row) for row in rows[table.name]) for table in NUMBERS}


def digest(lines: Lines) -> str:
    """One fingerprint of everything."""
    whole = hashlib.sha256()
    for table, rows in sorted(lines.items()):
        whole.update(table.encode() + b"\n")
        for row in rows:
            whole.update(row + b"\n")
    return f"sha256:{whole.hexdigest()}"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one table that only one side has, shown up to a few."""

    table: str
    only_stored: int
    only_rebuilt: int
    shown: Sequence[str]


def differences(stored: Lines, told: Lines) -> list[Difference]:
    """What is not the same, by table."""
    found = []
    for table in sorted(stored):
        kept, built = set(stored[table]), set(told[table])
        if kept != built:
            shown = [f"stored:  {row.decode()}" for row in sorted(kept - built)[:_SHOWN]]
            shown += [f"rebuilt: {row.decode()}" for row in sorted(built - kept)[:_SHOWN]]
            found.append(
                Difference(
                    table=table, only_stored=len(kept - built), only_rebuilt=len(built - kept), shown=tuple(shown)
                )
            )
    return found
