"""Errors of the public surface: problem+json with the spec's message as title, and what became of the order."""

import http
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from common.errors import ErrorCategory, Refused, Unavailable
from common.service.problems import Problem, problem_response
from gateway.trading import refusals
from gateway.trading.progress import Refusal

TYPE_PREFIX: Final = "/problems/"
_MALFORMED: Final = "MALFORMED_JSON"
RETRY_AFTER_MS: Final = 1_000
"""For whoever has too much under way: requests are answered, or given up, within seconds."""


class Outcome(StrEnum):
    """What became of what was asked."""

    NOT_SENT = "not_sent"
    """Nothing left for the exchange, and nothing is kept."""
    REJECTED = "rejected"
    """The exchange refused it."""
    UNKNOWN = "unknown"
    """It may have been sent; the operation tells when it is settled."""


class GatewayProblem(Problem):
    """A problem as frontends read it."""

    outcome: Outcome = Outcome.NOT_SENT
    exchangeCode: str | None = None  # noqa: N815 - as the API spells its fields.
    """The exchange's own code, where it was the exchange that refused."""


class Meaning:
    """How a refusal of the exchange is shown: the spec's message, the status, whether the same again may work."""

    def __init__(self, title: str, status: int, fix: str, *, retryable: bool = False) -> None:
        self.title = title
        self.status = status
        self.fix = fix
        self.retryable = retryable


_RULES = "Check the symbol's steps and minimum: size, price and value of the order."
_LATER = "Repeat the request in a moment."

MEANINGS: Final[Mapping[ErrorCategory, Meaning]] = MappingProxyType(
    {
        ErrorCategory.INSUFFICIENT_BALANCE: Meaning(
            refusals.INSUFFICIENT_BALANCE, 400, "Reduce sizePct or check the balance."
        ),
        ErrorCategory.FILTER: Meaning("Order breaks a rule of the symbol", 400, _RULES),
        ErrorCategory.PRICE_RELATION: Meaning(
            "Price on the wrong side of the market", 400, "Compare the prices with the market and send it again."
        ),
        ErrorCategory.TOO_MANY_ORDERS: Meaning("Too many open orders", 409, "Cancel some orders of the symbol first."),
        ErrorCategory.DUPLICATE_ID: Meaning("Order exists already", 409, "Look it up in GET /exchanges/open-orders."),
        ErrorCategory.NOT_FOUND: Meaning("Order not found", 404, "List GET /exchanges/open-orders."),
        ErrorCategory.ALREADY_CLOSED: Meaning("Order is closed already", 409, "See GET /exchanges/trades."),
        ErrorCategory.RATE_LIMITED: Meaning("Too many requests", 429, _LATER, retryable=True),
        ErrorCategory.CLOCK: Meaning("Exchange clock out of step", 503, _LATER, retryable=True),
        ErrorCategory.AUTH: Meaning(refusals.SIGNATURE_FAILED, 401, "Check that the stored API keys are correct."),
        ErrorCategory.PERMISSION: Meaning("API key lacks permission", 403, "Allow spot trading for the key."),
        ErrorCategory.MARKET_CLOSED: Meaning("Market is closed", 409, "Wait until the symbol trades again."),
        ErrorCategory.INVALID_SYMBOL: Meaning("Unknown symbol", 400, "Write a symbol the exchange lists, as BTCUSDT."),
        ErrorCategory.BAD_REQUEST: Meaning("Order refused by the exchange", 400, "Correct what the detail names."),
        ErrorCategory.EXPIRED: Meaning("Order not sent in time", 503, _LATER, retryable=True),
        ErrorCategory.EXCHANGE_DOWN: Meaning("Exchange is down", 503, _LATER, retryable=True),
        ErrorCategory.UNCLASSIFIED: Meaning(
            "Order refused by the exchange", 502, "See the exchange's code and reason."
        ),
    }
)


def refusal_problem(refusal: Refusal) -> GatewayProblem:
    """A refusal by the exchange, or by the order-engine before anything was sent."""
    if refusal.category is None:
        return GatewayProblem(
            type=TYPE_PREFIX + "order-denied",
            title="Order denied",
            status=409,
            detail=refusal.reason or "The order was not sent.",
            code=(refusal.code or "order_denied").upper(),
            rule=refusal.reason,
            fix="Correct what the rule names and send a new request.",
        )
    meaning = MEANINGS[refusal.category]
    return GatewayProblem(
        type=TYPE_PREFIX + refusal.category.value.replace("_", "-"),
        title=meaning.title,
        status=meaning.status,
        detail=refusal.reason or meaning.title,
        code=refusal.code or refusal.category.value.upper(),
        exchangeCode=refusal.code,
        rule=refusal.reason,
        fix=meaning.fix,
        retryable=meaning.retryable,
        outcome=Outcome.REJECTED,
    )


def install(app: FastAPI) -> None:
    """Let every error of the public surface leave as a GatewayProblem; the unforeseen keep the common handler."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def refused_problem(error: Refused) -> GatewayProblem:
    """A request that breaks a rule."""
    return GatewayProblem(
        type=TYPE_PREFIX + error.code.lower().replace("_", "-"),
        title=error.title,
        status=error.status,
        detail=f"{error.rule} {error.fix}",
        code=error.code,
        field=error.field,
        rule=error.rule,
        fix=error.fix,
        retryable=error.status in {429, 503},
    )


def body_too_large(most_bytes: int) -> GatewayProblem:
    """A body above the bound."""
    rule = f"A request body has at most {most_bytes} bytes."
    return GatewayProblem(
        type=TYPE_PREFIX + "body-too-large",
        title="Body too large",
        status=413,
        detail=rule,
        code="BODY_TOO_LARGE",
        rule=rule,
        fix="Send a smaller body.",
    )


async def _refused(_: Request, error: Any) -> JSONResponse:
    return refused_response(error)


def refused_response(error: Refused) -> JSONResponse:
    """A refusal as it leaves, saying when to come back where waiting mends it."""
    retry_after_s = -(-(error.retry_after_ms or RETRY_AFTER_MS) // 1000)
    headers = {401: {"www-authenticate": "Bearer"}, 429: {"retry-after": str(retry_after_s)}}.get(error.status, {})
    return problem_response(refused_problem(error), **headers)


async def _unavailable(_: Request, error: Any) -> JSONResponse:
    retry_after_s = max(1, -(-error.retry_after_ms // 1000))
    return problem_response(unavailable_problem(error), **{"retry-after": str(retry_after_s)})


def unavailable_problem(error: Unavailable) -> GatewayProblem:
    """Something we depend on does not answer."""
    return GatewayProblem(
        type=TYPE_PREFIX + "unavailable",
        title="Try again in a moment",
        status=503,
        detail=str(error),
        code="UNAVAILABLE",
        fix="Repeat the request, with the same Idempotency-Key if it trades.",
        retryable=True,
        outcome=Outcome.UNKNOWN,
    )


async def _invalid(_: Request, error: Any) -> JSONResponse:
    first = error.errors()[0]
    place, *path = [str(part) for part in first["loc"]] or ["body"]
    return problem_response(invalid_problem(first, place, ".".join(path) or place))


def invalid_problem(error: Mapping[str, Any], place: str, field: str) -> GatewayProblem:
    """A request of the wrong shape; no value is repeated, because it may be a secret."""
    code, rule, fix = _fault(error, place, field)
    if (place, field, error["type"]) == ("query", "exchange", "missing"):
        title = refusals.EXCHANGE_REQUIRED
    else:
        title = "Malformed JSON" if code == _MALFORMED else "Invalid request"
    return GatewayProblem(
        type=TYPE_PREFIX + code.lower().replace("_", "-"),
        title=title,
        status=400,
        detail=f"{rule} {fix}",
        code=code,
        field=place if code == _MALFORMED else field,
        rule=rule,
        fix=fix,
    )


def _fault(error: Mapping[str, Any], place: str, field: str) -> tuple[str, str, str]:
    """The code, the rule, and what would mend it."""
    match error["type"]:
        case "json_invalid":  # The place is the body, and instead of a field there is a position in it.
            return (
                _MALFORMED,
                f"The body is a JSON document; this one is none from character {field} on.",
                "Correct it.",
            )
        case "extra_forbidden":
            rule = "The API knows no field of this name."
            return "UNKNOWN_FIELD", rule, f"Leave {field} out; /api-docs has the names of all fields."
        case "missing" | "model_attributes_type" if field == place:
            fix = "Send its fields as a JSON object, with Content-Type: application/json."
            return "INVALID_FIELD", "The request has a body, which is a JSON object.", fix
        case "missing":
            return "INVALID_FIELD", f"{field} is required.", f"Add {field} to the {place}."
        case _:
            fix = f"Correct {field} in the {place} and send the request again."
            return "INVALID_FIELD", _sentence(str(error["msg"])), fix


def _sentence(message: str) -> str:
    said = message.removeprefix("Value error, ").rstrip(".")
    return f"{said[:1].upper()}{said[1:]}."


async def _http(_: Request, error: Any) -> JSONResponse:
    phrase = http.HTTPStatus(error.status_code).phrase
    code = phrase.upper().replace(" ", "_").replace("-", "_")
    headers = error.headers or {}
    methods = headers.get("Allow")
    fix = f"Use {methods}, or look the path up in /api-docs." if methods else "Look the path up in /api-docs."
    problem = GatewayProblem(
        type=TYPE_PREFIX + code.lower().replace("_", "-"),
        title=phrase,
        status=error.status_code,
        detail=f"{error.detail}. {fix}",
        code=code,
        fix=fix,
    )
    return problem_response(problem, **headers)
