"""/api-credentials: a user's exchange keys. They pass through to the vault and never come back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field, SecretStr, model_validator

from common.errors import Refused
from common.exchanges import Exchange
from gateway import answers
from gateway.accounts import not_found
from gateway.auth.identity import Scope
from gateway.http.examples import CREDENTIAL, example
from gateway.http.parts import Parts, caller_of
from gateway.ports import Account, Key, KeyCheck
from gateway.trading.refusals import SIGNATURE_FAILED
from gateway.trading.requests import Body, exchange_named

Secret = Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
Label = Annotated[str, Field(max_length=100)]


class NewCredentials(Body):
    """POST /api-credentials."""

    exchange: str
    api_key: Secret = Field(alias="apiKey")
    secret_key: Secret = Field(alias="secretKey")
    passphrase: Secret | None = None
    label: Label = ""
    active_trading: bool = Field(default=True, alias="activeTrading")
    is_default: bool = Field(default=False, alias="isDefault")


class CredentialsPatch(Body):
    """PATCH /api-credentials/{id}: what is left out stays; a key is replaced as a whole."""

    api_key: Secret | None = Field(default=None, alias="apiKey")
    secret_key: Secret | None = Field(default=None, alias="secretKey")
    passphrase: Secret | None = None
    label: Label | None = None
    active_trading: bool | None = Field(default=None, alias="activeTrading")
    is_default: bool | None = Field(default=None, alias="isDefault")

    @model_validator(mode="after")
    def _key_as_a_whole(self) -> "CredentialsPatch":
        if (self.api_key is None) is not (self.secret_key is None) or (self.passphrase and self.api_key is None):
            raise ValueError("a new key has apiKey and secretKey together")
        return self


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/api-credentials", tags=["api-credentials"])
    UserId = Annotated[str, Depends(caller_of(parts, Scope.CREDENTIALS))]  # noqa: N806 - a type.

    @routes.post("", status_code=201, responses=example(201, CREDENTIAL), summary="Store API keys")
    async def store(body: NewCredentials, user_id: UserId) -> Response:
        """The keys are tried on the exchange first: wrong ones, and ones that can withdraw, are refused."""
        exchange = exchange_named(body.exchange)
        key = _key(body.api_key, body.secret_key, body.passphrase)
        await check(parts, exchange, key)
        account = await parts.vault.add(
            user_id, exchange, body.label, key, is_default=body.is_default, active=body.active_trading
        )
        parts.accounts.learn(account)
        return _shown(account, 201)

    @routes.get("", responses=example(200, {"status": "Success", "data": [CREDENTIAL["data"]]}), summary="List yours")
    async def list_credentials(user_id: UserId) -> Response:
        accounts = await parts.vault.of_user(user_id)
        return answers.json_response(answers.success([answers.account_shown(account) for account in accounts]))

    @routes.get("/{credential_id}", responses=example(200, CREDENTIAL), summary="One of yours")
    async def get(credential_id: str, user_id: UserId) -> Response:
        return _shown(await owned(parts, credential_id, user_id))

    @routes.patch("/{credential_id}", responses=example(200, CREDENTIAL), summary="Change yours")
    async def patch(credential_id: str, body: CredentialsPatch, user_id: UserId) -> Response:
        account = await owned(parts, credential_id, user_id)
        key = _key(body.api_key, body.secret_key, body.passphrase) if body.api_key and body.secret_key else None
        if key is not None:
            await check(parts, account.exchange, key)
        named = {"label": body.label, "active": body.active_trading, "is_default": body.is_default}
        changes = {name: value for name, value in named.items() if value is not None}
        return _shown(await parts.vault.change(credential_id, changes, key))

    @routes.patch("/{credential_id}/toggle", responses=example(200, CREDENTIAL), summary="Pause or activate yours")
    async def toggle(credential_id: str, user_id: UserId) -> Response:
        await owned(parts, credential_id, user_id)
        return _shown(await parts.vault.toggle(credential_id))

    @routes.delete("/{credential_id}", responses=example(200, CREDENTIAL), summary="Delete yours")
    async def delete(credential_id: str, user_id: UserId) -> Response:
        """The sealed key is destroyed; orders that rest on the exchange stay there."""
        await owned(parts, credential_id, user_id)
        await parts.vault.delete(credential_id)
        return answers.json_response(answers.success({"id": credential_id, "deleted": True}))

    return routes


async def owned(parts: Parts, credential_id: str, user_id: str) -> Account:
    """The user's own account. Raises Refused (404), the same for a foreign one and for none."""
    account = await parts.vault.get(credential_id)
    if account is None or account.user_id != user_id:
        raise not_found()
    return account


async def check(parts: Parts, exchange: Exchange, key: Key) -> None:
    """Try the key on its exchange. Raises Refused for a key that is wrong, cannot trade, or can withdraw."""
    verdict = await parts.connector(exchange).check_key(key)
    refusal = refused_key(verdict, allow_withdrawal=parts.allow_withdrawal_keys)
    if refusal is not None:
        raise refusal


def refused_key(verdict: KeyCheck, *, allow_withdrawal: bool) -> Refused | None:
    """Why a key is not stored; None for one that is fit."""
    if not verdict.ok:
        return Refused(
            code="KEY_REFUSED",
            title=SIGNATURE_FAILED,
            field="apiKey",
            rule="The exchange does not accept this key with this secret from here.",
            fix="Check that the API keys are correct, and that their IP list allows this server.",
            status=401,
        )
    if verdict.can_withdraw and not allow_withdrawal:
        return Refused(
            code="KEY_CAN_WITHDRAW",
            title="API key can withdraw",
            field="apiKey",
            rule="Keys that can withdraw are not stored.",
            fix="Make a key without the withdrawal permission.",
        )
    if not verdict.can_trade:
        return Refused(
            code="KEY_CANNOT_TRADE",
            title="API key cannot trade",
            field="apiKey",
            rule="The key has no permission for spot trading.",
            fix="Allow spot trading for the key on the exchange.",
        )
    return None


def _key(api_key: SecretStr, secret: SecretStr, passphrase: SecretStr | None) -> Key:
    return Key(
        api_key=api_key.get_secret_value(),
        secret=secret.get_secret_value(),
        passphrase=passphrase.get_secret_value() if passphrase else None,
    )


def _shown(account: Account, status: int = 200) -> Response:
    return answers.json_response(answers.success(answers.account_shown(account)), status)
