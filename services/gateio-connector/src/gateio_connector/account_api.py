"""What only Gate.io has, on the connector's internal API: transfers between accounts, fee rates, the account's book."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from common.codec import encode
from common.connector.bodies import parse
from common.connector.ports import Call, Rejected, Unknown
from common.connector.reads import Reader
from common.errors import Refused
from gateio_connector import queries, requests
from gateio_connector.frames import Transferred
from gateio_connector.reads import simple
from gateio_connector.replies import value_of

AccountName = Literal["spot", "margin", "futures", "delivery", "options"]
_SETTLED: Final = frozenset({"futures", "delivery"})


class Transfer(BaseModel):
    """POST /accounts/{id}/transfers."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    currency: str = Field(pattern=r"^[A-Z0-9]{1,20}$")
    from_: AccountName = Field(alias="from")
    to: AccountName
    amount: Decimal = Field(gt=0, max_digits=38, decimal_places=8)
    settle: str | None = Field(default=None, pattern=r"^[a-z]{2,10}$")
    """The settlement currency; needed for futures and delivery."""
    currency_pair: str | None = Field(default=None, pattern=r"^[A-Z0-9]{1,20}_[A-Z0-9]{1,20}$")
    """Needed for margin."""


class TransferDone(msgspec.Struct, frozen=True):
    """A transfer that was made; older servers give it no number."""

    tx_id: str | None


def transfer(wanted: Transfer) -> Call[TransferDone | Rejected | Unknown]:
    """The call that makes a transfer. Raises Refused."""
    accounts = {wanted.from_, wanted.to}
    if len(accounts) == 1:
        raise _refused("to", "a transfer has two different accounts", "choose another account")
    if "margin" in accounts and wanted.currency_pair is None:
        raise _refused("currency_pair", "a margin account is that of a pair", "give currency_pair")
    if accounts & _SETTLED and wanted.settle is None:
        raise _refused("settle", "futures and delivery accounts have a settlement currency", "give settle")
    request = requests.transfer(
        currency=wanted.currency,
        from_=wanted.from_,
        to=wanted.to,
        amount=wanted.amount,
        settle=wanted.settle,
        pair=wanted.currency_pair,
    )
    return Call(request, lambda reply, now_ms: value_of(reply, _done))


def _done(body: bytes) -> TransferDone:
    told = parse(body, Transferred) if body.strip() else Transferred()
    return TransferDone(None if told.tx_id is None else str(told.tx_id))


def install(app: FastAPI, reader: Reader, caller: Callable[..., str]) -> None:
    """Add the routes beside the kit's."""
    router = APIRouter(tags=["gateio"], dependencies=[Depends(caller)])

    @router.post("/accounts/{account_id}/transfers")
    async def make_transfer(account_id: str, wanted: Transfer) -> Response:
        """Not repeated by anybody: an answer that was lost is told as unknown (504), and balances show what it did."""
        return _json(await reader.once(transfer(wanted), account_id))

    @router.get("/accounts/{account_id}/fee-rates")
    async def fee_rates(account_id: str, symbol: str | None = None) -> Response:
        """The account's rates, in the exchange's own words."""
        pair = None if symbol is None else await _pair(reader, symbol)
        return _json(await reader.ask(_as_told(queries.wallet_fee(pair)), account_id))

    @router.get("/accounts/{account_id}/account-book")
    async def account_book(
        account_id: str,
        currency: Annotated[str | None, Query(pattern=r"^[A-Z0-9]{1,20}$")] = None,
        since_ms: Annotated[int | None, Query(ge=0)] = None,
        limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    ) -> Response:
        """What changed the balances, in the exchange's own words."""
        return _json(await reader.ask(_as_told(queries.account_book(currency, since_ms, limit)), account_id))

    @router.get("/accounts/{account_id}/detail")
    async def detail(account_id: str) -> Response:
        """What the key belongs to, in the exchange's own words."""
        return _json(await reader.ask(_as_told(queries.account_detail()), account_id))

    app.include_router(router)


async def _pair(reader: Reader, symbol: str) -> str:
    found = await reader.instruments.get(symbol)
    if found is None:
        raise _refused("symbol", f"{symbol} is not traded on gateio", "choose a symbol from /instruments")
    return found.exchange_symbol


def _as_told(request: Any) -> Call[Any]:
    return simple(request, lambda body, now_ms: msgspec.Raw(body) if parse(body, object) is not None else None)


def _refused(field: str, rule: str, fix: str) -> Refused:
    return Refused(code="BAD_REQUEST", title="Gate.io would refuse this", field=field, rule=rule, fix=fix)


def _json(value: object) -> Response:
    body = bytes(value) if isinstance(value, msgspec.Raw) else encode(value)
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})
