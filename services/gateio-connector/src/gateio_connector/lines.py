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
from gateio_connector.orders import Reader

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
    """Bytes, what they hold as JSON, and what is known beside them."""

    body: bytes
    value: Any
    context: Context

    @property
    def reader(self) -> Reader:
        """Reads rows as this line's account."""
        return Reader(self.context.account_id or "unknown", self.context.ts_init_ms)


def dumped(value: Any) -> bytes:
    """JSON that was parsed already, as bytes again. Raises UnreadableFrame for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise UnreadableFrame(f"raw: {error}") from error


def failure(reason: str) -> Line:
    """A line nobody can read."""
    return {"facts": [], "error": reason}


def ignored(reason: str) -> Line:
    """A line that is understood, and left out on purpose."""
    return {"facts": [], "outcome": outcome_of("ignored"), "ignored": reason}


def told(kind: str, facts: Iterable[Any]) -> Line:
    """A line with its facts."""
    return {"facts": [orjson.loads(encode(fact)) for fact in facts], "outcome": outcome_of(kind)}


def tagged(name: str, values: Iterable[Any]) -> list[Line]:
    """Values that are no facts, under a name of their own."""
    return [{"type": name, **orjson.loads(encode(value))} for value in values]


def refused(outcome: Rejected | Unknown, context: Context) -> Line:
    """A failure by the allowlist; with `context.client_order_id` and `symbol` also the fact a connector would tell."""
    common: dict[str, Any] = {
        "account_id": context.account_id or "unknown",
        "exchange": Exchange.GATEIO,
        "symbol": context.symbol,
        "client_order_id": context.client_order_id,
        "ts_event_ms": context.ts_init_ms,
        "ts_init_ms": context.ts_init_ms,
        "code": outcome.code,
        "reason": outcome.reason,
    }
    named = context.symbol is not None and context.client_order_id is not None
    facts: list[Any] = []
    if isinstance(outcome, Unknown):
        if named:
            facts.append(OrderUnknown(**common, operation=context.operation))
        return {**told("unknown", facts), "outcome": outcome_of("unknown", outcome.code, None, "after_query")}
    if named and context.operation == "submit":
        facts.append(OrderRejected(**common, category=outcome.category))
    result = outcome_of("rejected", outcome.code, outcome.category, retry_of(outcome))
    if outcome.retry_after_ms is not None:
        result["retry_after_ms"] = outcome.retry_after_ms
    return {**told("rejected", facts), "outcome": result}


def outcome_of(kind: str, code: str | None = None, category: str | None = None, retry: str | None = None) -> Line:
    """How a line ended, in the words of the contract."""
    return {"kind": kind, "code": code, "category": None if category is None else str(category), "retry": retry}


def retry_of(outcome: Rejected) -> str:
    """What must come before another attempt, if anything makes one worth while."""
    match outcome.category:
        case ErrorCategory.RATE_LIMITED | ErrorCategory.EXCHANGE_DOWN:
            return "after_wait"
        case ErrorCategory.CLOCK:
            return "after_clock_sync"
        case ErrorCategory.NOT_FOUND | ErrorCategory.ALREADY_CLOSED:
            return "after_query"
        case _:
            return "never"
