"""Sync's internal HTTP API: have accounts checked, and read what came of it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from common.codec import encode
from common.errors import Refused
from common.exchanges import Exchange
from common.ids import new_id
from sync.ledger import Account
from sync.rounds import Rounds, Scope
from sync.runs import PostgresRuns


class AccountBody(BaseModel):
    """One account to be checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_id: str = Field(min_length=1, max_length=100)
    user_id: str = Field(min_length=1, max_length=100)
    exchange: Exchange


class RunBody(BaseModel):
    """POST /runs: these accounts, or with null every account the ledger knows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requested_by: str = Field(min_length=1, max_length=100)
    accounts: tuple[AccountBody, ...] | None = Field(max_length=1_000)


class Requests:
    """Turns a request into a run."""

    def __init__(self, runs: PostgresRuns, scope: Scope, rounds: Rounds, window_ms: int) -> None:
        self._runs = runs
        self._scope = scope
        self._rounds = rounds
        self._window_ms = window_ms

    async def begin(self, body: RunBody) -> str:
        """The id of a run: a new one, or the one of the same question that is not finished yet. Raises Unavailable."""
        if body.accounts is None:
            scope = await self._scope.scope(self._window_ms)
        else:
            asked = {each.account_id: Account(each.account_id, each.user_id, each.exchange) for each in body.accounts}
            symbols = {a.account_id: found for a, found in await self._scope.scope(self._window_ms, list(asked))}
            scope = [(account, symbols.get(account_id, [])) for account_id, account in asked.items()]
        everyone, names = body.accounts is None, [account.account_id for account, _ in scope]
        running = await self._runs.running(body.requested_by, everyone, names)
        if running is not None:
            return running
        run_id = new_id()
        await self._runs.add(run_id, body.requested_by, everyone, scope)
        self._rounds.asked.set()
        return run_id


def install(app: FastAPI, requests: Requests, runs: PostgresRuns, caller: Callable[..., str]) -> None:
    """Add the routes; `caller` is the dependency that proves which service is asking."""
    router = APIRouter(prefix="/runs", tags=["runs"], dependencies=[Depends(caller)])

    @router.post("", status_code=202)
    async def begin(body: RunBody) -> Response:
        return _json({"run_id": await requests.begin(body)}, 202)

    @router.get("/{run_id}")
    async def report(run_id: Annotated[str, Field(max_length=100)]) -> Response:
        found = await runs.report(run_id)
        if found is None:
            raise Refused(
                code="RUN_NOT_FOUND",
                title="No such run",
                field="run_id",
                rule="There is no run of this id, or it was forgotten: they are kept for seven days.",
                fix="Start one with POST /runs.",
                status=404,
            )
        return _json(found, 200)

    app.include_router(router)


def _json(value: Any, status: int) -> Response:
    return Response(encode(value), status, media_type="application/json", headers={"cache-control": "no-store"})
