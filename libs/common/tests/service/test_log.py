"""What leaves a process as a log line, and what never does."""

import io
import json
import logging
import string
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from common.log import REDACTED, LogSettings, Redactor, bound, configure_logging, redact

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("a-service", LogSettings(log_level="DEBUG"))
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "name",
    ["api_key", "apiKey", "API-Key", "secret", "signature", "passphrase", "password", "Authorization", "token",
     "X-MBX-APIKEY", "ACCESS-SIGN", "access_token", "client_secret", "SIGN", "ACCESS-KEY", "Cookie"],
)  # fmt: skip
def test_a_secret_is_known_by_its_name_at_any_depth(name: str) -> None:
    event = Redactor()(None, "", {"event": "sent", "request": {"headers": [{name: SECRET}]}})
    assert event == {"event": "sent", "request": {"headers": [{name: REDACTED}]}}


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://api.example/order?symbol=BTCUSDT&signature={SECRET}&timestamp=1",
        f"POST body apiKey={SECRET}",
        f'{{"secret": "{SECRET}", "symbol": "BTCUSDT"}}',
        f"{{'api_key': '{SECRET}'}}",
        f"authorization: Bearer {SECRET}",
        f"postgresql://cgt:{SECRET}@127.0.0.1:5432/db",
        f"listenKey={SECRET}",
    ],
)
def test_a_secret_is_known_by_its_place_in_a_text(text: str) -> None:
    cleaned = Redactor().text(text)
    assert SECRET not in cleaned
    assert REDACTED in cleaned


@given(st.text(string.ascii_letters + string.digits + "+/=", min_size=12), st.text(), st.text())
def test_a_registered_secret_never_appears_wherever_it_stands(secret: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.register(secret)
    event = redactor(None, "", {"event": before + secret + after, "x": [{"y": (secret, secret.encode())}], secret: 1})
    assert secret not in str(event)


def test_a_secret_is_forgotten_when_its_last_holder_lets_it_go() -> None:
    redactor = Redactor()
    redactor.register(SECRET)
    redactor.register(SECRET)
    redactor.forget(SECRET)
    assert SECRET not in redactor.text(SECRET)
    redactor.forget(SECRET)
    assert redactor.text(SECRET) == SECRET


def test_what_is_no_secret_stays_as_it_is() -> None:
    event = {"event": "order_filled", "symbol": "BTCUSDT", "qty": "0.5", "n": 3, "flag": True, "nothing": None}
    assert Redactor()(None, "", dict(event)) == event


def test_a_line_names_the_service_and_the_order_it_is_about(lines: Any) -> None:
    with bound(account_id="7", client_order_id="b-e0", bracket_id="b"):
        structlog.get_logger("x").info("order_sent")
    structlog.get_logger("x").info("idle")
    first, second = lines()
    assert (first["service"], first["account_id"], first["client_order_id"]) == ("a-service", "7", "b-e0")
    assert "account_id" not in second


def test_secrets_in_exceptions_and_in_other_libraries_lines_are_redacted(lines: Any) -> None:
    redact.register(SECRET)
    try:
        try:
            raise ValueError(f"bad key {SECRET}")
        except ValueError:
            structlog.get_logger("x").exception("failed", url=f"wss://x/?token={SECRET}")
            logging.getLogger("a.library").warning("refused %s", SECRET, exc_info=True)
    finally:
        redact.forget(SECRET)
    ours, theirs = lines()
    assert SECRET not in json.dumps([ours, theirs])
    assert "ValueError: bad key" in ours["exception"]
    assert theirs["event"] == f"refused {REDACTED}"
