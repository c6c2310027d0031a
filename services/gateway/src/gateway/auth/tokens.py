"""Access tokens (JWT, HS256, short-lived); refresh tokens and API tokens (random, stored as hashes)."""

import hashlib
import secrets
from typing import Final

import jwt
import msgspec

from common.errors import CgtError
from common.ids import new_id
from gateway.auth.identity import Role

ISSUER: Final = "crypto-graph-trader"
ALGORITHM: Final = "HS256"
API_TOKEN_PREFIX: Final = "cgt_"  # noqa: S105 - not the secret part of it.
"""So that people and secret scanners see what it is."""


class BadToken(CgtError):
    """A token that is malformed, expired, or not signed by us."""


class TokenRules(msgspec.Struct, frozen=True, kw_only=True):
    """What tokens are signed with and how long they last."""

    secret: str
    access_s: int
    refresh_s: int

    def __repr__(self) -> str:
        return f"TokenRules(access_s={self.access_s}, refresh_s={self.refresh_s}, secret hidden)"

    __str__ = __repr__


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What an access token says."""

    user_id: str
    session_id: str
    role: Role
    """For a frontend's menus; whoever decides asks the store."""


def access_token(claims: Claims, rules: TokenRules, now_ms: int) -> str:
    """A token that says who calls until it expires."""
    now_s = now_ms // 1000
    said = {"sub": claims.user_id, "sid": claims.session_id, "role": claims.role.value}
    times = {"iat": now_s, "exp": now_s + rules.access_s}
    return jwt.encode({"iss": ISSUER, "jti": new_id(), **said, **times}, rules.secret, algorithm=ALGORITHM)


def claims_of(token: str, rules: TokenRules, now_ms: int) -> Claims:
    """What an access token says. Raises BadToken."""
    try:
        claims = jwt.decode(
            token,
            rules.secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # The clock is ours to ask, so that tests and replays can set it.
            options={"require": ["exp", "iat", "sub", "sid", "role"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError as error:
        raise BadToken(type(error).__name__) from None
    expires = claims["exp"]
    if not isinstance(expires, int) or expires * 1000 <= now_ms:
        raise BadToken("expired")
    try:
        return Claims(user_id=str(claims["sub"]), session_id=str(claims["sid"]), role=Role(claims["role"]))
    except ValueError:
        raise BadToken("unknown role") from None


def refresh_token() -> str:
    """A fresh opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def api_token() -> str:
    """A fresh token for a program, of 256 random bits."""
    return API_TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a refresh token or an API token. It is random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()
