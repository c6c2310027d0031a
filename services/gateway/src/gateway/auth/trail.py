"""What operators see of those who come and go: a line in the log and a count, without e-mails and passwords.

An e-mail that nobody has may be a password typed into the wrong field, so addresses and ids are all that is said.
"""

from typing import Final

import structlog
from prometheus_client import Counter

from gateway.auth.records import ApiToken, Origin, Session

LOG_INS: Final = Counter("cgt_gateway_log_ins", "Passwords that were tried, by what came of it", ["outcome"])

_log = structlog.get_logger("gateway.auth")


def let_in(session: Session) -> None:
    """A session begins."""
    LOG_INS.labels("let_in").inc()
    _log.info("logged_in", user_id=session.user_id, session_id=session.session_id, address=session.address)


def refused(origin: Origin) -> None:
    """A password was wrong, or its user unknown."""
    LOG_INS.labels("refused").inc()
    _log.info("log_in_refused", address=origin.address)


def made_to_wait(origin: Origin, wait_ms: int) -> None:
    """Too many attempts: the next one has to wait."""
    LOG_INS.labels("made_to_wait").inc()
    _log.warning("log_in_made_to_wait", address=origin.address, wait_ms=wait_ms)


def refresh_reused(user_id: str, session_id: str) -> None:
    """Somebody holds a copy of a refresh token; the session has ended."""
    _log.warning("refresh_token_reused", user_id=user_id, session_id=session_id)


def password_changed(user_id: str, origin: Origin, ended: int) -> None:
    """A new password, and how many other sessions it ended."""
    _log.info("password_changed", user_id=user_id, address=origin.address, sessions_ended=ended)


def token_made(token: ApiToken) -> None:
    """A program may speak for its user from now on."""
    _log.info("api_token_made", user_id=token.user_id, token_id=token.token_id, scopes=sorted(token.scopes))


def token_revoked(user_id: str, token_id: str) -> None:
    """It may not any more."""
    _log.info("api_token_revoked", user_id=user_id, token_id=token_id)
