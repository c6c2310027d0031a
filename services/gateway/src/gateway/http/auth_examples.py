"""The examples of the API documentation, of who calls; refusals are documented by the refusals themselves."""

from typing import Any, Final

from common.errors import Refused
from gateway.http.document import add_problem
from gateway.http.examples import example
from gateway.problems import refused_problem

TOKENS: Final = {
    "status": "Success",
    "data": {
        "user": {"id": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11", "email": "user@example.com", "role": "trader"},
        "sessionId": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "access_token": "eyJhbGciOi…",
        "refresh_token": "Zm9v…",
        "expires_in": 3600,
    },
    "access_token": "eyJhbGciOi…",
    "refresh_token": "Zm9v…",
}
DONE: Final = {"status": "Success", "data": None}
ME: Final = {
    "status": "Success",
    "data": {
        "id": "5f0c7f0e-6f0a-4b6e-9d0e-0f2d8c1b7a11",
        "email": "user@example.com",
        "role": "trader",
        "scopes": ["admin", "credentials", "read", "trade"],
        "sessionId": "0f8fad5b-d9cb-469f-a165-70867728950e",
    },
}
SESSION: Final = {
    "id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "current": True,
    "address": "203.0.113.7",
    "userAgent": "Mozilla/5.0",
    "createdAt": 1795341600000,
    "lastUsedAt": 1795345200000,
    "expiresAt": 1826898526000,
}
API_TOKEN: Final = {
    "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "name": "my bot",
    "scopes": ["read", "trade"],
    "hint": "x7Qa",
    "createdAt": 1795341600000,
    "expiresAt": 1803117600000,
    "lastUsedAt": None,
    "expired": False,
}
NEW_API_TOKEN: Final = API_TOKEN | {"token": "cgt_1nJ0…x7Qa"}


def success(data: Any) -> dict[str, Any]:
    """A success as it is documented."""
    return {"status": "Success", "data": data}


def documented(status: int, body: Any, *refusals: Refused) -> dict[int | str, dict[str, Any]]:
    """The documented responses of a route: this success, and these refusals by their status."""
    responses = example(status, body)
    for refused in refusals:
        add_problem(responses, refused_problem(refused))
    return responses
