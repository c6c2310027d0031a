"""The API asked at random by its own document: what every answer is held to, and how often it is asked."""

from typing import Any, Final

from hypothesis import HealthCheck, settings
from schemathesis import checks

# Who may do what is proved by test_who_may_what. Not `negative_data_rejection`: 0 for false and "1" for 1 are read as
# what they mean, as query strings have to be.
PROMISED: Final = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.unsupported_method,
)
ALWAYS: Final = (checks.not_a_server_error, *PROMISED)
"""What is promised while everything that the gateway depends on is there."""


def or_unavailable(context: Any, response: Any, case: Any) -> None:
    """No server error but a 503, which the document has and which says that the same again may work."""
    if response.status_code != 503:
        checks.not_a_server_error(context, response, case)
    else:
        assert response.json()["retryable"] is True, response.text


def asked(times: int) -> settings:
    """Each operation at most so many times, and every time with the same questions, beside the documented examples."""
    never_mind = list(HealthCheck)
    return settings(
        max_examples=times, deadline=None, derandomize=True, database=None, suppress_health_check=never_mind
    )
