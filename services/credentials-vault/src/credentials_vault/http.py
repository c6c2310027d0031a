"""The vault's internal HTTP API: every caller is a service, and the permissions table says what it may do."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from common.codec import encode, to_builtins
from common.errors import Refused
from common.exchanges import Exchange
from credentials_vault.accounts import Account
from credentials_vault.permissions import Operation, check
from credentials_vault.sealing import Secrets
from credentials_vault.vault import AccountPatch, NewAccount, Vault

Key = Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
"""Up to the length of a private key in PEM."""

Label = Annotated[str, Field(max_length=100)]
Kind = Annotated[str, Field(max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NewAccountBody(_Body):
    """POST /accounts."""

    user_id: str = Field(min_length=1, max_length=100)
    exchange: Exchange
    label: Label = ""
    api_key: Key
    secret: Key
    passphrase: Key | None = None
    is_default: bool = False
    active: bool = True
    account_kind: Kind | None = None


class PatchBody(_Body):
    """PATCH /accounts/{id}: what is left out stays; a key is replaced as a whole."""

    label: Label | None = None
    is_default: bool | None = None
    active: bool | None = None
    api_key: Key | None = None
    secret: Key | None = None
    passphrase: Key | None = None
    account_kind: Kind | None = None

    @model_validator(mode="after")
    def _key_as_a_whole(self) -> "PatchBody":
        if (self.api_key is None) is not (self.secret is None) or (self.passphrase and self.api_key is None):
            raise ValueError("a new key has api_key and secret together")
        return self


class LeaseBody(_Body):
    """POST /accounts/{id}/lease: what the key is wanted for, in the caller's words; it stands in the audit."""

    purpose: str = Field(min_length=1, max_length=200)


def install(app: FastAPI, vault: Vault, caller: Callable[..., str]) -> None:
    """Add the routes to the app; `caller` is the dependency that says which service is asking."""
    app.include_router(_accounts(vault, caller))


def _accounts(vault: Vault, caller: Callable[..., str]) -> APIRouter:
    router = APIRouter(prefix="/accounts", tags=["accounts"])
    Caller = Annotated[str, Depends(caller)]  # noqa: N806 - a type.

    @router.post("", status_code=201)
    async def add(body: NewAccountBody, service: Caller) -> Response:
        check(service, Operation.WRITE)
        secrets = _secrets(body.api_key, body.secret, body.passphrase)
        new = NewAccount(
            user_id=body.user_id,
            exchange=body.exchange,
            label=body.label,
            secrets=secrets,
            is_default=body.is_default,
            active=body.active,
            account_kind=body.account_kind,
        )
        return _json(shown(await vault.add(new)), 201)

    @router.get("")
    async def list_accounts(service: Caller, user_id: str | None = None, exchange: Exchange | None = None) -> Response:
        check(service, Operation.READ)
        if user_id is not None:
            accounts = [a for a in await vault.store.of_user(user_id) if exchange in {None, a.exchange}]
        elif exchange is not None:
            accounts = list(await vault.store.of_exchange(exchange))
        else:
            raise Refused(
                code="INVALID_FIELD",
                title="Invalid request",
                field="user_id",
                rule="Accounts are listed by user_id or by exchange.",
                fix="Name one of the two.",
            )
        return _json({"accounts": [shown(account) for account in accounts]})

    @router.get("/{account_id}")
    async def get(account_id: str, service: Caller) -> Response:
        check(service, Operation.READ)
        return _json(shown(await vault.get(account_id)))

    @router.patch("/{account_id}")
    async def patch(account_id: str, body: PatchBody, service: Caller) -> Response:
        check(service, Operation.WRITE)
        secrets = _secrets(body.api_key, body.secret, body.passphrase) if body.api_key and body.secret else None
        change = AccountPatch(
            label=body.label,
            is_default=body.is_default,
            active=body.active,
            secrets=secrets,
            account_kind=body.account_kind,
        )
        return _json(shown(await vault.patch(account_id, change)))

    @router.post("/{account_id}/toggle")
    async def toggle(account_id: str, service: Caller) -> Response:
        check(service, Operation.WRITE)
        return _json(shown(await vault.toggle(account_id)))

    @router.delete("/{account_id}")
    async def delete(account_id: str, service: Caller, force: bool = False) -> Response:
        check(service, Operation.WRITE)
        return _json(shown(await vault.delete(account_id, force=force)))

    @router.post("/{account_id}/lease")
    async def lease(account_id: str, body: LeaseBody, service: Caller) -> Response:
        check(service, Operation.LEASE)
        check(service, Operation.LEASE, (await vault.get(account_id)).exchange)
        return _json(await vault.lease(account_id, caller=service, purpose=body.purpose))

    return router


def shown(account: Account) -> dict[str, Any]:
    """An account as the API shows it: the fields of its fact, and what a user recognises the key by."""
    fact: dict[str, Any] = to_builtins(account.fact)
    return fact | {
        "api_key_hint": account.api_key_hint,
        "account_kind": account.account_kind,
        "created_ms": account.created_ms,
    }


def _secrets(api_key: SecretStr, secret: SecretStr, passphrase: SecretStr | None) -> Secrets:
    return Secrets(
        api_key=api_key.get_secret_value(),
        secret=secret.get_secret_value(),
        passphrase=passphrase.get_secret_value() if passphrase else None,
    )


def _json(value: object, status: int = 200) -> Response:
    # A lease must not lie in any cache on its way.
    return Response(encode(value), status, media_type="application/json", headers={"cache-control": "no-store"})
