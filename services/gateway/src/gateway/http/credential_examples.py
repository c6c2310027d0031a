"""The examples of the API documentation, of stored keys."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from common.accounts import AccountState
from common.errors import Refused
from common.exchanges import Exchange
from gateway import answers
from gateway.auth import refusals
from gateway.auth.identity import Scope
from gateway.keycheck import key_can_withdraw, key_cannot_trade, key_check_shown, signature_failed
from gateway.leaving import orders_under_way, trades_open
from gateway.ports import Account, BracketView, KeyCheck

_ID: Final = "8a1e3f52-0c57-4d3b-9d7e-1f0f7c2b8a11"
_USER: Final = "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11"
_AT: Final = datetime(2026, 11, 22, tzinfo=UTC)
_ACCOUNT: Final = Account(
    account_id=_ID,
    user_id=_USER,
    exchange=Exchange.BITGET,
    label="main",
    state=AccountState.ACTIVE,
    is_default=True,
    key_version=1,
    ts_init_ms=1795341600000,
    api_key_hint="k3Zq",
    account_kind="CLASSIC",
    created_ms=1795341600000,
)
_OPEN: Final = BracketView(
    bracket_id="bq7c4k2mzt5nd6xay3",
    intent_id="0b9d4c1e-64a5-4c0e-8a3e-1f0f7c2b8a11",
    user_id=_USER,
    account_id=_ID,
    exchange="bitget",
    symbol="BTCUSDT",
    state="PROTECTED",
    version=4,
    entry_qty=Decimal("0.01"),
    entry_avg_px=Decimal(100_000),
    held_qty=Decimal("0.00999"),
    protected_qty=Decimal("0.00999"),
    guarded_qty=Decimal(0),
    unprotected_qty=Decimal(0),
    dust_qty=Decimal(0),
    exit_qty=Decimal(0),
    exit_avg_px=None,
    fees={},
    realised_pnl=None,
    created_at=_AT,
    updated_at=_AT,
)
CREDENTIAL: Final = answers.account_shown(_ACCOUNT)
STORED: Final = CREDENTIAL | key_check_shown(KeyCheck(ok=True, can_trade=True, can_withdraw=False))
DELETED: Final = {"status": "Success", "data": {"id": _ID, "deleted": True}}


def nobody() -> tuple[Refused, ...]:
    """Of callers who may not."""
    return refusals.unauthenticated(), refusals.scope_missing(Scope.CREDENTIALS, {Scope.READ})


def unfit() -> tuple[Refused, ...]:
    """Of keys that are not stored."""
    return signature_failed(), key_can_withdraw(), key_cannot_trade()


def taken() -> tuple[Refused, ...]:
    """Of keys and labels that are stored already, in the vault's words."""
    return (
        _conflict("KEY_ALREADY_STORED", "Credentials already stored", "apiKey", "A user stores each key once."),
        _conflict("LABEL_TAKEN", "Label already used", "label", "Each of a user's keys has its own label."),
    )


def refused_changes() -> tuple[Refused, ...]:
    """Of changes that would leave something without a guard or a default."""
    rule = "While a user has several keys on an exchange, one of them is the default."
    return *taken(), _conflict("DEFAULT_NEEDED", "Default credentials", "isDefault", rule), *guarding("pause them")


def guarding(what: str) -> tuple[Refused, ...]:
    """Of keys that guard something, or are about to."""
    return trades_open(_ACCOUNT, [_OPEN], what), orders_under_way(1, what)


def _conflict(code: str, title: str, field: str, rule: str) -> Refused:
    return Refused(code=code, title=title, field=field, rule=rule, fix="Choose another one.", status=409)
