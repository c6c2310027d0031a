"""What the exchange says of a key to whether it is stored: pure."""

from typing import Any

from common.errors import Refused
from gateway.ports import KeyCheck
from gateway.trading.refusals import SIGNATURE_FAILED


def refused_key(verdict: KeyCheck, *, allow_withdrawal: bool) -> Refused | None:
    """Why a key is not stored; None for one that is fit."""
    if verdict.can_withdraw and not allow_withdrawal:
        return key_can_withdraw()
    if not verdict.ok and verdict.account_kind is None:  # Nothing was told of the account: the key opened nothing.
        return signature_failed(verdict.problem)
    if not verdict.ok or not verdict.can_trade:
        return key_cannot_trade(verdict.problem)
    return None


def key_check_shown(verdict: KeyCheck) -> dict[str, Any]:
    """What was found of a key, as the answer that stores it shows it; null is what the exchange does not tell."""
    return {"keyCheck": {"canTrade": verdict.can_trade, "canWithdraw": verdict.can_withdraw}}


def signature_failed(problem: str | None = None) -> Refused:
    """The exchange does not know the key, or not with this secret, or not from here."""
    return Refused(
        code="KEY_REFUSED",
        title=SIGNATURE_FAILED,
        field="apiKey",
        rule=_sentence(problem) or "The exchange does not accept this key with this secret from here.",
        fix="Check that the API keys are correct, and that their IP list allows this server.",
        status=401,
    )


def key_can_withdraw() -> Refused:
    """A key that could move money away."""
    return Refused(
        code="KEY_CAN_WITHDRAW",
        title="API key can withdraw",
        field="apiKey",
        rule="Keys that can withdraw are not stored.",
        fix="Make a key without the withdrawal permission.",
    )


def key_cannot_trade(problem: str | None = None) -> Refused:
    """A key that only reads, or of an account that is traded in another way."""
    return Refused(
        code="KEY_CANNOT_TRADE",
        title="API key cannot trade",
        field="apiKey",
        rule=_sentence(problem) or "The key has no permission for spot trading.",
        fix="Allow spot trading for the key on the exchange.",
    )


def _sentence(problem: str | None) -> str:
    return f"{problem[:1].upper()}{problem[1:].rstrip('.')}." if problem else ""
