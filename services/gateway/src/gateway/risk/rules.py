"""The rules of risk: what a buy may add to what is open already, and what was lost today. Pure.

Everything here holds back what adds risk, which on a spot account is a buy. Selling, protecting and cancelling take
risk away and are never asked.

- A buy's value is its quantity at the price it was sized by (its limit price, or the best ask), in dollars: quote units
  of a dollar coin count as dollars, other quotes at the last price of quote/USDT.
- Open exposure is the value of every buy of the user that works or is on its way, and of what finished buys still hold,
  at what it cost. A working buy counts in full, however little of it has filled.
- The loss of a day is what the brackets closed since 0:00 UTC made together, net of fees as far as the ledger values
  them, in dollars at the rate of their entry: a gain makes up for a loss of the same day.
"""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from common.codec import plain
from common.errors import Refused
from common.exchanges import Exchange

DAY_MS: Final = 86_400_000
_FORBIDDEN: Final = 403


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most a user may risk, in dollars; None where nothing is set."""

    max_order_value: Decimal | None = None
    max_open_exposure: Decimal | None = None
    daily_loss_limit: Decimal | None = None

    @property
    def any(self) -> bool:
        """Whether a limit is set at all."""
        return (self.max_order_value, self.max_open_exposure, self.daily_loss_limit) != (None, None, None)


class SetBy(StrEnum):
    """Whose word a limit or a switch is: an administrator's is not the user's to lift."""

    USER = "user"
    ADMIN = "admin"


class Scope(StrEnum):
    """Whom a kill switch stops."""

    USER = "user"
    EXCHANGE = "exchange"
    GLOBAL = "global"


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """An engaged kill switch. `target` is a user id, the name of an exchange, or empty for all."""

    scope: Scope
    target: str
    set_by: SetBy
    reason: str
    engaged_by: str
    """The id of the user who engaged it."""
    engaged_ms: int


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What is risked at this moment, in dollars."""

    open_exposure: Decimal
    day_pnl: Decimal


class Stake(msgspec.Struct, frozen=True, kw_only=True):
    """What a buy would add. `usd` is its value in dollars and `usd_rate` what a unit of its quote is worth.

    Both are None where nobody knows the quote's price.
    """

    user_id: str
    exchange: Exchange
    usd: Decimal | None
    usd_rate: Decimal | None


def day_start_ms(now_ms: int) -> int:
    """0:00 UTC of the day."""
    return now_ms - now_ms % DAY_MS


def tightest(limits: Sequence[Limits]) -> Limits:
    """The limits that hold where several are set: of each kind the smallest."""
    return Limits(
        max_order_value=_least([each.max_order_value for each in limits]),
        max_open_exposure=_least([each.max_open_exposure for each in limits]),
        daily_loss_limit=_least([each.daily_loss_limit for each in limits]),
    )


def check_switches(switches: Sequence[Switch]) -> None:
    """Refuse a buy where any of these switches is engaged: the widest is named."""
    if not switches:
        return
    widest = max(switches, key=lambda each: list(Scope).index(each.scope))
    where = {
        Scope.USER: "your account",
        Scope.EXCHANGE: f"the exchange {widest.target.upper()}",
        Scope.GLOBAL: "all trading",
    }[widest.scope]
    whose = "You have" if widest.set_by is SetBy.USER else "An administrator has"
    reason = f" ({widest.reason})" if widest.reason else ""
    own = widest.set_by is SetBy.USER
    raise Refused(
        code="KILL_SWITCH_ENGAGED",
        title="Trading is stopped",
        field=None,
        rule=f"{whose} stopped {where}{reason}: nothing is bought; selling, protecting and cancelling still work.",
        fix="Release it with DELETE /risk/kill-switch." if own else "Wait until an administrator releases it.",
        status=_FORBIDDEN,
    )


def check_limits(stake: Stake, limits: Limits, usage: Usage) -> None:
    """Refuse a buy that would break one of the limits that hold."""
    if not limits.any:
        return
    lost = -usage.day_pnl
    if limits.daily_loss_limit is not None and lost >= limits.daily_loss_limit:
        rule = f"You have lost {plain(lost)} USD today (UTC); the limit is {plain(limits.daily_loss_limit)}."
        raise _over("DAILY_LOSS_LIMIT", "Daily loss limit reached", rule, "Wait until 0:00 UTC, or raise the limit.")
    if stake.usd is None:
        rule = "A limit is set in dollars, and this quote asset has no dollar price at the moment."
        raise _over("RISK_VALUE_UNKNOWN", "Order cannot be valued", rule, "Trade a pair priced in a dollar coin.")
    if limits.max_order_value is not None and stake.usd > limits.max_order_value:
        rule = f"The order is worth {plain(stake.usd)} USD; the limit is {plain(limits.max_order_value)}."
        raise _over("MAX_ORDER_VALUE", "Order above your limit", rule, "Reduce the size, or raise the limit.")
    after = usage.open_exposure + stake.usd
    if limits.max_open_exposure is not None and after > limits.max_open_exposure:
        rule = (
            f"{plain(usage.open_exposure)} USD are open, with this order {plain(after)}; "
            f"the limit is {plain(limits.max_open_exposure)}."
        )
        raise _over("MAX_OPEN_EXPOSURE", "Exposure above your limit", rule, "Reduce the size, or close something.")


def _over(code: str, title: str, rule: str, fix: str) -> Refused:
    return Refused(code=code, title=title, field="size", rule=rule, fix=fix, status=_FORBIDDEN)


def _least(values: Sequence[Decimal | None]) -> Decimal | None:
    return min((value for value in values if value is not None), default=None)
