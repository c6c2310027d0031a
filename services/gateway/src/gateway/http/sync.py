"""/exchanges/sync: have accounts held against their exchange, and read what was found."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from common.accounts import AccountState
from common.checks import Report
from common.errors import Refused
from common.exchanges import Exchange
from gateway import answers
from gateway.accounts import not_found
from gateway.auth import refusals
from gateway.auth.callers import permitted
from gateway.auth.identity import Caller, Role, Scope
from gateway.http.auth_examples import documented
from gateway.http.examples import example
from gateway.http.paging import Cursor, LimitOrAll, Listing
from gateway.http.parts import Parts, caller_of, calling_of
from gateway.http.sync_examples import FOREIGN, REPORT, RUNNING
from gateway.http.trading import CredentialId, ExchangeName
from gateway.ports import Account
from gateway.syncing.ports import ForeignOrder, Sync
from gateway.trading.requests import exchange_named

LONGEST_WAIT_MS: Final = 5_000
_LOOK_EVERY_S: Final = 0.1
Whose = Annotated[Literal["mine", "all"], Query(description="`mine`, or with the admin role `all` accounts there are.")]
WaitMs = Annotated[
    int, Query(alias="waitMs", ge=0, le=LONGEST_WAIT_MS, description="How long to wait for the report before a 202.")
]
SyncId = Annotated[str, Path(alias="syncId", min_length=1, max_length=100)]
_FOREIGN: Final[Listing[ForeignOrder]] = Listing("foreign-orders", (str, str, str, str), lambda each: each.place)
_ANSWERS: Final = example(200, REPORT) | example(202, RUNNING, "Still under way: follow GET /exchanges/sync/{syncId}.")


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(prefix="/exchanges", tags=["sync"])
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    Calling = Annotated[Caller, Depends(calling_of(parts))]  # noqa: N806 - a type.
    serving = _serving(parts)

    @routes.post(
        "/sync",
        responses=_ANSWERS | documented(200, REPORT, not_found()),
        summary="Hold your accounts against their exchanges now",
    )
    async def begin(
        caller: Calling,
        exchange: ExchangeName = None,
        credential_id: CredentialId = None,
        scope: Whose = "mine",
        wait_ms: WaitMs = LONGEST_WAIT_MS,
    ) -> Response:
        """What the exchange did and we have not heard of is taken over, and its follow-up begins at once."""
        sync = serving()
        accounts = await _accounts(parts, caller, exchange, credential_id, scope)
        run_id = await sync.begin(caller.user_id, accounts)
        return _answered(await _patiently(sync, run_id, wait_ms))

    @routes.get(
        "/sync/{syncId}", responses=documented(200, REPORT, _no_such_run()), summary="What a sync has found and mended"
    )
    async def report(caller: Calling, sync_id: SyncId) -> Response:
        found = await serving().report(sync_id)
        if found is None or (found.requested_by != caller.user_id and caller.role is not Role.ADMIN):
            raise _no_such_run()
        return answers.json_response(answers.success(report_shown(found)))

    @routes.get(
        "/foreign-orders", responses=documented(200, FOREIGN, not_found()), summary="Open orders not placed through us"
    )
    async def foreign(
        user_id: UserId,
        exchange: ExchangeName = None,
        credential_id: CredentialId = None,
        limit: LimitOrAll = None,
        cursor: Cursor = None,
    ) -> Response:
        """By exchange, symbol and id, as the last sync saw them. They are shown and never touched."""
        accounts = [account.account_id for account in await _mine(parts, user_id, exchange, credential_id)]
        more = None if limit is None else limit + 1
        page = _FOREIGN.page(await serving().foreign_orders(accounts, more, _FOREIGN.after(cursor)), limit)
        orders = [foreign_shown(order) for order in page.elements]
        return answers.json_response(answers.success(orders, nextCursor=page.next_cursor))

    return routes


def _serving(parts: Parts) -> Callable[[], Sync]:
    def sync() -> Sync:
        if parts.sync is None:
            raise Refused(
                code="SYNC_NOT_SERVED",
                title="Sync is not running",
                field=None,
                rule="No sync service is known to this gateway.",
                fix="Ask the operator to set CGT_SYNC_URL.",
                status=503,
            )
        return parts.sync

    return sync


async def _accounts(
    parts: Parts, caller: Caller, exchange: str | None, credential_id: str | None, scope: str
) -> list[Account] | None:
    if scope == "mine":
        return await _mine(parts, caller.user_id, exchange, credential_id)
    if caller.role is not Role.ADMIN:
        raise refusals.admin_only()
    permitted(caller, Scope.ADMIN)
    return None


async def _mine(parts: Parts, user_id: str, exchange: str | None, credential_id: str | None) -> list[Account]:
    """The caller's accounts that the request means, all of them where it names none. Raises Refused."""
    named: Exchange | None = None if exchange is None else exchange_named(exchange)
    accounts = [
        account
        for account in await parts.vault.of_user(user_id)
        if account.state is not AccountState.REVOKED
        and named in {None, account.exchange}
        and credential_id in {None, account.account_id}
    ]
    if credential_id is not None and not accounts:
        raise not_found(named)
    return accounts


async def _patiently(sync: Sync, run_id: str, wait_ms: int) -> Report:
    """The report, complete if that takes no longer."""
    deadline = asyncio.get_running_loop().time() + wait_ms / 1000
    while True:
        report = await sync.report(run_id)
        if report is None:
            raise _no_such_run()
        if report.done or asyncio.get_running_loop().time() > deadline:
            return report
        await asyncio.sleep(_LOOK_EVERY_S)


def _answered(report: Report) -> Response:
    return answers.json_response(answers.success(report_shown(report)), 200 if report.done else 202)


def _no_such_run() -> Refused:
    return Refused(
        code="SYNC_NOT_FOUND",
        title="Sync not found",
        field="syncId",
        rule="You have no such sync; reports are kept for seven days.",
        fix="Use the syncId of POST /exchanges/sync.",
        status=404,
    )


def report_shown(report: Report) -> dict[str, Any]:
    """A report as its answer."""
    return {
        "syncId": report.run_id,
        "state": report.state,
        "scope": "all" if report.everyone else "mine",
        "requestedAt": report.created_ms,
        "finishedAt": report.finished_ms,
        "accounts": report.accounts,
        "checked": report.checked,
        "corrected": report.corrected,
        "byKind": report.by_kind,
        "unsettled": report.unsettled,
        "foreignOrders": report.foreign_orders,
        "corrections": [
            {
                "kind": each.kind,
                "exchange": each.exchange.upper(),
                "credentialId": each.account_id,
                "symbol": each.symbol,
                "clientOrderId": each.client_order_id,
                "orderGroupId": each.bracket_id,
                "orderStatus": each.status,
            }
            for each in report.corrections
        ],
        "failures": [
            {"credentialId": each.account_id, "exchange": each.exchange.upper(), "reason": each.reason}
            for each in report.failures
        ],
    }


def foreign_shown(order: ForeignOrder) -> dict[str, Any]:
    """A foreign order as its answer."""
    return {
        "exchange": order.exchange.upper(),
        "credentialId": order.account_id,
        "symbol": order.symbol,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "side": order.side,
        "type": order.type,
        "quantity": order.quantity,
        "price": order.price,
        "stopPrice": order.trigger_price,
        "executedQty": order.executed_qty,
        "orderStatus": order.status,
        "firstSeen": _ms(order.first_seen),
        "lastSeen": _ms(order.last_seen),
    }


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
