"""The API document put to the test: what it allows is answered as it says, what it forbids is refused."""

import asyncio
from typing import Any

import schemathesis

from common.exchanges import Exchange
from common.health import Health
from gateway.auth.identity import Role
from gateway.auth.records import Origin
from gateway.http.api import rest_app
from gateway.http.middleware import Guards
from gateway.ports import Key
from gateway.rates import Rates
from gateway.testing.house import House
from gateway.testing.surface import ALWAYS, asked
from gateway.trading.service import Patience

MANY = Rates(user=1_000_000, address=1_000_000)


async def _admin(house: House) -> str:
    tokens = await house.parts.sessions.register(
        "admin@example.com", "correct horse battery", Origin(address="127.0.0.1", agent="")
    )
    await house.users.set_role("admin@example.com", Role.ADMIN)
    for exchange in Exchange:
        house.serve(exchange)
        key = Key(api_key="the-api-key", secret="the-secret", passphrase="words")
        settled: dict[str, Any] = {"label": "", "is_default": True, "active": True, "account_kind": "SPOT"}
        await house.vault.add(tokens.user.user_id, exchange, key, **settled)
    return str(tokens.access_token)


def _surface() -> Any:
    """The surface on four exchanges, asked by an admin who has a key on each."""
    house = House(Patience(answer_ms=5, fill_ms=5))
    app = rest_app(house.parts, Health(), Guards(rates=MANY))
    token = asyncio.run(_admin(house))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    schema.config.update(headers={"Authorization": f"Bearer {token}"})
    return schema


surface = _surface()


@surface.parametrize()  # type: ignore[untyped-decorator]
@asked(4)
def test_every_operation_keeps_to_its_document_whatever_it_is_asked(case: Any) -> None:
    case.call_and_validate(checks=list(ALWAYS))


def test_every_operation_is_documented_for_people_and_machines() -> None:
    document = rest_app(House().parts, Health(), Guards()).openapi()
    assert document["openapi"].startswith("3.1")
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _check_documented(f"{method} {path}", operation)
    assert document["components"]["securitySchemes"]
    assert "HTTPValidationError" not in document["components"]["schemas"]


def _check_documented(name: str, operation: dict[str, Any]) -> None:
    assert operation["summary"], name
    for status, response in operation["responses"].items():
        ((media_type, content),) = response["content"].items()
        assert "schema" in content, (name, status)
        assert "example" in content or content["examples"], (name, status)
        assert (media_type == "application/problem+json") == (status >= "400"), (name, status)
        assert {"X-Request-Id", "RateLimit-Limit"} <= set(response["headers"]), (name, status)
    assert {"400", "429", "503"} <= set(operation["responses"]), name
    assert ("401" in operation["responses"]) >= bool(operation.get("security")), name
