"""MEXC holds to what every exchange's dialect promises."""

import pytest

from common.connector.ports import Dialect, Reply
from common.testing.connector_contract import DialectContract
from mexc_connector.dialect import MexcDialect


class TestMexcDialect(DialectContract):
    absences = frozenset({b"", b"{}"})
    before_opening = Reply(status=200, body=b'{"listenKey":"a-listen-key"}')

    @pytest.fixture
    def dialect(self) -> Dialect:
        return MexcDialect(ws_url="ws://127.0.0.1:1/ws")
