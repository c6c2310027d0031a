"""Builds the parts of the connector; nothing else knows them all."""

import os
from typing import Final

from bitget_connector.dialect import BitgetDialect
from bitget_connector.settings import BitgetSettings
from common.connector.service import ConnectorParts, serve
from common.service.run import Process

NAME: Final = "bitget-connector"


def parts(settings: BitgetSettings) -> ConnectorParts:
    """What these settings make of the kit."""
    return ConnectorParts(
        NAME,
        BitgetDialect(
            public_url=settings.bitget_ws_public_url,
            private_url=settings.bitget_ws_private_url,
            demo=settings.bitget_demo,
            validity_ms=settings.bitget_validity_ms,
        ),
        settings,
        rest_url=settings.bitget_rest_url,
        market_symbols=settings.bitget_market_symbols,
    )


async def start(process: Process) -> None:
    """Start streaming and taking commands. Raises MissingSetting or InvalidSetting."""
    await serve(process, parts(BitgetSettings.from_env(os.environ).checked()))
