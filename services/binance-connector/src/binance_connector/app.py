"""Builds the parts of the connector; nothing else knows them all."""

import os
from typing import Final

from binance_connector.dialect import BinanceDialect
from binance_connector.settings import BinanceSettings, OrderEntry
from common.connector.service import ConnectorParts, serve
from common.service.run import Process

NAME: Final = "binance-connector"


def parts(settings: BinanceSettings) -> ConnectorParts:
    """What these settings make of the kit."""
    return ConnectorParts(
        NAME,
        BinanceDialect(
            ws_api_url=settings.binance_ws_api_url,
            stream_url=settings.binance_stream_url,
            recv_window_ms=settings.binance_recv_window_ms,
        ),
        settings,
        rest_url=settings.binance_rest_url,
        market_symbols=settings.binance_market_symbols,
        orders_over_socket=settings.binance_order_entry is OrderEntry.WS,
    )


async def start(process: Process) -> None:
    """Start streaming and taking commands. Raises MissingSetting or InvalidSetting."""
    await serve(process, parts(BinanceSettings.from_env(os.environ).checked()))
