"""The credentials-vault as the gateway uses it."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from common.codec import decode, encode
from common.errors import Refused, Unavailable
from common.exchanges import Exchange
from common.service.client import InternalService, ServiceReply
from gateway.ports import Account, Key
from gateway.trading.refusals import CREDENTIALS_NOT_FOUND


class _Listed(msgspec.Struct, frozen=True):
    accounts: tuple[Account, ...]


class HttpVault:
    """Reads and writes accounts over the vault's internal API."""

    def __init__(self, asking: InternalService) -> None:
        self._asking = asking

    async def of_user(self, user_id: str) -> Sequence[Account]:
        """The user's accounts, oldest first."""
        reply = await self._asking.ask("GET", "/accounts", query={"user_id": user_id})
        if reply.status != 200:
            raise Unavailable(self._asking.name)
        return decode(reply.body, _Listed).accounts

    async def of_exchange(self, exchange: Exchange) -> Sequence[Account]:
        """Everybody's accounts on the exchange, oldest first."""
        reply = await self._asking.ask("GET", "/accounts", query={"exchange": exchange.value})
        if reply.status != 200:
            raise Unavailable(self._asking.name)
        return decode(reply.body, _Listed).accounts

    async def get(self, account_id: str) -> Account | None:
        """The account; None for one that is unknown or revoked."""
        reply = await self._asking.ask("GET", _path(account_id))
        return None if reply.status == 404 else _account(reply)

    async def add(
        self,
        user_id: str,
        exchange: Exchange,
        key: Key,
        *,
        label: str,
        is_default: bool,
        active: bool,
        account_kind: str | None,
    ) -> Account:
        """Seal and store a key. Raises Refused (409) for one that is stored already, or whose label is."""
        body = {
            "user_id": user_id,
            "exchange": exchange.value,
            "label": label,
            "is_default": is_default,
            "active": active,
            "account_kind": account_kind,
        }
        return _account(await self._asking.ask("POST", "/accounts", body=encode(body | _fields(key))))

    async def change(self, account_id: str, changes: dict[str, Any], key: Key | None) -> Account:
        """Change an account, its key as a whole."""
        body = encode(changes | (_fields(key) if key else {}))
        return _account(await self._asking.ask("PATCH", _path(account_id), body=body))

    async def toggle(self, account_id: str) -> Account:
        """Pause an active account, activate a paused one."""
        return _account(await self._asking.ask("POST", _path(account_id) + "/toggle"))

    async def delete(self, account_id: str, *, force: bool) -> Account:
        """Destroy the key. Raises Refused (409) for the default of several, unless by force."""
        query = {"force": "true"} if force else {}
        return _account(await self._asking.ask("DELETE", _path(account_id), query=query))


def _path(account_id: str) -> str:
    return "/accounts/" + quote(account_id, safe="")


def _fields(key: Key) -> dict[str, str]:
    fields: dict[str, str | None] = {"api_key": key.api_key, "secret": key.secret, "passphrase": key.passphrase}
    return {name: value for name, value in fields.items() if value is not None}


def _account(reply: ServiceReply) -> Account:
    if reply.status < 300:
        return decode(reply.body, Account)
    if reply.status not in {400, 404, 409, 422}:  # A 401 or 403 between services is a setting to mend.
        raise Unavailable("credentials-vault")
    problem = reply.problem()
    raise Refused(
        code=str(problem.get("code", "VAULT_REFUSED")),
        title=str(problem.get("title", CREDENTIALS_NOT_FOUND)),
        field=_OUR_NAMES.get(str(problem.get("field")), problem.get("field")),
        rule=str(problem.get("rule", "The credentials cannot be stored like this.")),
        fix=str(problem.get("fix", "Correct them and send the request again.")),
        status=400 if reply.status == 422 else reply.status,
    )


_OUR_NAMES: Final = {
    "api_key": "apiKey",
    "secret": "secretKey",
    "account_id": "credentialId",
    "is_default": "isDefault",
}
