"""The REST side without its sockets: a request goes in, an answer comes out."""

from dataclasses import dataclass, field
from typing import Any

import orjson

from paper_exchange.bitget import signing
from paper_exchange.bitget.call import Call
from paper_exchange.bitget.errors import SUCCESS, ApiError
from paper_exchange.bitget.keys import ApiKey, Credentials, check_window
from paper_exchange.bitget.params import read_body, read_query
from paper_exchange.bitget.routes import ROUTES, Route
from paper_exchange.bitget.venue import Venue
from paper_exchange.reply import Reply

REMAINING = "x-mbx-used-remain-limit"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One HTTP request; `query` and `body` exactly as sent, because that is what was signed."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    credentials: Credentials = field(default_factory=Credentials)
    address: str = "127.0.0.1"


def answer(venue: Venue, request: RestRequest, now_ms: int) -> Reply:
    """Answer one HTTP request, and let happen what it sets off. Demo trading is not told apart (section 1)."""
    headers: dict[str, str] = {}
    try:
        data = _run(venue, request, now_ms, headers)
    except ApiError as error:
        return Reply(error.status, orjson.dumps(error.body(now_ms)), headers)
    finally:
        venue.settle(now_ms)
    body = {"code": SUCCESS, "msg": "success", "requestTime": now_ms, "data": data}
    return Reply(200, orjson.dumps(body), headers)


def _run(venue: Venue, request: RestRequest, now_ms: int, headers: dict[str, str]) -> Any:
    venue.meter.spend_address(request.address, now_ms)
    route = ROUTES.get(request.method, {}).get(request.path)
    if route is None:
        raise ApiError("40404", "Request URL NOT FOUND", 404)
    key = None if route.access == "public" else _check_sender(venue, route, request, now_ms)
    who = request.address if key is None else str(key.uid)
    headers[REMAINING] = "0"
    headers[REMAINING] = str(venue.meter.spend(request.path, who, route.per_second, now_ms))
    sent = read_query(request.query) if request.method == "GET" else read_body(request.body)
    if isinstance(sent, dict):
        check_window(sent, now_ms)
    return route.run(Call(venue, sent, now_ms, key))


def _check_sender(venue: Venue, route: Route, request: RestRequest, now_ms: int) -> ApiKey:
    """Key, time, passphrase, signature; then the kind of account and the permission. Raises: ApiError."""
    sent = request.credentials
    body = request.body if request.method == "POST" else ""
    text = signing.prehash(sent.timestamp, request.method, request.path, request.query, body)
    key = venue.keys.check(sent, text, now_ms)
    if route.world == "classic" and key.kind == "uta":
        text = "You are in Unified Account mode, and the Classic Account API is not supported at this time"
        raise ApiError("40085", text)
    if route.world == "uta" and key.kind == "classic":
        text = "You are in Classic Account mode, and the Unified Account API is not supported at this time"
        raise ApiError("40084", text)
    if route.access not in key.permissions:
        right = "read" if route.access == "read" else "write"
        raise ApiError("40014", f"Incorrect permissions, need spot trade {right} permissions")
    return key
