"""The vault, as a connector sees it: which accounts there are, and their keys on a short lease."""

from typing import Final

import aiohttp
import msgspec
import orjson

from common.accounts import AccountChanged, Credentials
from common.codec import decode
from common.connector.client import KeyRefused
from common.errors import Unavailable, UnreadableMessage
from common.exchanges import Exchange
from common.service.auth import ServiceAuth
from common.service.client import InternalService

AUDIENCE: Final = "credentials-vault"


class _Accounts(msgspec.Struct, frozen=True):
    accounts: tuple[AccountChanged, ...]


class VaultClient:
    """Asks the vault over HTTP, as this service."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, auth: ServiceAuth) -> None:
        self._vault = InternalService(http, base_url, auth, AUDIENCE)

    async def accounts(self, exchange: Exchange) -> tuple[AccountChanged, ...]:
        """Every account of an exchange. Raises Unavailable."""
        reply = await self._vault.ask("GET", "/accounts", query={"exchange": exchange.value})
        if reply.status != 200:
            raise Unavailable(f"the vault (status {reply.status})")
        return decode(reply.body, _Accounts).accounts

    async def lease(self, account_id: str, purpose: str) -> Credentials:
        """The account's key for a while. Raises KeyRefused when the vault does not lend it, Unavailable."""
        reply = await self._vault.ask("POST", f"/accounts/{account_id}/lease", body=orjson.dumps({"purpose": purpose}))
        status = reply.status
        if status >= 500 or status in {401, 429}:
            raise Unavailable(f"the vault (status {status})")
        if status != 200:
            raise KeyRefused(account_id, f"the vault lends no key (status {status})")
        try:
            return decode(reply.body, Credentials)
        except UnreadableMessage:
            # What failed to decode may quote the secret.
            raise Unavailable("the vault (unreadable lease)") from None
