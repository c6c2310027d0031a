"""The REST face without its sockets: a request goes in, an answer comes out."""

from dataclasses import dataclass

import orjson

from paper_exchange.core.refusals import Refused
from paper_exchange.mexc import signing
from paper_exchange.mexc.call import Call
from paper_exchange.mexc.errors import ApiError, bad_content_type, bad_signature, no_permission, refusal
from paper_exchange.mexc.keys import ApiKey
from paper_exchange.mexc.params import Params, read_params
from paper_exchange.mexc.routes import REST, Route
from paper_exchange.mexc.venue import Venue
from paper_exchange.reply import Reply


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One HTTP request; `query` and `body` exactly as sent, because that is what was signed."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    content_type: str = ""
    address: str = "127.0.0.1"


def answer(venue: Venue, request: RestRequest, now_ms: int) -> Reply:
    """Answer one HTTP request."""
    methods = REST.get(request.path)
    if methods is None:
        return error_reply(ApiError(404, "Not Found", 404))
    route = methods.get(request.method)
    if route is None:
        return error_reply(ApiError(405, "Method Not Allowed", 405))
    try:
        raw = read_params(request.query, request.body)
        params = Params(raw)
        venue.meter.spend(request.address, request.path, route.weigh(params), now_ms, venue.switches)
        key = None if route.permission is None else _admit(venue, route, request, raw, now_ms)
        return Reply(200, orjson.dumps(route.run(Call(venue, params, now_ms, key))))
    except Refused as refused:
        return error_reply(refusal(refused.reason))
    except ApiError as error:
        return error_reply(error)


def _admit(venue: Venue, route: Route, request: RestRequest, raw: dict[str, str], now_ms: int) -> ApiKey:
    """Content type, key, time, signature, permission, in this order. Raises: ApiError."""
    _check_content_type(venue, request)
    key = venue.keys.find(request.api_key)
    signing.check_time(raw, now_ms)
    if not raw.get("signature"):
        raise bad_signature()
    signing.check_signature(key.secret, signing.payload(request.query, request.body), raw["signature"])
    if route.permission not in key.permissions:
        raise no_permission()
    return key


def _check_content_type(venue: Venue, request: RestRequest) -> None:
    asked_of = venue.switches.content_type
    if asked_of == "off" or (asked_of == "writes" and request.method == "GET"):
        return
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise bad_content_type()


def error_reply(error: ApiError) -> Reply:
    """An error with its headers."""
    headers = {"Retry-After": str(-(-error.retry_after_ms // 1000))} if error.retry_after_ms else {}
    return Reply(error.status, orjson.dumps(error.body()), headers)
