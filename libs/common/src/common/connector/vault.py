"""The vault, as a connector sees it: which accounts there are, and their keys on a short lease."""

from typing import Final

import aiohttp
import msgspec

from common.accounts import AccountChanged, Credentials
from common.codec import decode
from common.connector.client import KeyRefused
from common.errors import Unavailable, UnreadableMessage
from common.exchanges import Exchange
from common.service.auth import ServiceAuth

AUDIENCE: Final = "credentials-vault"
_TIMEOUT_S: Final = 5.0


class _Accounts(msgspec.Struct, frozen=True):
    accounts: tuple[AccountChanged, ...]


class VaultClient:
    """Asks the vault over HTTP, as this service."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, auth: ServiceAuth) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._auth = auth

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]:
        """Every account of an exchange. Raises Unavailable."""
        status, body = await self._ask("GET", "/accounts", params={"exchange": exchange.value})
        if status != 200:
            raise Unavailable(f"the vault (status {status})")
        return decode(body, _Accounts).accounts

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        """The account's key for a while. Raises KeyRefused when the vault does not lend it, Unavailable."""
        status, body = await self._ask("POST", f"/accounts/{account_id}/lease", json={"purpose": purpose})
        if status >= 500 or status in {401, 429}:
            raise Unavailable(f"the vault (status {status})")
        if status != 200:
            raise KeyRefused(account_id, f"the vault lends no key (status {status})")
        try:
            return decode(body, Credentials)
        except UnreadableMessage:
            # What failed to decode may quote the secret.
            raise Unavailable("the vault (unreadable lease)") from None

    async def _ask(self, method: str, path: str, **options: object) -> tuple[int, bytes]:
        try:
            async with self._http.request(
                method,
                self._base_url + path,
                headers=self._auth.header(AUDIENCE),
                timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
                **options,  # type: ignore[arg-type]
            ) as response:
                return response.status, await response.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable("the vault") from error
