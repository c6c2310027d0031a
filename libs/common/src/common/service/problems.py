"""Errors as problem+json (RFC 9457): what was wrong, by which rule, and what would mend it."""

import http
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from common.errors import Refused, Unavailable

MEDIA_TYPE: Final = "application/problem+json"

_log = structlog.get_logger(__name__)


def _request_id() -> str | None:
    return structlog.contextvars.get_contextvars().get("request_id")


class Problem(BaseModel):
    """A problem document. `field`, `rule` and `fix` say what to change; `retryable`: the same again may work."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    rule: str | None = None
    fix: str | None = None
    retryable: bool = False
    requestId: str | None = Field(default_factory=_request_id)  # noqa: N815 - as the API spells its fields.
    """Under which the request stands in the log of a service that gives out ids."""


def problem_response(problem: Problem, **headers: str) -> JSONResponse:
    """The document as an answer."""
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )


def install_problem_handlers(app: FastAPI) -> None:
    """Every error of this app leaves as problem+json, the unforeseen without their text."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


async def _refused(_: Request, error: Any) -> JSONResponse:
    return problem_response(
        Problem(
            title=error.title,
            status=error.status,
            detail=f"{error.rule} {error.fix}".strip(),
            code=error.code,
            field=error.field,
            rule=error.rule,
            fix=error.fix,
        )
    )


async def _unavailable(_: Request, error: Any) -> JSONResponse:
    retry_after_s = max(1, -(-error.retry_after_ms // 1000))
    problem = Problem(
        title="Try again in a moment",
        status=503,
        detail=str(error),
        code="UNAVAILABLE",
        fix=f"Repeat the request after {error.retry_after_ms} ms.",
        retryable=True,
    )
    return problem_response(problem, **{"retry-after": str(retry_after_s)})


async def _invalid(_: Request, error: Any) -> JSONResponse:
    """The first field at fault; its value is not repeated, because it may be a secret."""
    first = error.errors()[0]
    # The first part says where the field was looked for: body, query, path or header.
    place, *path = [str(part) for part in first["loc"]] or ["body"]
    field = ".".join(path) or place
    malformed = first["type"] == "json_invalid"
    return problem_response(
        Problem(
            title="Malformed JSON" if malformed else "Invalid request",
            status=400 if malformed else 422,
            detail=f"{field}: {first['msg']}",
            code="MALFORMED_JSON" if malformed else "INVALID_FIELD",
            field=field,
            rule=first["msg"],
            fix="Send a JSON document." if malformed else f"Correct {field} in the {place} and send the request again.",
        )
    )


async def _http(_: Request, error: Any) -> JSONResponse:
    phrase = http.HTTPStatus(error.status_code).phrase
    problem = Problem(
        title=phrase, status=error.status_code, detail=str(error.detail), code=phrase.upper().replace(" ", "_")
    )
    return problem_response(problem, **(error.headers or {}))


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    _log.error("unforeseen_error", path=request.url.path, exc_info=error)
    return problem_response(
        Problem(
            title="Internal error",
            status=500,
            detail="The request was understood but a defect kept it from being answered; it is in our log.",
            code="INTERNAL_ERROR",
        )
    )
