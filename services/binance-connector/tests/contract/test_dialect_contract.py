"""Binance holds to what every exchange's dialect promises."""

import pytest

from binance_connector.dialect import BinanceDialect
from common.connector.ports import Dialect
from common.testing.connector_contract import DialectContract


class TestBinance(DialectContract):
    @pytest.fixture
    def dialect(self) -> Dialect:
        return BinanceDialect(ws_api_url="ws://127.0.0.1:7001/ws-api/v3", stream_url="ws://127.0.0.1:7001")
