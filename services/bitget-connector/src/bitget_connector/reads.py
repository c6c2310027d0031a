"""Questions about an account: open orders with the plans among them, trades, balances, what a key may do."""

from bitget_connector import pages
from bitget_connector.classic_frames import AccountInfo
from bitget_connector.family import CLASSIC, UNIFIED, Family
from bitget_connector.finding import Finder, unique
from bitget_connector.memory import Memory
from bitget_connector.refusals import UNIFIED_ON_CLASSIC
from bitget_connector.replies import parse, value_of
from bitget_connector.rows import OrderRow, PlanRow, PlanStatus, TradeRow
from bitget_connector.translate import balances, plan_snapshot, snapshot, trade_fact
from common.accounts import BalanceChanged
from common.connector.calls import then
from common.connector.ports import Call, KeyCheck, Rejected, Reply, Unknown
from common.errors import ErrorCategory
from common.orders import OrderFilled, OrderSnapshot

Snapshots = tuple[OrderSnapshot, ...] | Rejected | Unknown
Plans = tuple[PlanRow, ...] | Rejected | Unknown
Trades = tuple[OrderFilled, ...] | Rejected | Unknown
KeyAnswer = KeyCheck | Rejected | Unknown
_TRADES_SPOT = "stow"
_WITHDRAWS = "wwow"


def open_orders(words: Family, memory: Memory, account_id: str, symbol: str | None) -> Call[Snapshots]:
    """Waiting plans and open orders, each child under the name of its plan."""
    finder = Finder(words, memory, account_id)

    def of_plans(plans: Plans, now_ms: int) -> Snapshots | Call[Snapshots]:
        if isinstance(plans, Rejected | Unknown):
            return plans
        finder.learn(plans)
        if not words.takes_presets:
            return of_orders(plans)
        presets = pages.everything(lambda older: words.presets(symbol, older), words.read_presets)
        return then(presets, lambda more, now_ms: of_presets(plans, more))

    def of_presets(plans: tuple[PlanRow, ...], presets: Plans) -> Snapshots | Call[Snapshots]:
        if isinstance(presets, Rejected | Unknown):
            return presets
        return of_orders((*plans, *(memory.named(account_id, preset) for preset in presets)))

    def of_orders(plans: tuple[PlanRow, ...]) -> Call[Snapshots]:
        def listed(rows: tuple[OrderRow, ...] | Rejected | Unknown, now_ms: int) -> Snapshots | Call[Snapshots]:
            waiting = (plan for plan in plans if plan.status in {PlanStatus.ARMED, PlanStatus.FIRING})
            return _named(finder, tuple(plan_snapshot(plan, account_id, now_ms) for plan in waiting), rows, now_ms)

        return then(pages.everything(lambda older: words.open_orders(symbol, older), words.read_orders), listed)

    return then(pages.everything(lambda older: words.open_plans(symbol, older), words.read_plans), of_plans)


def _named(
    finder: Finder, waiting: tuple[OrderSnapshot, ...], rows: tuple[OrderRow, ...] | Rejected | Unknown, now_ms: int
) -> Snapshots | Call[Snapshots]:
    """Every row under its name; behind a name that may be a plan's number, the plan is looked up first."""
    if isinstance(rows, Rejected | Unknown):
        return rows
    shown = []
    for row in rows:
        name = finder.memory.name_of(finder.account_id, row.order_id, row.client_oid)
        if name is None:
            return then(
                finder.plan_named(row.symbol, row.client_oid),
                lambda plan, now_ms: (
                    plan if isinstance(plan, Rejected | Unknown) else _named(finder, waiting, rows, now_ms)
                ),
            )
        finder.learned(row, name)
        shown.append(snapshot(row, name, finder.account_id, now_ms))
    return unique((*waiting, *shown))


def my_trades(
    words: Family, memory: Memory, account_id: str, symbol: str, *, since_ms: int | None, exchange_order_id: str | None
) -> Call[Trades]:
    """Trades, oldest first, with fees; under the order's name where it is known."""

    def told(rows: tuple[TradeRow, ...] | Rejected | Unknown, now_ms: int) -> Trades:
        if isinstance(rows, Rejected | Unknown):
            return rows
        facts = [trade_fact(row, account_id, now_ms, name=memory.order_name(account_id, row.order_id)) for row in rows]
        return tuple(sorted(facts, key=lambda fact: (fact.ts_event_ms, fact.trade_id or "")))

    return then(
        pages.everything(
            lambda older: words.trades(symbol, since_ms=since_ms, order_id=exchange_order_id, older=older),
            words.read_trades,
        ),
        told,
    )


def account_balances(words: Family, account_id: str) -> Call[BalanceChanged | Rejected | Unknown]:
    """All balances of the account."""
    return Call(
        words.balances(),
        lambda reply, now_ms: value_of(
            reply, lambda data: balances(words.read_balances(data), account_id, now_ms, now_ms)
        ),
    )


def check_key() -> Call[KeyAnswer]:
    """What the key may do: in a Classic account it is told, in a unified one only that the key works."""

    def read(reply: Reply, now_ms: int) -> KeyAnswer | Call[KeyAnswer]:
        answer = value_of(reply, lambda data: key_of(parse(data, AccountInfo)))
        if isinstance(answer, Rejected) and answer.code == UNIFIED_ON_CLASSIC:
            return _check_unified()
        return _denied(answer)

    return Call(CLASSIC.account(), read)


def _check_unified() -> Call[KeyAnswer]:
    def read(reply: Reply, now_ms: int) -> KeyAnswer:
        answer = value_of(reply, UNIFIED.read_balances)
        if isinstance(answer, Rejected | Unknown):
            return _denied(answer)
        return KeyCheck(ok=True, can_trade=True, account_kind=UNIFIED.kind)

    return Call(UNIFIED.account(), read)


def key_of(body: AccountInfo) -> KeyCheck:
    """The key's permissions, by Bitget's codes: `stow` places spot orders, `wwow` withdraws."""
    can_trade = _TRADES_SPOT in body.authorities
    return KeyCheck(
        ok=can_trade,
        can_trade=can_trade,
        can_withdraw=_WITHDRAWS in body.authorities,
        account_kind=CLASSIC.kind,
        problem=None if can_trade else "the key may not trade spot: enable spot orders for it",
    )


def _denied(answer: KeyAnswer) -> KeyAnswer:
    if isinstance(answer, Rejected) and answer.category in {ErrorCategory.AUTH, ErrorCategory.PERMISSION}:
        problem = f"the exchange refuses the key ({answer.code}): wrong key or passphrase, or address not allowed"
        return KeyCheck(ok=False, can_trade=False, problem=problem)
    return answer
