"""The gateway's settings. Secrets have no default."""

from pydantic import Field, SecretStr

from common.exchanges import Exchange
from common.settings import EnvSettings
from gateway.auth.tokens import TokenRules
from gateway.http.middleware import Guards
from gateway.rates import Rates
from gateway.trading.service import Patience


class GatewaySettings(EnvSettings):
    """What the gateway alone is told."""

    jwt_secret: SecretStr = Field(min_length=32, description="set it to a random secret of at least 32 characters")
    access_token_s: int = Field(default=3_600, ge=60)
    refresh_token_s: int = Field(default=31_556_926, ge=3_600)
    session_check_ms: int = Field(default=2_000, ge=0, le=60_000)
    """For so long a session, token or role that was good is believed to be; then it is looked up again."""
    vault_url: str = Field(description="set it to the address of the credentials-vault, such as http://127.0.0.1:7101")
    binance_connector_url: str | None = None
    bitget_connector_url: str | None = None
    gateio_connector_url: str | None = None
    mexc_connector_url: str | None = None
    sync_url: str | None = None
    """Where accounts are held against their exchanges on request; without it the sync endpoints answer 503."""
    allow_withdrawal_keys: bool = False
    answer_timeout_ms: int = Field(default=5_000, ge=100, le=60_000)
    fill_patience_ms: int = Field(default=1_000, ge=0, le=60_000)
    intent_valid_ms: int = Field(default=30_000, ge=1_000, le=600_000)
    signal_valid_ms: int = Field(default=30_000, ge=1_000, le=600_000)
    """How long accounts may be given a signal's order, unless the signal says otherwise."""
    open_operations: int = Field(default=100, ge=1, le=10_000)
    """How many orders, and as many other requests, one account may have under way."""
    cors_origins: str = ""
    """Origins of frontends, separated by commas; `*` allows any."""
    max_body_bytes: int = Field(default=65_536, ge=1_024)
    user_orders_a_second: int = Field(default=10, ge=1, le=1_000)
    """Of one user on one instance; as many as come in a second at once, what is more waits its turn."""
    user_requests_a_minute: int = Field(default=3_000, ge=10)
    anonymous_requests_a_minute: int = Field(default=1_200, ge=10)

    @property
    def connector_urls(self) -> dict[Exchange, str]:
        """The connectors that are running, by exchange."""
        urls = {
            Exchange.BINANCE: self.binance_connector_url,
            Exchange.BITGET: self.bitget_connector_url,
            Exchange.GATEIO: self.gateio_connector_url,
            Exchange.MEXC: self.mexc_connector_url,
        }
        return {exchange: url for exchange, url in urls.items() if url}

    @property
    def origins(self) -> list[str]:
        """The allowed origins."""
        return [origin.strip() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def guards(self) -> Guards:
        """What stands around every request."""
        rates = Rates(user=self.user_requests_a_minute, address=self.anonymous_requests_a_minute)
        return Guards(origins=tuple(self.origins), max_body_bytes=self.max_body_bytes, rates=rates)

    @property
    def token_rules(self) -> TokenRules:
        """What tokens are signed with and how long they last."""
        return TokenRules(
            secret=self.jwt_secret.get_secret_value(), access_s=self.access_token_s, refresh_s=self.refresh_token_s
        )

    @property
    def patience(self) -> Patience:
        """How long requests wait."""
        return Patience(answer_ms=self.answer_timeout_ms, fill_ms=self.fill_patience_ms)
