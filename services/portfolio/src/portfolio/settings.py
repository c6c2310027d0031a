"""The portfolio's settings, read once at start."""

from common.bus.brokers import BusSettings
from common.db.pool import DatabaseSettings
from common.exchanges import Exchange
from common.service.auth import CallerSettings
from common.service.http import HttpSettings


class Settings(BusSettings, DatabaseSettings, HttpSettings, CallerSettings):
    """Where the broker, the database and the connectors are; an exchange without a connector is asked nothing."""

    binance_connector_url: str | None = None
    bitget_connector_url: str | None = None
    gateio_connector_url: str | None = None
    mexc_connector_url: str | None = None

    @property
    def connector_urls(self) -> dict[Exchange, str]:
        """Where each exchange's connector is."""
        urls = {exchange: getattr(self, f"{exchange.value}_connector_url") for exchange in Exchange}
        return {exchange: url for exchange, url in urls.items() if url is not None}
