"""/exchanges/signals: an admin places one order for every active account, and reads what became of each."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.routing import APIRoute

from common.errors import Refused
from common.exchanges import Exchange
from gateway import answers
from gateway.http import signal_examples as examples
from gateway.http.auth_examples import documented
from gateway.http.desk import ticket_of
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.examples import example
from gateway.http.paging import Cursor, Limit, Listing
from gateway.http.parts import Parts, admin_of
from gateway.http.trading import ExchangeName
from gateway.http.words import Id
from gateway.signals.model import Receipt, Signal, State
from gateway.signals.requests import SignalBody
from gateway.signals.shown import RUNNING, receipt_shown, signal_shown

_SIGNALS: Final[Listing[Signal]] = Listing("signals", (int, str), lambda each: (each.created_ms, each.signal_id))
_RECEIPTS: Final[Listing[Receipt]] = Listing("receipts", (int,), lambda each: (each.ordinal,))
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "sizePct": 0.1,
    "tpLevels": ["4%", "6%"],
    "sl": "5%",
    "exchanges": ["BINANCE", "BITGET"],
    "validForSeconds": 30,
}
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The signal's identity: with the same key there is one signal, and one order for each account.",
    ),
]


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/exchanges/signals", tags=["signals"], route_class=route_class)
    AdminId = Annotated[str, Depends(admin_of(parts))]  # noqa: N806 - a type.
    signals = parts.signals

    @routes.post(
        "",
        status_code=202,
        responses=example(202, examples.TAKEN, "Its orders are on their way: follow it.")
        | example(200, examples.TAKEN, dryRun=examples.DRY),
        summary="Place one order for every active account (admin)",
    )
    async def send(
        body: Annotated[SignalBody, Body(openapi_examples={"buy": {"summary": "Buy 10 %", "value": ORDER}})],
        admin_id: AdminId,
        idempotency_key: Key,
        exchange: ExchangeName = None,
    ) -> Response:
        """Who is meant is fixed before the first order leaves; each account sizes the order by its own balance."""
        exchanges = body.named_exchanges(exchange)
        for each in exchanges:
            parts.connector(each)
        if body.dry_run:
            return _data(await _dry_run(parts, body, exchanges))
        named = body.model_copy(update={"exchange": None, "exchanges": [each.value.upper() for each in exchanges]})
        said = named.model_dump_json(by_alias=True, exclude_none=True).encode()
        words = body.model_dump(exclude={"exchange"}) | {"exchanges": sorted(exchanges)}
        ticket = ticket_of(admin_id, idempotency_key, "signals", min(exchanges), words)
        signal = await signals.take(ticket, body, exchanges, said)
        shown = await _shown(parts, signal)
        return _data(shown, 202 if shown["status"] == RUNNING else 200)

    @routes.get("", responses=example(200, examples.SIGNALS), summary="Signals, newest first (admin)")
    async def listed(
        _: AdminId,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        cursor: Cursor = None,
    ) -> Response:
        page = _SIGNALS.page(await signals.store.newest(_SIGNALS.after(cursor), limit + 1), limit)
        counts = await signals.counts(page.elements)
        shown = [signal_shown(each, counts.get(each.signal_id, {})) for each in page.elements]
        return _data({"signals": shown, "nextCursor": page.next_cursor})

    @routes.get(
        "/{signal_id}",
        responses=documented(200, examples.SIGNAL, _not_found()),
        summary="A signal with its receipts (admin)",
    )
    async def one(
        signal_id: Id,
        _: AdminId,
        limit: Limit = 100,
        cursor: Cursor = None,
        state: Annotated[list[State] | None, Query(description="Only receipts in these states.")] = None,
    ) -> Response:
        signal = await signals.store.get(signal_id)
        if signal is None:
            raise _not_found()
        page = _RECEIPTS.page(await signals.store.receipts(signal_id, _RECEIPTS.after(cursor), limit + 1, state), limit)
        counts = (await signals.counts([signal])).get(signal_id, {})
        receipts = [receipt_shown(each) for each in page.elements]
        return _data(signal_shown(signal, counts) | {"receipts": receipts, "nextCursor": page.next_cursor})

    return routes


async def _dry_run(parts: Parts, body: SignalBody, exchanges: tuple[Exchange, ...]) -> dict[str, Any]:
    accounts = await parts.signals.recipients(body, exchanges)
    by_exchange = {
        exchange.value.upper(): sum(account.exchange is exchange for account in accounts) for exchange in exchanges
    }
    return {"dryRun": True, "accounts": len(accounts), "byExchange": by_exchange}


async def _shown(parts: Parts, signal: Signal) -> dict[str, Any]:
    counts = await parts.signals.counts([signal])
    return signal_shown(signal, counts.get(signal.signal_id, {}))


def _not_found() -> Refused:
    return Refused(
        code="SIGNAL_NOT_FOUND",
        title="Signal not found",
        field="signalId",
        rule="There is no such signal.",
        fix="List them with GET /exchanges/signals.",
        status=404,
    )


def _data(data: Any, status: int = 200) -> Response:
    return answers.json_response(answers.success(data), status)
