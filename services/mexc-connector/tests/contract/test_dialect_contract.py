"""MEXC holds to what every exchange's dialect promises."""

import pytest

from common.connector.ports import Dialect
from common.testing.connector_contract import DialectContract
from mexc_connector.dialect import MexcDialect


class TestMexcDialect(DialectContract):
    @pytest.fixture
    def dialect(self) -> Dialect:
        return MexcDialect(ws_url="ws://127.0.0.1:1/ws")
