"""Replies to outcomes: Accepted with facts, Rejected where a code proves it, Unknown for all the rest.

Every 5xx is unknown, whatever it says: the exchange documents that its execution status is. So are the bodies of
proxies and firewalls (HTML under 403, 410 and 5xx), and every code that is not on the allowlist of `refusals`.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from binance_connector.bodies import Reader
from binance_connector.frames import AmendBody, CancelReplaceBody, ErrorBody, OrderBody, OrderListBody
from binance_connector.refusals import category_of
from common.connector.bodies import parse, read, retry_after_ms
from common.connector.ports import Accepted, Outcome, Rejected, Reply, Unknown
from common.errors import ErrorCategory, UnreadableFrame
from common.orders import OrderFact

T = TypeVar("T")

PARTIAL_REPLACE = -2021
FAILED_REPLACE = -2022
TOO_MANY_REQUESTS = 429
BANNED = 418


class Shape(msgspec.Struct, frozen=True, rename="camel"):
    """As much of an order body as tells what it is."""

    contingency_type: str | None = None
    status: str | None = None
    orig_client_order_id: str | None = None
    is_working: bool | None = None


def refusal(reply: Reply) -> Rejected | Unknown | None:
    """What a reply refuses, or that nobody knows; None where it is a success."""
    if reply.status == 200:
        return None
    if reply.status >= 500:
        return Unknown(code=_code_of(reply) or f"http-{reply.status}", reason="the exchange failed on its side")
    try:
        error = parse(reply.body, ErrorBody)
    except UnreadableFrame:
        if reply.status in {TOO_MANY_REQUESTS, BANNED}:  # Documented: refused before anything was read.
            return Rejected(
                ErrorCategory.RATE_LIMITED, f"http-{reply.status}", "rate limit", retry_after_ms=retry_after_ms(reply)
            )
        return Unknown(code=f"http-{reply.status}", reason="an answer that is not the API's")
    return judged(error, reply)


def judged(error: ErrorBody, reply: Reply) -> Rejected | Unknown:
    """An error body by the allowlist."""
    category = category_of(error.code, error.msg, reply.status)
    if category is None:
        return Unknown(code=str(error.code), reason=error.msg)
    return Rejected(category, str(error.code), error.msg, retry_after_ms=retry_after_ms(reply))


def _code_of(reply: Reply) -> str | None:
    try:
        return str(parse(reply.body, ErrorBody).code)
    except UnreadableFrame:
        return None


def outcome_of(reply: Reply, facts: Callable[[bytes], tuple[OrderFact, ...]]) -> Outcome:
    """A trading reply as an outcome. A success we cannot read is Unknown: something was done, we cannot say what."""
    return read_of(reply, lambda body: Accepted(facts(body)))


def read_of(reply: Reply, value: Callable[[bytes], T]) -> T | Rejected | Unknown:
    """A reading reply as its value."""
    refused = refusal(reply)
    return read(reply.body, value) if refused is None else refused


def placed(account_id: str, reply: Reply, now_ms: int) -> Outcome:
    """The reply to a placement of one order or of a list."""
    reader = Reader(account_id, now_ms)

    def facts(body: bytes) -> tuple[OrderFact, ...]:
        if parse(body, Shape).contingency_type is not None:
            return reader.list_placed(parse(body, OrderListBody))
        return reader.placed(parse(body, OrderBody))

    return outcome_of(reply, facts)


def canceled(account_id: str, reply: Reply, now_ms: int) -> Outcome:
    """The reply to a cancel: cancelling a leg of a list answers with the whole list."""
    return outcome_of(reply, lambda body: canceled_facts(body, Reader(account_id, now_ms)))


def canceled_facts(body: bytes, reader: Reader) -> tuple[OrderFact, ...]:
    """One cancel object or list object. Raises UnreadableFrame."""
    if parse(body, Shape).contingency_type is not None:
        return reader.list_canceled(parse(body, OrderListBody))
    return reader.canceled(parse(body, OrderBody))


def all_canceled(account_id: str, reply: Reply, now_ms: int) -> Outcome:
    """The reply to a cancel of all: cancel objects and list objects mixed. Nothing open is no refusal."""
    reader = Reader(account_id, now_ms)

    def facts(body: bytes) -> tuple[OrderFact, ...]:
        return tuple(fact for raw in parse(body, list[msgspec.Raw]) for fact in canceled_facts(bytes(raw), reader))

    outcome = outcome_of(reply, facts)
    if isinstance(outcome, Rejected) and outcome.category is ErrorCategory.NOT_FOUND:
        return Accepted(())
    return outcome


def replaced(body: CancelReplaceBody, reader: Reader) -> tuple[OrderFact, ...]:
    """What a cancelReplace did, half by half; the half that failed says nothing here."""
    facts: tuple[OrderFact, ...] = ()
    if body.cancel_result == "SUCCESS":
        facts += canceled_facts(bytes(body.cancel_response), reader)
    if body.new_order_result == "SUCCESS":
        facts += reader.placed(parse(bytes(body.new_order_response), OrderBody))
    return facts


def amended(body: bytes, reader: Reader) -> tuple[OrderFact, ...]:
    """The answer to an amend. Raises UnreadableFrame."""
    return (reader.amended(parse(body, AmendBody)),)
