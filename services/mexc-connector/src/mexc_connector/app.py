"""Builds the parts of the connector; nothing else knows them all."""

import os
from typing import Final

from common.connector.service import ConnectorParts, serve
from common.service.run import Process
from mexc_connector.dialect import MexcDialect
from mexc_connector.settings import MexcSettings

NAME: Final = "mexc-connector"


def parts(settings: MexcSettings) -> ConnectorParts:
    """What these settings make of the kit."""
    return ConnectorParts(
        NAME,
        MexcDialect(
            ws_url=settings.mexc_ws_url,
            recv_window_ms=settings.mexc_recv_window_ms,
            prove_silent_ms=settings.mexc_prove_silent_ms,
        ),
        settings,
        rest_url=settings.mexc_rest_url,
        market_symbols=settings.mexc_market_symbols,
    )


async def start(process: Process) -> None:
    """Start streaming and taking commands. Raises MissingSetting or InvalidSetting."""
    await serve(process, parts(MexcSettings.from_env(os.environ).checked()))
