"""Builds the parts of the connector; nothing else knows them all."""

import os
from typing import Final

from common.connector.service import ConnectorParts, serve
from common.service.run import Process
from gateio_connector import account_api
from gateio_connector.dialect import GateioDialect
from gateio_connector.settings import GateioSettings

NAME: Final = "gateio-connector"


def parts(settings: GateioSettings) -> ConnectorParts:
    """What these settings make of the kit."""
    return ConnectorParts(
        NAME,
        GateioDialect(ws_url=settings.gateio_ws_url, validity_ms=settings.gateio_validity_ms, habits=settings.habits),
        settings,
        rest_url=settings.base_url,
        market_symbols=settings.gateio_market_symbols,
    )


async def start(process: Process) -> None:
    """Start streaming and taking commands. Raises MissingSetting or InvalidSetting."""
    await serve(process, parts(GateioSettings.from_env(os.environ).checked()), account_api.install)
