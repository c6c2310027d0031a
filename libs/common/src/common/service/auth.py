"""Services prove to each other who they are: a short-lived token, signed with the caller's own key.

The caller holds CGT_SERVICE_KEY; the callee holds the keys of those who may call it, CGT_SERVICE_KEYS, a JSON object of
service name to key. A token names caller and callee and lives 60 seconds, so a stolen one opens one door for a minute.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import jwt
from fastapi import Header
from pydantic import Field, SecretStr, field_validator

from common.clock import Clock, SystemClock
from common.errors import Refused
from common.settings import EnvSettings

TOKEN_LIFETIME_S: Final = 60
_ALGORITHM: Final = "HS256"
_CLOCK_SKEW_S: Final = 5
_SHORTEST_KEY: Final = 32  # RFC 7518, section 3.2: at least as long as the hash.


class CallerSettings(EnvSettings):
    """The key a service signs its calls with."""

    service_key: SecretStr = Field(
        min_length=_SHORTEST_KEY, description="set it to this service's own random key of at least 32 characters"
    )


class CalleeSettings(EnvSettings):
    """The keys of the services that may call this one."""

    service_keys: dict[str, SecretStr] = Field(
        description='set it to a JSON object of service name to key, such as {"gateway": "..."}'
    )

    @field_validator("service_keys", mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("service_keys")
    @classmethod
    def _long_enough(cls, keys: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, key in keys.items():
            if len(key.get_secret_value()) < _SHORTEST_KEY:
                raise ValueError(f"the key of {name} must have at least {_SHORTEST_KEY} characters")
        return keys


class ServiceAuth:
    """The caller's side: mints the header for one callee."""

    def __init__(self, caller: str, key: SecretStr | str, clock: Clock | None = None) -> None:
        self._caller = caller
        self._key = key.get_secret_value() if isinstance(key, SecretStr) else key
        self._clock = clock or SystemClock()

    def header(self, audience: str) -> dict[str, str]:
        """The authorization header for a request to `audience`, good for a minute."""
        issued_s = self._clock.now_ms() // 1000
        claims = {"iss": self._caller, "aud": audience, "iat": issued_s, "exp": issued_s + TOKEN_LIFETIME_S}
        return {"authorization": f"Bearer {jwt.encode(claims, self._key, algorithm=_ALGORITHM)}"}


def authenticated_service(audience: str, keys: Mapping[str, SecretStr]) -> Callable[[str | None], str]:
    """The callee's side: a FastAPI dependency that returns the caller's name, or answers 401."""

    def caller(authorization: Annotated[str | None, Header()] = None) -> str:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise _unauthenticated("A service token is required.")
        return verified_caller(token, audience, keys)

    return caller


def verified_caller(token: str, audience: str, keys: Mapping[str, SecretStr]) -> str:
    """Who signed this token for this audience. Raises Refused with status 401, for whatever reason."""
    try:
        claimed = str(jwt.decode(token, options={"verify_signature": False}).get("iss"))
        key = keys.get(claimed)
        if key is None:
            raise _unauthenticated("The token's issuer is not known here.")
        claims = jwt.decode(
            token,
            key.get_secret_value(),
            algorithms=[_ALGORITHM],
            audience=audience,
            issuer=claimed,
            leeway=_CLOCK_SKEW_S,
            options={"require": ["iss", "aud", "iat", "exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise _unauthenticated("The token is not valid for this service, or has expired.") from error
    if (
        claims["exp"] - claims["iat"] > TOKEN_LIFETIME_S
        or claims["exp"] > time.time() + TOKEN_LIFETIME_S + _CLOCK_SKEW_S
    ):
        raise _unauthenticated("The token lives longer than a minute.")
    return claimed


def _unauthenticated(rule: str) -> Refused:
    return Refused(
        code="UNAUTHENTICATED",
        title="Not authenticated",
        field="authorization",
        rule=rule,
        fix="Send a token signed with the calling service's key, made for this service.",
        status=401,
    )
