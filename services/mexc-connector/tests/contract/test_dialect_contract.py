"""MEXC holds to what every exchange's dialect promises."""

import pytest
from mexc_connector.dialect import MexcDialect

from common.connector.ports import Dialect
from common.testing.connector_contract import DialectContract


class TestMexcDialect(DialectContract):
    @pytest.fixture
    def dialect(self) -> Dialect:
        return MexcDialect(ws_url="ws://127.0.0.1:1/ws")
