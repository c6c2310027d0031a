"""Access tokens (JWT, HS256, short-lived) and refresh tokens (random, stored as hashes)."""

import hashlib
import secrets
from typing import Final

import jwt
import msgspec

from common.errors import CgtError
from common.ids import new_id

ISSUER: Final = "crypto-graph-trader"
ALGORITHM: Final = "HS256"


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


def access_token(user_id: str, rules: TokenRules, now_ms: int) -> str:
    """A token that says who calls until it expires."""
    now_s = now_ms // 1000
    claims = {"iss": ISSUER, "sub": user_id, "iat": now_s, "exp": now_s + rules.access_s, "jti": new_id()}
    return jwt.encode(claims, rules.secret, algorithm=ALGORITHM)


def user_of(token: str, rules: TokenRules, now_ms: int) -> str:
    """The user an access token speaks for. Raises BadToken."""
    try:
        claims = jwt.decode(
            token,
            rules.secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            # The clock is ours to ask, so that tests and replays can set it.
            options={"require": ["exp", "iat", "sub"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError as error:
        raise BadToken(type(error).__name__) from None
    expires = claims["exp"]
    if not isinstance(expires, int) or expires * 1000 <= now_ms:
        raise BadToken("expired")
    return str(claims["sub"])


def refresh_token() -> str:
    """A fresh opaque token of 256 random bits."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a refresh token. It is random, so a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()
