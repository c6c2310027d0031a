"""Which account belongs to whom: learned from cgt.accounts.v1, with the vault as the truth where it is not enough."""

from collections.abc import Sequence

from common.accounts import AccountChanged, AccountState
from common.errors import Refused
from common.exchanges import Exchange
from gateway.ports import Account, Vault
from gateway.trading.refusals import CREDENTIALS_NOT_FOUND, invalid


class Accounts:
    """The owners of accounts, kept in memory; trading asks the vault, so that a deleted key never trades again."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._owners: dict[str, str] = {}

    def learn(self, fact: AccountChanged) -> None:
        """A fact from the topic; an owner never changes, and a revoked account's last facts still have one."""
        self._owners[fact.account_id] = fact.user_id

    async def owner(self, account_id: str) -> str | None:
        """The user to whom facts about this account are shown. Raises Unavailable."""
        owner = self._owners.get(account_id)
        if owner is None:
            account = await self._vault.get(account_id)
            if account is not None:
                self.learn(account)
                owner = account.user_id
        return owner

    async def of_user(self, user_id: str, exchange: Exchange) -> Sequence[Account]:
        """The user's accounts on the exchange. Raises Unavailable."""
        accounts = [each for each in await self._vault.of_user(user_id) if each.exchange is exchange]
        for account in accounts:
            self.learn(account)
        return accounts

    async def chosen(self, user_id: str, exchange: Exchange, credential_id: str | None) -> Account:
        """The account a request means: the one it names, else the default. Raises Refused (404, 409)."""
        accounts = await self.of_user(user_id, exchange)
        if credential_id is not None:
            account = next((each for each in accounts if each.account_id == credential_id), None)
        else:
            account = next((each for each in accounts if each.is_default), None)
            if account is None and len(accounts) > 1:
                rule = f"There are {len(accounts)} keys for {exchange.value.upper()} and none is the default."
                raise invalid("credentialId", rule, "Name credentialId.", code="CREDENTIAL_AMBIGUOUS")
            account = account or next(iter(accounts), None)
        if account is None:
            raise not_found(exchange)
        return account


def not_found(exchange: Exchange | None = None) -> Refused:
    """No such credentials, or not this user's: the answer does not tell which."""
    where = f" for {exchange.value.upper()}" if exchange else ""
    return Refused(
        code="CREDENTIALS_NOT_FOUND",
        title=CREDENTIALS_NOT_FOUND,
        field="credentialId",
        rule=f"You have no such credentials{where}.",
        fix="Store API keys with POST /api-credentials, or list yours with GET /api-credentials.",
        status=404,
    )


def must_trade(account: Account) -> Account:
    """The account, if it is active. Raises Refused (409)."""
    if account.state is AccountState.ACTIVE:
        return account
    raise Refused(
        code="CREDENTIALS_PAUSED",
        title="Credentials are not active",
        field="credentialId",
        rule="These credentials are stored but not trading.",
        fix="Activate them with PATCH /api-credentials/{id}/toggle.",
        status=409,
    )
