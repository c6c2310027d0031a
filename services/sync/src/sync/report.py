"""What a check came to, in the words an answer uses. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from common.checks import Correction, Failure, Report
from common.exchanges import Exchange
from common.orders import HoldingShort
from sync.check import Checked
from sync.ledger import Finding


class AccountRun(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a run, as stored."""

    account_id: str
    exchange: Exchange
    state: str
    checked: int
    unsettled: int
    corrections: tuple[Correction, ...]
    foreign_orders: int
    reason: str | None


def corrections_of(account_id: str, exchange: Exchange, checked: Checked) -> tuple[Correction, ...]:
    """The mended differences of one account."""
    return tuple(_correction(account_id, exchange, finding) for finding in checked.findings)


def report_of(
    run_id: str, requested_by: str, everyone: bool, created_ms: int, updated_ms: int, parts: Sequence[AccountRun]
) -> Report:
    """All accounts of a run together."""
    running = any(part.state == "WAITING" for part in parts)
    corrections = tuple(correction for part in parts for correction in part.corrections)
    return Report(
        run_id=run_id,
        requested_by=requested_by,
        everyone=everyone,
        state="RUNNING" if running else "DONE",
        created_ms=created_ms,
        finished_ms=None if running else updated_ms,
        accounts=len(parts),
        checked=sum(part.checked for part in parts),
        corrected=len(corrections),
        by_kind=_by_kind(corrections),
        unsettled=sum(part.unsettled for part in parts),
        foreign_orders=sum(part.foreign_orders for part in parts),
        corrections=corrections,
        failures=tuple(
            Failure(account_id=part.account_id, exchange=part.exchange, reason=part.reason)
            for part in parts
            if part.state == "FAILED"
        ),
    )


def _by_kind(corrections: Iterable[Correction]) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for correction in corrections:
        kinds[correction.kind] = kinds.get(correction.kind, 0) + 1
    return dict(sorted(kinds.items()))


def _correction(account_id: str, exchange: Exchange, finding: Finding) -> Correction:
    last = finding.facts[-1]
    return Correction(
        kind=finding.drift.value,
        exchange=exchange,
        account_id=account_id,
        symbol=finding.symbol,
        client_order_id=finding.client_order_id,
        bracket_id=last.bracket_id if isinstance(last, HoldingShort) else None,
        status=last.status,
    )
