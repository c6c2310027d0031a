"""/events: what a user's frontends were told, for clients without a socket; and the documents of the event stream."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import HTMLResponse, JSONResponse

from common.errors import Refused
from gateway import answers
from gateway.http.auth_examples import documented
from gateway.http.parts import Parts, caller_of
from gateway.http.shapes import ByName
from gateway.stream.asyncapi import asyncapi
from gateway.stream.asyncapi_page import page
from gateway.stream.session import SNAPSHOT

MOST: Final = 500
EVENTS: Final = {
    "status": "Success",
    "data": {
        "events": [
            {"event": "order_update", "data": ByName({"seq": 42, "orderStatus": "FILLED", "symbol": "BTCUSDT"})},
        ],
        "seq": 42,
        "oldestSeq": 7,
        "more": False,
    },
}


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    routes = APIRouter(tags=["events"])
    caller = caller_of(parts)

    @routes.get("/events", responses=documented(200, EVENTS, _gone(3, 7, 42)), summary="Events after a number")
    async def events(
        user_id: Annotated[str, Depends(caller)],
        since: Annotated[int, Query(ge=0, le=10**18, description="The `seq` of the last event you have; 0 for none.")],
        limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
    ) -> Response:
        """The same events, numbers and order as on the sockets. 410 when some of them can no longer be told."""
        kept = await parts.stream.store.listen(user_id)
        if since > kept.last_seq or (since + 1 < kept.oldest_seq and since < kept.last_seq):
            raise _gone(since, kept.oldest_seq, kept.last_seq)
        found = await parts.stream.store.after(user_id, since, limit)
        if found and found[0].seq != since + 1:
            raise _gone(since, found[0].seq, kept.last_seq)
        shown: dict[str, Any] = {
            "events": [{"event": each.name, "data": orjson.Fragment(each.json)} for each in found],
            "seq": max(kept.last_seq, found[-1].seq) if found else kept.last_seq,
            "oldestSeq": kept.oldest_seq,
            "more": len(found) == limit and found[-1].seq < kept.last_seq,
        }
        return answers.json_response(answers.success(shown))

    @routes.get("/asyncapi.json", include_in_schema=False)
    async def document() -> JSONResponse:
        return JSONResponse(asyncapi())

    @routes.get("/async-docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return HTMLResponse(
            page(), headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}
        )

    return routes


def _gone(since: int, oldest: int, last: int) -> Refused:
    return Refused(
        code="RESYNC_REQUIRED",
        title="Events no longer available",
        field="since",
        rule=f"What follows event {since} is not all kept; the oldest is {oldest}, the newest {last}.",
        fix=f"Read {', '.join(SNAPSHOT)}, and go on with since={last}.",
        status=410,
    )
