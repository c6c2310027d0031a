"""/api-credentials: a user's exchange keys. They pass through to the vault and never come back."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field, SecretStr, model_validator

from common.accounts import AccountState
from common.exchanges import Exchange
from gateway import answers
from gateway.accounts import not_found
from gateway.auth.identity import Scope
from gateway.http import credential_examples as examples
from gateway.http.auth_examples import documented, success
from gateway.http.parts import Parts, caller_of
from gateway.http.words import Id, Label
from gateway.keycheck import key_check_shown, refused_key
from gateway.leaving import left_behind, orders_under_way, trades_open
from gateway.ports import Account, BracketView, Key, KeyCheck
from gateway.trading.requests import Body, exchange_named

Secret = Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
Force = Annotated[
    bool, Query(description="Do it although trades are open; the answer says what is left to itself by it.")
]


class NewCredentials(Body):
    """POST /api-credentials."""

    exchange: str = Field(description="BINANCE, BITGET, GATEIO or MEXC", examples=["BITGET"])
    api_key: Secret = Field(alias="apiKey", examples=["bg_0123456789abcdef"])
    secret_key: Secret = Field(alias="secretKey", examples=["the secret of the key"])
    passphrase: Secret | None = Field(default=None, description="Bitget's third word.", examples=["words of passage"])
    label: Label = Field(default="", description="Your name for it, once per exchange.", examples=["main"])
    active_trading: bool = Field(default=True, alias="activeTrading")
    is_default: bool = Field(default=False, alias="isDefault", description="Your first key of an exchange always is.")


class CredentialsPatch(Body):
    """PATCH /api-credentials/{id}: what is left out stays; a key is replaced as a whole."""

    api_key: Secret | None = Field(default=None, alias="apiKey", examples=["bg_0123456789abcdef"])
    secret_key: Secret | None = Field(default=None, alias="secretKey", examples=["the secret of the key"])
    passphrase: Secret | None = Field(default=None, examples=["words of passage"])
    label: Label | None = Field(default=None, examples=["main"])
    active_trading: bool | None = Field(default=None, alias="activeTrading")
    is_default: bool | None = Field(default=None, alias="isDefault")

    @model_validator(mode="after")
    def _key_as_a_whole(self) -> "CredentialsPatch":
        if (self.api_key is None) is not (self.secret_key is None) or (self.passphrase and self.api_key is None):
            raise ValueError("a new key has apiKey and secretKey together")
        return self

    @property
    def key(self) -> Key | None:
        """The new key, if there is one."""
        return _key(self.api_key, self.secret_key, self.passphrase) if self.api_key and self.secret_key else None


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/api-credentials", tags=["api-credentials"])
    UserId = Annotated[str, Depends(caller_of(parts, Scope.CREDENTIALS))]  # noqa: N806 - a type.
    one = examples.CREDENTIAL

    @routes.post(
        "",
        status_code=201,
        responses=documented(201, success(examples.STORED), *examples.unfit(), *examples.taken(), *examples.nobody()),
        summary="Store API keys",
    )
    async def store(body: NewCredentials, user_id: UserId) -> Response:
        """The keys are tried on the exchange first: wrong ones, and ones that can withdraw, are refused."""
        exchange = exchange_named(body.exchange)
        key = _key(body.api_key, body.secret_key, body.passphrase)
        verdict = await check(parts, exchange, key)
        account = await parts.vault.add(
            user_id,
            exchange,
            key,
            label=body.label,
            is_default=body.is_default,
            active=body.active_trading,
            account_kind=verdict.account_kind,
        )
        parts.accounts.learn(account)
        return _shown(account, key_check_shown(verdict), status=201)

    @routes.get("", responses=documented(200, success([one]), *examples.nobody()), summary="List yours")
    async def list_credentials(user_id: UserId) -> Response:
        accounts = await parts.vault.of_user(user_id)
        return answers.json_response(answers.success([answers.account_shown(account) for account in accounts]))

    absent = (not_found(), *examples.nobody())

    @routes.get("/{credential_id}", responses=documented(200, success(one), *absent), summary="One of yours")
    async def get(credential_id: Id, user_id: UserId) -> Response:
        return _shown(await owned(parts, credential_id, user_id))

    @routes.patch(
        "/{credential_id}",
        responses=documented(200, success(one), *examples.unfit(), *examples.refused_changes(), *absent),
        summary="Change yours",
    )
    async def patch(credential_id: Id, body: CredentialsPatch, user_id: UserId, force: Force = False) -> Response:
        """A new key is tried as a first one is, and takes over at once; it has to be of the same exchange account."""
        account, key = await owned(parts, credential_id, user_id), body.key
        left = await _left(parts, account, "pause them", force=force) if body.active_trading is False else []
        beside = left_behind(account, left)
        named = {"label": body.label, "active": body.active_trading, "is_default": body.is_default}
        changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if key is not None:
            verdict = await check(parts, account.exchange, key)
            changes["account_kind"], beside = verdict.account_kind, beside | key_check_shown(verdict)
        return _shown(await parts.vault.change(credential_id, changes, key), beside)

    @routes.patch(
        "/{credential_id}/toggle",
        responses=documented(200, success(one), *examples.guarding("pause them"), *absent),
        summary="Pause or activate yours",
    )
    async def toggle(credential_id: Id, user_id: UserId, force: Force = False) -> Response:
        """Paused credentials neither trade nor are watched; refused while trades are open, unless by force."""
        account = await owned(parts, credential_id, user_id)
        active = account.state is AccountState.ACTIVE
        left = await _left(parts, account, "pause them", force=force) if active else []
        return _shown(await parts.vault.toggle(credential_id), left_behind(account, left))

    @routes.delete(
        "/{credential_id}",
        responses=documented(200, examples.DELETED, *examples.guarding("delete them"), *absent),
        summary="Delete yours",
    )
    async def delete(credential_id: Id, user_id: UserId, force: Force = False) -> Response:
        """The sealed key is destroyed. Refused while trades are open, and for the default of several, unless by force.

        Deleting the default by force leaves none: orders then have to name a key until another one is the default.
        """
        account = await owned(parts, credential_id, user_id)
        left = await _left(parts, account, "delete them", force=force)
        await parts.vault.delete(credential_id, force=force)
        gone = {"id": credential_id, "deleted": True}
        return answers.json_response(answers.success(gone | left_behind(account, left)))

    return routes


async def owned(parts: Parts, credential_id: str, user_id: str) -> Account:
    """The user's own account. Raises Refused (404), the same for a foreign one and for none."""
    account = await parts.vault.get(credential_id)
    if account is None or account.user_id != user_id:
        raise not_found()
    return account


async def check(parts: Parts, exchange: Exchange, key: Key) -> KeyCheck:
    """What the exchange says of a key that is fit.

    Raises Refused for a key that is wrong, cannot trade, or can withdraw.
    """
    verdict = await parts.connector(exchange).check_key(key)
    refusal = refused_key(verdict, allow_withdrawal=parts.allow_withdrawal_keys)
    if refusal is not None:
        raise refusal
    return verdict


async def _left(parts: Parts, account: Account, what: str, *, force: bool) -> Sequence[BracketView]:
    """The trades that nobody will look after. Raises Refused (409) unless it is done by force."""
    # Asked first: what reaches the ledger in between is seen there.
    under_way = await parts.intents.on_its_way(account.account_id, parts.clock.now_ms())
    brackets = await parts.ledger.open_brackets(account.account_id)
    if brackets and not force:
        raise trades_open(account, brackets, what)
    if under_way and not force:
        raise orders_under_way(under_way, what)
    return brackets


def _key(api_key: SecretStr, secret: SecretStr, passphrase: SecretStr | None) -> Key:
    return Key(
        api_key=api_key.get_secret_value(),
        secret=secret.get_secret_value(),
        passphrase=passphrase.get_secret_value() if passphrase else None,
    )


def _shown(account: Account, beside: dict[str, Any] | None = None, status: int = 200) -> Response:
    return answers.json_response(answers.success(answers.account_shown(account) | (beside or {})), status)
