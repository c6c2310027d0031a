"""The connector's internal HTTP API: what an exchange says, asked for by other services, as the language's types.

Every answer is JSON as on the topics. A refusal is problem+json with the exchange's own code beside ours.
"""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from common.accounts import Credentials
from common.codec import encode
from common.connector.client import ExchangeClient
from common.connector.fates import Fates, question_of
from common.connector.instruments import InstrumentBook
from common.connector.market import MarketFeed
from common.connector.ports import (
    Call,
    Dialect,
    KeyCheck,
    OrderAbsent,
    OrderFound,
    OrderRef,
    Rejected,
    Unknown,
)
from common.connector.rates import Priority
from common.errors import CgtError, ErrorCategory, Refused
from common.service.problems import Problem, problem_response

T = TypeVar("T")
_PATIENCE_MS: Final = 5_000
_STATUS: Final = {
    ErrorCategory.NOT_FOUND: 404,
    ErrorCategory.INVALID_SYMBOL: 404,
    ErrorCategory.BAD_REQUEST: 400,
    ErrorCategory.AUTH: 403,
    ErrorCategory.PERMISSION: 403,
    ErrorCategory.RATE_LIMITED: 429,
    ErrorCategory.EXPIRED: 503,
}
_RETRYABLE: Final = frozenset({ErrorCategory.RATE_LIMITED, ErrorCategory.EXPIRED, ErrorCategory.EXCHANGE_DOWN})

Limit = Annotated[int, Query(ge=1, le=1_000)]
TimeMs = Annotated[int | None, Query(ge=0)]


class ExchangeProblem(Problem):
    """A refusal by the exchange, with its own code."""

    exchange_code: str


class ExchangeSaidNo(CgtError):
    """The exchange refused, or did not answer, a question asked over this API."""

    def __init__(self, answer: Rejected | Unknown) -> None:
        super().__init__(f"{answer.code} {answer.reason}")
        self.answer = answer


class KeyToCheck(BaseModel):
    """POST /key-check."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr = Field(min_length=1, max_length=10_000)
    secret: SecretStr = Field(min_length=1, max_length=10_000)
    passphrase: SecretStr | None = Field(default=None, max_length=10_000)


class PricesToWatch(BaseModel):
    """POST /watch."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbols: tuple[str, ...] = Field(max_length=1_000)
    for_ms: int = Field(default=15_000, ge=100, le=600_000)
    """How long from now; whoever still watches asks again before that."""


class OneKey:
    """Keys that are one key, offered for a check and kept nowhere."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def held(self, account_id: str) -> Credentials:
        """The key."""
        return self._credentials

    async def credentials(self, account_id: str) -> Credentials:
        """The key."""
        return self._credentials

    def refused(self, account_id: str, reason: str) -> None:
        """Nobody is parked for a key that is only being checked."""


class Reader:
    """Asks the exchange for people: last in line, and not for long."""

    def __init__(
        self, dialect: Dialect, client: ExchangeClient, instruments: InstrumentBook, market: MarketFeed, fates: Fates
    ) -> None:
        self.dialect = dialect
        self.instruments = instruments
        self.market = market
        self.fates = fates
        self._client = client

    async def ask(self, call: Call[Any], account_id: str | None = None) -> Any:
        """The answer. Raises ExchangeSaidNo."""
        return _told(await self._client.ask(call, account_id, priority=Priority.READ, patience_ms=_PATIENCE_MS))

    async def once(self, call: Call[Any], account_id: str) -> Any:
        """The answer to something that must not be done twice: nothing of it is repeated. Raises ExchangeSaidNo."""
        valid_until_ms = self._client.now_ms() + _PATIENCE_MS
        answer = await self._client.perform(call, account_id, priority=Priority.READ, valid_until_ms=valid_until_ms)
        return _told(answer)

    async def check(self, key: KeyToCheck) -> KeyCheck:
        """What a key may do. Raises ExchangeSaidNo when the exchange does not tell."""
        credentials = Credentials(
            account_id="key-check",
            exchange=self.dialect.exchange,
            api_key=key.api_key.get_secret_value(),
            secret=key.secret.get_secret_value(),
            passphrase=key.passphrase.get_secret_value() if key.passphrase else None,
            key_version=0,
            expires_at_ms=2**62,
        )
        client = self._client.with_keys(OneKey(credentials))
        answer = await client.ask(
            self.dialect.check_key(), credentials.account_id, priority=Priority.READ, patience_ms=_PATIENCE_MS
        )
        if isinstance(answer, Rejected) and answer.category is ErrorCategory.AUTH:
            return KeyCheck(ok=False, can_trade=False, problem=answer.reason)
        return _told(answer)


def _told(answer: T | Rejected | Unknown) -> T:
    if isinstance(answer, Rejected | Unknown):
        raise ExchangeSaidNo(answer)
    return answer


def install(app: FastAPI, reader: Reader, caller: Callable[..., str]) -> None:
    """Add the routes; `caller` is the dependency that proves which service is asking."""
    app.add_exception_handler(ExchangeSaidNo, _said_no)
    app.include_router(_public(reader, caller))
    app.include_router(_private(reader, caller))


def _public(reader: Reader, caller: Callable[..., str]) -> APIRouter:
    router = APIRouter(tags=["market"], dependencies=[Depends(caller)])
    dialect = reader.dialect

    @router.get("/instruments")
    async def instruments() -> Response:
        return _json(reader.instruments.all())

    @router.get("/instruments/{symbol}")
    async def instrument(symbol: str) -> Response:
        found = await reader.instruments.get(symbol)
        if found is None:
            raise Refused(
                code="INVALID_SYMBOL",
                title="Unknown symbol",
                field="symbol",
                rule=f"{symbol} is not traded on {dialect.exchange}.",
                fix="Choose a symbol from /instruments.",
                status=404,
            )
        return _json(found)

    @router.get("/tickers")
    async def tickers(symbol: str | None = None) -> Response:
        if symbol is not None:
            return _json((_told(await reader.market.ticker(symbol)),))
        return _json(await reader.ask(dialect.fetch_tickers(())))

    @router.get("/candles")
    async def candles(
        symbol: str, interval: str = "1m", limit: Limit = 100, start_ms: TimeMs = None, end_ms: TimeMs = None
    ) -> Response:
        return _json(await reader.ask(dialect.fetch_candles(symbol, interval, limit, start_ms, end_ms)))

    @router.get("/depth")
    async def depth(symbol: str, limit: Limit = 100) -> Response:
        return _json(await reader.ask(dialect.fetch_depth(symbol, limit)))

    @router.get("/public-trades")
    async def public_trades(symbol: str, limit: Limit = 100) -> Response:
        return _json(await reader.ask(dialect.fetch_public_trades(symbol, limit)))

    @router.post("/watch")
    async def watch(wanted: PricesToWatch) -> Response:
        """Publish the best prices of these symbols as they come; symbols not traded here are left out."""
        known = [symbol for symbol in wanted.symbols if await reader.instruments.get(symbol) is not None]
        reader.market.watch(known, wanted.for_ms)
        return _json({"watching": known})

    return router


def _private(reader: Reader, caller: Callable[..., str]) -> APIRouter:
    router = APIRouter(tags=["accounts"], dependencies=[Depends(caller)])
    dialect = reader.dialect

    @router.get("/accounts/{account_id}/balances")
    async def balances(account_id: str) -> Response:
        return _json(await reader.ask(dialect.fetch_balances(account_id), account_id))

    @router.get("/accounts/{account_id}/open-orders")
    async def open_orders(account_id: str, symbol: str | None = None) -> Response:
        return _json(await reader.ask(dialect.fetch_open_orders(account_id, symbol), account_id))

    @router.get("/accounts/{account_id}/orders/{client_order_id}")
    async def order(account_id: str, client_order_id: str, symbol: str) -> Response:
        ref = OrderRef(account_id=account_id, symbol=symbol, client_order_id=client_order_id)
        answer: OrderFound | OrderAbsent = await reader.ask(dialect.fetch_order(ref), account_id)
        if isinstance(answer, OrderAbsent):
            raise ExchangeSaidNo(Rejected(ErrorCategory.NOT_FOUND, answer.code, f"there is no order {client_order_id}"))
        return _json(answer.order)

    @router.post("/accounts/{account_id}/fates")
    async def fate(account_id: str, request: Request) -> Response:
        """What became of one order; the body is an OrderQuestion. Answers 200 with an OrderFate, whatever it is."""
        return _json(await reader.fates.of(question_of(await request.body(), account_id)))

    @router.get("/accounts/{account_id}/my-trades")
    async def my_trades(account_id: str, symbol: str, since_ms: TimeMs = None) -> Response:
        return _json(await reader.ask(dialect.fetch_my_trades(account_id, symbol, since_ms=since_ms), account_id))

    @router.post("/key-check")
    async def key_check(key: KeyToCheck) -> Response:
        return _json(await reader.check(key))

    return router


async def _said_no(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ExchangeSaidNo)
    answer = error.answer
    refused = isinstance(answer, Rejected)
    problem = ExchangeProblem(
        title="The exchange refused" if refused else "The exchange did not answer",
        status=_STATUS.get(answer.category, 502) if isinstance(answer, Rejected) else 504,
        detail=answer.reason,
        code=answer.category.upper() if isinstance(answer, Rejected) else "EXCHANGE_UNKNOWN",
        exchange_code=answer.code,
        retryable=not isinstance(answer, Rejected) or answer.category in _RETRYABLE,
    )
    return problem_response(problem)


def _json(value: object) -> Response:
    return Response(encode(value), media_type="application/json", headers={"cache-control": "no-store"})
