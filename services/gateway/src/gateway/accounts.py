"""Which account belongs to whom: learned from cgt.accounts.v1, with the vault as the truth where it is not enough."""

from collections.abc import Sequence

from common.accounts import AccountChanged, AccountState
from common.errors import Refused
from common.exchanges import Exchange
from gateway.ports import Account, Vault
from gateway.trading.refusals import CREDENTIALS_NOT_FOUND


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

    async def chosen(self, user_id: str, exchange: Exchange, credential: str | None) -> Account:
        """The account a request means: the one it names by id or label, else the default. Raises Refused (404, 409)."""
        accounts = await self.of_user(user_id, exchange)
        if credential is None:
            return _default(accounts, exchange)
        by_id = [each for each in accounts if each.account_id == credential]
        named = by_id or [each for each in accounts if credential and each.label == credential]
        if not named:
            raise not_found(exchange)
        if len(named) > 1:  # Stored before labels were unique.
            raise not_chosen(f"{len(named)} of your keys for {exchange.value.upper()} have this label.")
        return named[0]


def _default(accounts: Sequence[Account], exchange: Exchange) -> Account:
    """The default, and never another one in its stead: it may hold other money. Raises Refused."""
    if not accounts:
        raise none_stored(exchange)
    default = next((each for each in accounts if each.is_default), None)
    if default is None:
        raise not_chosen(f"None of your keys for {exchange.value.upper()} is the default.")
    return default


def not_chosen(rule: str) -> Refused:
    """It is not clear which of several keys is meant."""
    return Refused(
        code="CREDENTIAL_AMBIGUOUS",
        title="Credentials not chosen",
        field="credentialId",
        rule=rule,
        fix="Name one by its id, or make it the default with PATCH /api-credentials/{id}.",
        status=409,
    )


def not_found(exchange: Exchange | None = None) -> Refused:
    """No such credentials, or not this user's: the answer does not tell which."""
    where = f" for {exchange.value.upper()}" if exchange else ""
    return _missing(f"You have no such credentials{where}.", "List yours with GET /api-credentials.")


def none_stored(exchange: Exchange) -> Refused:
    """A request that names no credentials, of a user who has none."""
    return _missing(
        f"You have no credentials for {exchange.value.upper()}.", "Store API keys with POST /api-credentials."
    )


def _missing(rule: str, fix: str) -> Refused:
    return Refused(
        code="CREDENTIALS_NOT_FOUND",
        title=CREDENTIALS_NOT_FOUND,
        field="credentialId",
        rule=rule,
        fix=fix,
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
