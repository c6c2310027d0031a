"""The REST face without its sockets: a request goes in, an answer comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from paper_exchange.core.refusals import Refused
from paper_exchange.gateio import signing
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_body, bad_signature, expired, missing_header, refusal
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.keys import ApiKey
from paper_exchange.gateio.limits import Exceeded, Usage
from paper_exchange.gateio.routes import Route, methods_of
from paper_exchange.gateio.venue import Venue
from paper_exchange.reply import Reply

_HEADERS = ("KEY", "Timestamp", "SIGN")
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One HTTP request; path, query and body exactly as sent, header names in lower case."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1"


class GateFace:
    """Answers requests from a venue. Time is whatever the caller says it is."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def rest(self, request: RestRequest, now_ms: int) -> Reply:
        """Answer one HTTP request."""
        usage: Usage | None = None
        call: Call | None = None
        try:
            route, counted_as, name = _route(request)
            key = None if route.product is None else self._key(request, now_ms)
            who = f"{counted_as} {request.address if key is None else key.uid}"
            call = self._call(request, key, unquote(name), now_ms)
            if route.pool != "create":
                call.spend(route.pool, str(call.uid) if route.pool == "cancel" else who)
            if key is not None and route.product in key.rights:
                key.check_right(str(route.product), writes=route.writes)
            status, body = route.status, self.run(route, call)
        except ApiError as error:
            status, body = error.status, error.body()
        except Exceeded as exceeded:
            usage, status, body = exceeded.usage, exceeded.error.status, exceeded.error.body()
        usage = usage or (None if call is None else call.usage)
        return Reply(status, orjson.dumps(body), {} if usage is None else usage.headers())

    def run(self, route: Route, call: Call) -> Any:
        """Run one operation and what it sets off. Raises: ApiError, Exceeded."""
        self.venue.obey_switches()
        try:
            return route.run(call)
        except Refused as refused:
            raise refusal(refused.reason) from None
        finally:
            self.venue.settle(call.now_ms)

    def _key(self, request: RestRequest, now_ms: int) -> ApiKey:
        """Who sends this: headers, key, time, signature, in this order. Raises: ApiError."""
        for name in _HEADERS:
            if not request.headers.get(name.lower()):
                raise missing_header(name)
        key = self.venue.keys.find(request.headers["key"], request.address)
        timestamp, signature = request.headers["timestamp"], request.headers["sign"]
        if not signature.isascii():
            raise bad_signature()
        signing.check_time(timestamp, now_ms)
        path = unquote(request.path)
        payload = signing.rest_payload(request.method, path, request.query, request.body, timestamp)
        signing.check_signature(key.secret, payload, signature)
        _check_exptime(request.headers.get("x-gate-exptime"), now_ms)
        return key

    def _call(self, request: RestRequest, key: ApiKey | None, name: str, now_ms: int) -> Call:
        query = Fields(dict(parse_qsl(request.query, keep_blank_values=True)))
        return Call(self.venue, query, _json(request), name, now_ms, key)


def _route(request: RestRequest) -> tuple[Route, str, str]:
    methods, counted_as, name = methods_of(request.path)
    if methods is None:
        raise ApiError("NOT_FOUND", f"{request.path} not found")
    route = methods.get(request.method)
    if route is None:
        raise ApiError("METHOD_NOT_ALLOWED", f"{request.method} is not allowed here")
    return route, f"{request.method} {counted_as}", name


def _check_exptime(text: str | None, now_ms: int) -> None:
    """A request that comes after the moment (ms) that it names itself is refused (section 2)."""
    if text and text.isdecimal() and now_ms > int(text):
        raise expired()


def _json(request: RestRequest) -> Any:
    """The body of a call that has one; GET and DELETE ignore theirs."""
    if request.method not in WITH_BODY:
        return None
    try:
        return orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError:
        raise bad_body() from None
