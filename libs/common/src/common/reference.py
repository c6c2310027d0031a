"""Writes docs/topics.md from the code: every topic, its messages and their fields.

`python -m common.reference docs/topics.md` writes it; with `--check` it only says whether the file is in step.
"""

import inspect
import sys
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from common import accounts, commands, intents, market, orders, protection
from common.bus.topics import (
    ACCOUNTS,
    BALANCE_EVENTS,
    DEAD_LETTERS,
    ORDER_EVENTS,
    ORDER_INTENTS,
    PROTECTION_EVENTS,
    Topic,
    market_data,
    order_commands,
)


class Page(NamedTuple):
    """One topic as the document shows it."""

    topic: Topic
    written_by: str
    read_by: str
    messages: tuple[type[Any], ...]


PAGES = (
    Page(ORDER_INTENTS, "gateway", "order-engine", get_args(intents.OrderIntent)),
    Page(order_commands("<exchange>"), "order-engine", "that exchange's connector", get_args(commands.Command)),
    Page(ORDER_EVENTS, "connectors, sync", "order-engine, gateway, anyone", get_args(orders.OrderFact)),
    Page(BALANCE_EVENTS, "connectors", "gateway, order-engine", get_args(accounts.BalanceFact)),
    Page(PROTECTION_EVENTS, "order-engine", "gateway, audit, anyone", get_args(protection.ProtectionFact)),
    Page(market_data("<exchange>"), "connectors", "gateway, order-engine", get_args(market.MarketFact)),
    Page(ACCOUNTS, "credentials-vault", "connectors, sync, gateway", (accounts.AccountChanged,)),
    Page(DEAD_LETTERS, "all", "operators", ()),
)

HEAD = """# Topics

Generated from the code by `python -m common.reference docs/topics.md`; `make check` keeps it in step.

Values are JSON; numbers are decimal strings, times are integer milliseconds, absent is null. Headers are CloudEvents
1.0 in binary mode (`ce_id`, `ce_type`, `ce_source`, `ce_time`, `ce_specversion`, `content-type`) plus `correlationid`
(the intent), `causationid` (the `ce_id` of the message that led here), `traceparent`, and `redelivery: true` on what a
relay publishes again. `ce_type` equals the value's `type` field.
"""


def document() -> str:
    """The whole page as Markdown."""
    return HEAD + "".join(_section(page) for page in PAGES)


def _section(page: Page) -> str:
    compacted = ", compacted" if page.topic.compacted else ""
    head = (
        f"\n## `{page.topic.name}`\n\nKey: `{page.topic.key}`{compacted}. "
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


def main() -> None:
    """Write the document, or check it."""
    path, check = Path(sys.argv[1]), "--check" in sys.argv
    text = document()
    if not check:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        sys.exit(f"{path} is out of step with the code: run python -m common.reference {path}")


if __name__ == "__main__":
    main()
