"""Structured logs without secrets: one line of JSON per event, or readable text with CGT_LOG_FORMAT=console.

A value is redacted by its name, by its form (a URL's password, a signed query) and by being a registered secret, in
every field, in messages of other libraries, and in exceptions.
"""

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final, Literal

import orjson
import structlog

from common.settings import EnvSettings

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"api[-_]?key|secret|signature|passphrase|password|passwd|authorization|token|cookie|private[-_]?key|mbx-apikey"
    r"|^sign$|access-sign|access-key|master[-_]?key",
    re.IGNORECASE,
)
_SECRET_IN_TEXT: Final = re.compile(
    r"(?P<name>\b(?:[\w-]*(?:api[-_]?key|secret|signature|passphrase|password|token|listenkey)[\w-]*|sign)\b"
    r"[\"']?\s*[=:]\s*[\"']?)(?!\[redacted\])[^\s&\"',;)}\]]+",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_URL_PASSWORD: Final = re.compile(r"(?P<head>\b[\w+.-]+://[^\s/:@]*:)[^\s/@]+(?=@)")
_SHORTEST_SECRET: Final = 6  # Anything shorter would blot out ordinary text.

_EventDict = structlog.typing.EventDict


class LogSettings(EnvSettings):
    """How logs look and how much is said."""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


class Redactor:
    """Takes secrets out of log events; knows those this process holds at the moment by their value."""

    def __init__(self) -> None:
        self._secrets: dict[str, int] = {}

    def register(self, secret: str) -> None:
        """Never let this value into a log from now on. Registering it twice asks for two `forget`s."""
        if len(secret) >= _SHORTEST_SECRET:
            self._secrets[secret] = self._secrets.get(secret, 0) + 1

    def forget(self, secret: str) -> None:
        """The secret is no longer held."""
        count = self._secrets.get(secret, 0)
        if count > 1:
            self._secrets[secret] = count - 1
        else:
            self._secrets.pop(secret, None)

    def text(self, text: str) -> str:
        """The text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        text = _URL_PASSWORD.sub(rf"\g<head>{REDACTED}", text)
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
        return _SECRET_IN_TEXT.sub(rf"\g<name>{REDACTED}", text)

    def value(self, value: object) -> object:
        """The value without secrets, whatever it is made of."""
        match value:
            case str():
                return self.text(value)
            case bytes():
                return self.text(value.decode("utf-8", "backslashreplace"))
            case None | bool() | int() | float():
                return value
            case Mapping():
                return {self.text(str(key)): self._named(str(key), item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(str(value))

    def __call__(self, _: object, __: str, event: _EventDict) -> _EventDict:
        """As a structlog processor, after exceptions have become text."""
        return {self.text(key): self._named(key, value) for key, value in event.items()}

    def _named(self, name: str, value: object) -> object:
        if _SECRET_NAME.search(name) and value is not None and not isinstance(value, bool):
            return REDACTED
        return self.value(value)


redact: Final = Redactor()
"""The redactor of this process: `redact.register(secret)` for as long as a secret is held."""


def configure_logging(service: str, settings: LogSettings) -> None:
    """Send every log of this process, our own and the libraries', through the redactor to standard error."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named_service(service),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                _renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    _quieten_libraries()


def bound(
    *,
    account_id: str | None = None,
    client_order_id: str | None = None,
    bracket_id: str | None = None,
    correlation_id: str | None = None,
) -> AbstractContextManager[None]:
    """Say in every log line of this context which order it is about."""
    ids = {
        "account_id": account_id,
        "client_order_id": client_order_id,
        "bracket_id": bracket_id,
        "correlation_id": correlation_id,
    }
    return structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value is not None})


def _named_service(service: str) -> structlog.typing.Processor:
    def add(_: object, __: str, event: _EventDict) -> _EventDict:
        event["service"] = service
        return event

    return add


def _renderer(settings: LogSettings) -> structlog.typing.Processor:
    if settings.log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=str).decode())


def _quieten_libraries() -> None:
    # The Kafka client repeats an error for every try while a broker is down; the readers and the publisher say it once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    # Requests carry signatures and ids in their URLs, and there are many.
    for name in ("httpx", "httpcore", "uvicorn.access", "websockets", "aiohttp.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
