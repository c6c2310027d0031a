"""Writes docs/topics.md (every topic, its messages, their fields) and docs/capabilities.md from the code.

`python -m common.reference docs/topics.md` writes one of them, by its name; with `--check` it only says whether the
file is in step.
"""

import inspect
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from common import accounts, commands, intents, market, orders, portfolio, protection
from common.bus.topics import (
    ACCOUNTS,
    BALANCE_EVENTS,
    DEAD_LETTERS,
    ORDER_EVENTS,
    ORDER_INTENTS,
    PORTFOLIO_EVENTS,
    PROTECTION_EVENTS,
    Topic,
    market_data,
    order_commands,
)
from common.exchanges import CAPABILITIES, Capabilities, Exchange, ExitStyle


class Page(NamedTuple):
    """One topic as the document shows it."""

    topic: Topic
    written_by: str
    read_by: str
    messages: tuple[type[Any], ...]


PAGES = (
    Page(ORDER_INTENTS, "gateway", "order-engine", get_args(intents.OrderIntent)),
    Page(order_commands("<exchange>"), "order-engine", "that exchange's connector", get_args(commands.Command)),
    Page(ORDER_EVENTS, "connectors, sync", "order-engine, gateway, portfolio, anyone", get_args(orders.OrderFact)),
    Page(BALANCE_EVENTS, "connectors", "gateway, order-engine", get_args(accounts.BalanceFact)),
    Page(PROTECTION_EVENTS, "order-engine", "gateway, portfolio, audit, anyone", get_args(protection.ProtectionFact)),
    Page(PORTFOLIO_EVENTS, "portfolio", "portfolio, audit, anyone", get_args(portfolio.PortfolioFact)),
    Page(market_data("<exchange>"), "connectors", "gateway, order-engine", get_args(market.MarketFact)),
    Page(ACCOUNTS, "credentials-vault", "connectors, sync, gateway, portfolio", (accounts.AccountChanged,)),
    Page(DEAD_LETTERS, "all", "operators", ()),
)

TOPICS_HEAD = """# Topics

Generated from the code by `python -m common.reference docs/topics.md`; `make check` keeps it in step.

Values are JSON; numbers are decimal strings, times are integer milliseconds, absent is null. Headers are CloudEvents
1.0 in binary mode (`ce_id`, `ce_type`, `ce_source`, `ce_time`, `ce_specversion`, `content-type`) plus `correlationid`
(the intent), `causationid` (the `ce_id` of the message that led here), `traceparent`, and `redelivery: true` on what a
relay publishes again. `ce_type` equals the value's `type` field.
"""


def topics() -> str:
    """Every topic, as Markdown."""
    return TOPICS_HEAD + "".join(_section(page) for page in PAGES)


def _section(page: Page) -> str:
    kept = ", compacted" if page.topic.compacted else ", kept for ever" if page.topic.history else ""
    head = (
        f"\n## `{page.topic.name}`\n\nKey: `{page.topic.key}`{kept}. "
        f"Written by: {page.written_by}. Read by: {page.read_by}.\n"
    )
    if not page.messages:
        return head + (
            "\nA record that could not be handled, under its own key: `service`, `reason`, `topic`, `partition`, "
            "`offset`, `timestamp_ms`, `key`, `headers`, `value_base64`.\n"
        )
    shared = _shared_fields(page.messages)
    lines = [head, "\nEvery message has: ", ", ".join(f"`{name}`" for name in ("type", *shared)), ".\n"]
    lines += ["\n| `type` | Meaning | Fields of its own |\n|---|---|---|\n"]
    lines += [_row(message, shared) for message in page.messages]
    return "".join(lines)


def _shared_fields(messages: tuple[type[Any], ...]) -> tuple[str, ...]:
    first, *others = [[field.name for field in msgspec.structs.fields(message)] for message in messages]
    return tuple(name for name in first if all(name in names for names in others))


def _row(message: type[Any], shared: tuple[str, ...]) -> str:
    own = [field for field in msgspec.structs.fields(message) if field.name not in shared]
    fields = ", ".join(f"`{field.name}`" for field in own)
    meaning = inspect.cleandoc(message.__doc__ or "").replace("\n\n", " ").replace("\n", " ")
    return f"| `{orders.type_of_class(message)}` | {meaning} | {fields or '–'} |\n"


CAPABILITIES_HEAD = """# What each exchange can do for a stop

Generated from `common.exchanges` by `python -m common.reference docs/capabilities.md`; `make check` keeps it in step.
The planner chooses the kind of exit from this table and nothing else.

"""

TITLES = {Exchange.BINANCE: "Binance", Exchange.BITGET: "Bitget", Exchange.GATEIO: "Gate.io", Exchange.MEXC: "MEXC"}
STYLES = {
    ExitStyle.OCO: "native OCO list: the exchange ends one leg when the other executes",
    ExitStyle.TRIGGER_PAIR: "two trigger orders of one quantity: the engine cancels the partner of the one that fires",
    ExitStyle.HELD_STOP: "resting take-profit; the engine watches the price, cancels it and sells at market",
    ExitStyle.SHARED_STOP: "a trigger order per target, one stop for them all, placed anew for less when one fires",
    ExitStyle.PRESET: "one target and one stop that a market order brings along and the exchange places itself",
}


def capabilities() -> str:
    """The capability table of all exchanges, as Markdown."""
    known = [CAPABILITIES[exchange] for exchange in TITLES]
    head = "| | " + " | ".join(TITLES.values()) + " |\n|---|" + "---|" * len(TITLES) + "\n"
    rows = {"An exit pair": lambda each: STYLES[each.exit_style], **dict(ROWS.values())}
    return (
        CAPABILITIES_HEAD
        + head
        + "".join(f"| {name} | " + " | ".join(cell(each) for each in known) + " |\n" for name, cell in rows.items())
    )


Cell = Callable[[Capabilities], str]


def _yes(value: bool | None) -> str:
    return "not documented" if value is None else "yes" if value else "no"


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f} %"


def _stop_waits(each: Capabilities) -> str:
    return f"in the engine, because {each.why_engine_held}" if each.why_engine_held else "on the exchange"


def _other_styles(each: Capabilities) -> str:
    return "; ".join(f"`{style}`: {STYLES[style]}" for style in each.other_exit_styles) or "none"


def _lifetime(each: Capabilities) -> str:
    if not each.trigger_orders:
        return "no such orders"
    days = each.trigger_lifetime_ms // 86_400_000
    return f"{days} days, and are renewed before that" if days else "until they are cancelled"


def _slippage(each: Capabilities) -> str:
    limited = any(kind.value.endswith("_LIMIT") for kind in (*each.take_profit_types, *each.stop_loss_types))
    return _percent(each.exit_slippage_pct) if limited else "no such leg"


def _levels(each: Capabilities) -> str:
    return ", ".join(f"+{_percent(pct)} ({_percent(share * 100)})" for pct, share in each.default_take_profits)


ROWS: Mapping[str, tuple[str, Cell]] = {
    "other_exit_styles": ("Can be chosen instead", _other_styles),
    "why_engine_held": ("A stop waits", _stop_waits),
    "trigger_lifetime_ms": ("Triggers wait", _lifetime),
    "native_oco": ("Native OCO", lambda each: _yes(each.native_oco)),
    "trigger_orders": ("Trigger orders", lambda each: _yes(each.trigger_orders)),
    "triggers_lock_balance": ("Waiting triggers lock the balance", lambda each: _yes(each.triggers_lock_balance)),
    "trigger_client_ids": ("Triggers carry our id", lambda each: _yes(each.trigger_client_ids)),
    "amend": ("Waiting orders can be amended", lambda each: _yes(each.amend)),
    "take_profit_types": ("A take-profit may be (first: default)", lambda each: ", ".join(each.take_profit_types)),
    "stop_loss_types": ("A stop may be (first: default)", lambda each: ", ".join(each.stop_loss_types)),
    "exit_slippage_pct": ("A limit leg lies beneath its trigger by", _slippage),
    "max_algo_orders": (
        "Waiting orders on one symbol, where the symbol does not say",
        lambda each: str(each.max_algo_orders or "not published"),
    ),
    "client_order_id_pattern": ("Client order id", lambda each: f"`{each.client_order_id_pattern}`"),
    "client_order_id_max_length": ("Its greatest length", lambda each: str(each.client_order_id_max_length)),
    "default_take_profits": ("Take-profits by default (share)", _levels),
    "default_stop_loss_pct": ("Stop by default", lambda each: f"-{_percent(each.default_stop_loss_pct)}"),
}
"""By field of `Capabilities`: what the row is called, and how the field is shown."""

DOCUMENTS: Mapping[str, Callable[[], str]] = {"topics.md": topics, "capabilities.md": capabilities}


def main() -> None:
    """Write the document that the path names, or check it."""
    check = "--check" in sys.argv
    path = Path(next((each for each in sys.argv[1:] if not each.startswith("-")), ""))
    if path.name not in DOCUMENTS:
        sys.exit(f"name one of {', '.join(DOCUMENTS)}, with its folder")
    text = DOCUMENTS[path.name]()
    if not check:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit(f"{path} is out of step with the code: run python -m common.reference {path}")


if __name__ == "__main__":
    main()
