"""One line of the translator tools: what is asked, and how an answer is said."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import orjson

from common.codec import encode
from common.connector.ports import Rejected, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderRejected, OrderUnknown
from mexc_connector.bodies import Reader

Line = dict[str, Any]


class Context(msgspec.Struct, frozen=True):
    """What the bytes do not say."""

    account_id: str | None = None
    ts_init_ms: int = 0
    symbol: str | None = None
    interval: str | None = None
    operation: Literal["submit", "cancel", "query"] = "submit"
    client_order_id: str | None = None
    headers: dict[str, str] = {}


class Payload(msgspec.Struct, frozen=True):
    """A JSON value and its bytes, and what is known beside them."""

    body: bytes
    value: Any
    context: Context
    status: int | None = None

    @property
    def reader(self) -> Reader:
        """Reads order objects as this line's account."""
        return Reader(self.context.account_id or "unknown", self.context.ts_init_ms)

    def within(self, value: Any, status: int | None = None) -> "Payload":
        """A part of this payload."""
        return Payload(dumped(value), value, self.context, status)


def dumped(value: Any) -> bytes:
    """A part that was parsed already, as bytes again. Raises UnreadableFrame for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise UnreadableFrame(f"raw: {error}") from error


def failure(reason: str) -> Line:
    """A line nobody can read."""
    return {"facts": [], "error": reason}


def ignored(reason: str, kind: str = "ignored") -> Line:
    """A line that is understood, and tells no fact."""
    return {"facts": [], "outcome": outcome_of(kind), "ignored": reason}


def told(kind: str, facts: Iterable[Any]) -> Line:
    """A line with its facts."""
    return {"facts": [orjson.loads(encode(fact)) for fact in facts], "outcome": outcome_of(kind)}


def named(kind: str, values: Iterable[Any]) -> Line:
    """What is read and is no fact of a topic, each under a name of its kind."""
    facts = [{"type": kind, **orjson.loads(encode(value))} for value in values]
    return {"facts": facts, "outcome": outcome_of("read")}


def joined(parts: Iterable[Line]) -> Line:
    """Several answers in one line: their facts in order, and every outcome where they differ."""
    parts = list(parts)
    outcomes = [part["outcome"] for part in parts] or [outcome_of("read")]
    line: Line = {"facts": [fact for part in parts for fact in part["facts"]], "outcome": outcomes[-1]}
    if any(outcome != outcomes[-1] for outcome in outcomes):
        line["outcomes"] = outcomes
    reasons = [part["ignored"] for part in parts if "ignored" in part]
    if reasons and not line["facts"]:
        line["ignored"] = reasons[0]
    return line


def refused(outcome: Rejected | Unknown, context: Context) -> Line:
    """A failure by the allowlist; with `context.client_order_id` and `symbol` also the fact a connector would tell."""
    common: dict[str, Any] = {
        "account_id": context.account_id or "unknown",
        "exchange": Exchange.MEXC,
        "symbol": context.symbol,
        "client_order_id": context.client_order_id,
        "ts_event_ms": context.ts_init_ms,
        "ts_init_ms": context.ts_init_ms,
        "code": outcome.code,
        "reason": outcome.reason,
    }
    is_named = context.symbol is not None and context.client_order_id is not None
    if isinstance(outcome, Unknown):
        facts = (OrderUnknown(**common, operation=context.operation),) if is_named else ()
        return {**told("unknown", facts), "outcome": outcome_of("unknown", outcome.code, None, "after_query")}
    tells = is_named and context.operation == "submit"
    line = told("rejected", (OrderRejected(**common, category=outcome.category),) if tells else ())
    line["outcome"] = outcome_of("rejected", outcome.code, outcome.category, retry_of(outcome))
    if outcome.retry_after_ms is not None:
        line["outcome"]["retry_after_ms"] = outcome.retry_after_ms
    return line


def outcome_of(kind: str, code: str | None = None, category: str | None = None, retry: str | None = None) -> Line:
    """How a line ended, in the words of the contract."""
    return {"kind": kind, "code": code, "category": None if category is None else str(category), "retry": retry}


def retry_of(outcome: Rejected) -> str:
    """What must come before another attempt, if anything makes one worth while."""
    match outcome.category:
        case ErrorCategory.RATE_LIMITED | ErrorCategory.EXCHANGE_DOWN | ErrorCategory.MARKET_CLOSED:
            return "after_wait"
        case ErrorCategory.CLOCK:
            return "after_clock_sync"
        case ErrorCategory.NOT_FOUND | ErrorCategory.DUPLICATE_ID | ErrorCategory.ALREADY_CLOSED:
            return "after_query"
        case _:
            return "never"
