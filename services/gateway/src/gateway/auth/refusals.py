"""What the doors of this house say to those they do not open to."""

from collections.abc import Collection

from common.errors import Refused
from gateway.auth.identity import Scope

_NOT_ALLOWED = "Not allowed"


def unauthenticated(rule: str = "The request has no access token.") -> Refused:
    """Nobody we know is calling."""
    return Refused(
        code="UNAUTHENTICATED",
        title="Not authenticated",
        field="Authorization",
        rule=rule,
        fix="Send Authorization: Bearer with the access token of POST /auth/login, or an API token.",
        status=401,
    )


def admin_only() -> Refused:
    """A trader at the admins' door."""
    return Refused(
        code="ADMIN_ONLY",
        title=_NOT_ALLOWED,
        field="Authorization",
        rule="Only an admin may do this.",
        fix="Ask the operator to run `python -m gateway admin grant <email>`.",
        status=403,
    )


def scope_missing(needed: Scope, scopes: Collection[Scope]) -> Refused:
    """An API token at a door it was not made for."""
    return Refused(
        code="SCOPE_MISSING",
        title=_NOT_ALLOWED,
        field="Authorization",
        rule=f"This needs a token with the scope {needed}; yours has {', '.join(sorted(scopes))}.",
        fix=f"Make a token with the scope {needed} with POST /auth/tokens.",
        status=403,
    )


def login_required() -> Refused:
    """A program where only a person may go."""
    return Refused(
        code="LOGIN_REQUIRED",
        title=_NOT_ALLOWED,
        field="Authorization",
        rule="An API token does not manage its user's password, sessions and tokens.",
        fix="Send the access token of POST /auth/login.",
        status=403,
    )


def too_many_attempts(wait_ms: int) -> Refused:
    """The door is closed for a while; the answer is the same whether the e-mail is registered or not."""
    wait_s = max(1, -(-wait_ms // 1000))
    return Refused(
        code="TOO_MANY_ATTEMPTS",
        title="Too many attempts",
        field=None,
        rule="After several failures each further attempt has to wait, longer each time.",
        fix=f"Try again in {wait_s} s.",
        status=429,
        retry_after_ms=wait_s * 1000,
    )


def email_taken() -> Refused:
    """A registration of an address that has one."""
    return Refused(
        code="EMAIL_TAKEN",
        title="E-mail already registered",
        field="email",
        rule="An e-mail address is registered once.",
        fix="Log in, or register with another address.",
        status=409,
    )


def invalid_login() -> Refused:
    """The same for a wrong password and an unknown e-mail."""
    return _nobody("INVALID_LOGIN", "Invalid credentials", None, "The e-mail and password do not match.")


def wrong_password() -> Refused:
    """The password that is to be changed is another one."""
    return _nobody("WRONG_PASSWORD", "Invalid credentials", "currentPassword", "This is not your password.")


def refresh_reused() -> Refused:
    """Somebody holds a copy of a refresh token."""
    rule = "The refresh token was used before, so its session has ended."
    return _nobody("REFRESH_TOKEN_REUSED", "Invalid refresh token", "refresh_token", rule)


def refresh_unknown() -> Refused:
    """A refresh token that is worth nothing."""
    rule = "The refresh token is unknown or has expired, or its session has ended."
    return _nobody("INVALID_REFRESH_TOKEN", "Invalid refresh token", "refresh_token", rule)


def session_not_found() -> Refused:
    """The same for a foreign session and for none."""
    return Refused(
        code="SESSION_NOT_FOUND",
        title="Session not found",
        field="session_id",
        rule="You have no such session, or it has ended.",
        fix="List yours with GET /auth/sessions.",
        status=404,
    )


def token_not_found() -> Refused:
    """The same for a foreign token and for none."""
    return Refused(
        code="TOKEN_NOT_FOUND",
        title="Token not found",
        field="token_id",
        rule="You have no such token.",
        fix="List yours with GET /auth/tokens.",
        status=404,
    )


def admin_scope() -> Refused:
    """A trader's token that would act for all traders."""
    return Refused(
        code="ADMIN_SCOPE",
        title=_NOT_ALLOWED,
        field="scopes",
        rule="Only an admin's token may have the scope admin.",
        fix="Leave the scope admin out.",
        status=403,
    )


def name_taken() -> Refused:
    """A second token of one name."""
    rule, fix = "Each of your tokens has its own name.", "Choose another name, or delete the token that has it."
    return _conflict("TOKEN_NAME_TAKEN", "name", rule, fix)


def too_many_tokens(most: int) -> Refused:
    """One token more than a user may have."""
    rule = f"A user has at most {most} tokens, expired ones included."
    return _conflict("TOO_MANY_TOKENS", None, rule, "Delete those you do not use.")


def _nobody(code: str, title: str, field: str | None, rule: str) -> Refused:
    return Refused(code=code, title=title, field=field, rule=rule, fix="Log in again.", status=401)


def _conflict(code: str, field: str | None, rule: str, fix: str) -> Refused:
    return Refused(code=code, title="Token not created", field=field, rule=rule, fix=fix, status=409)
