"""One line of `cgt translate`: what is asked, and how an answer is said."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import orjson

from common.codec import encode
from common.connector.ports import Rejected, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.exchanges import Exchange
from common.orders import OrderRejected, OrderUnknown

Line = dict[str, Any]


class Context(msgspec.Struct, frozen=True):
    """What the bytes do not say."""

    account_id: str | None = None
    ts_init_ms: int = 0
    symbol: str | None = None
    interval: str | None = None
    operation: Literal["submit", "cancel", "query"] = "submit"
    client_order_id: str | None = None
    client_order_ids: dict[str, str] = {}
    """Exchange id of an order, or of a trigger, -> client order id: for trades that name neither."""
    headers: dict[str, str] = {}

    @property
    def whose(self) -> str:
        """The account the facts are about."""
        return self.account_id or "unknown"


class LineHead(msgspec.Struct, frozen=True):
    """What a line to translate may say; `raw` is text, or JSON that is parsed already."""

    kind: str = ""
    raw: Any = None
    raw_base64: str | None = None
    http_status: int | None = None
    context: Context = Context()
    account_id: str | None = None

    @property
    def context_of_line(self) -> Context:
        """The context, with the account the line names."""
        return (
            self.context if not self.account_id else msgspec.structs.replace(self.context, account_id=self.account_id)
        )

    @property
    def body(self) -> bytes:
        """The bytes the exchange sent. Raises UnreadableFrame where the line has none."""
        if self.raw_base64 is not None:
            try:
                return base64.b64decode(self.raw_base64, validate=True)
            except (binascii.Error, ValueError) as error:
                raise UnreadableFrame("raw_base64: not base64") from error
        if isinstance(self.raw, str):
            return self.raw.encode("utf-8", "surrogatepass")
        if self.raw is None:
            raise UnreadableFrame("raw or raw_base64: one of them must be given")
        return dumped(self.raw)


def dumped(value: Any) -> bytes:
    """JSON that was parsed already, as bytes again. Raises UnreadableFrame for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise UnreadableFrame(f"raw: {error}") from error


def failure(reason: str) -> Line:
    """A line nobody can read."""
    return {"facts": [], "error": reason}


def ignored(reason: str, kind: str = "ignored") -> Line:
    """A line that is understood, and tells no fact on purpose."""
    return {"facts": [], "outcome": outcome_of(kind), "ignored": reason}


def told(kind: str, facts: Iterable[Any]) -> Line:
    """A line with its facts."""
    return {"facts": [orjson.loads(encode(fact)) for fact in facts], "outcome": outcome_of(kind)}


def answered(name: str, values: Iterable[Any]) -> Line:
    """What is read and is no fact of a topic, each value under a name of its kind."""
    facts = [{"type": name, **orjson.loads(encode(value))} for value in values]
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


def refused(outcome: Rejected | Unknown, context: Context, exchange: Exchange) -> Line:
    """A failure by the allowlist; with `context.client_order_id` and `symbol` also the fact a connector would tell."""
    common: dict[str, Any] = {
        "account_id": context.whose,
        "exchange": exchange,
        "symbol": context.symbol,
        "client_order_id": context.client_order_id,
        "ts_event_ms": context.ts_init_ms,
        "ts_init_ms": context.ts_init_ms,
        "code": outcome.code,
        "reason": outcome.reason,
    }
    named = context.symbol is not None and context.client_order_id is not None
    if isinstance(outcome, Unknown):
        unknown = (OrderUnknown(**common, operation=context.operation),) if named else ()
        return {**told("unknown", unknown), "outcome": outcome_of("unknown", outcome.code, None, "after_query")}
    # A duplicate id means that the first attempt is live: the order itself was not refused.
    tells = named and context.operation == "submit" and outcome.category is not ErrorCategory.DUPLICATE_ID
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
