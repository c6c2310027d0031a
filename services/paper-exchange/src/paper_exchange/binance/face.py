"""The face without its sockets: a request goes in, an answer comes out, and facts go to whoever listens."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

from paper_exchange.binance import security, signing
from paper_exchange.binance.call import Call
from paper_exchange.binance.errors import ApiError, refusal
from paper_exchange.binance.keys import ApiKey, KeyRing
from paper_exchange.binance.limits import Limits, Meter
from paper_exchange.binance.params import Params
from paper_exchange.binance.routes import REMOVED, REST, Route
from paper_exchange.core.events import Event, OrderTraded
from paper_exchange.core.exchange import Exchange
from paper_exchange.core.instruments import DEFAULT_INSTRUMENTS, Instrument
from paper_exchange.core.refusals import Refused
from paper_exchange.reply import Reply

GONE = (
    b"<html>\r\n<head><title>410 Gone</title></head>\r\n"
    b"<body>\r\n<center><h1>410 Gone</h1></center>\r\n</body>\r\n</html>\r\n"
)
NOT_FOUND = GONE.replace(b"410 Gone", b"404 Not Found")
FIRST_UID = 700_000_000
# The first fill of an order gives places back: one as taker, five as maker in the documents' example (section 4).
_TAKER_REFUND, _MAKER_REFUND = 1, 5
Listener = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class RestRequest:
    """One HTTP request; `query` and `body` exactly as sent, because that is what was signed."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    address: str = "127.0.0.1"


class BinanceFace:
    """One Binance: its exchange, keys, limits and calls. Time is whatever the caller says it is."""

    def __init__(
        self,
        rng: random.Random,
        now_ms: int,
        limits: Limits | None = None,
        instruments: Iterable[Instrument] = DEFAULT_INSTRUMENTS,
    ) -> None:
        self.exchange = Exchange(instruments, rng, self._on_event, now_ms)
        self.keys = KeyRing()
        self.meter = Meter(limits or Limits())
        self.listeners: list[Listener] = []
        self._last_uid = FIRST_UID

    def next_uid(self) -> int:
        """Uids count up."""
        self._last_uid += 1
        return self._last_uid

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderTraded) and len(event.order.fills) == 1:
            refund = _MAKER_REFUND if event.fill.is_maker else _TAKER_REFUND
            self.meter.count_orders(event.order.uid, -refund, event.ts_ms)
        for listener in self.listeners:
            listener(event)

    # -- REST -----------------------------------------------------------------------------------------------------

    def rest(self, request: RestRequest, now_ms: int) -> Reply:
        """Answer one HTTP request."""
        if request.path in REMOVED:
            return Reply(410, GONE, content_type="text/html")
        methods = REST.get(request.path)
        if methods is None:
            return Reply(404, NOT_FOUND, content_type="text/html")
        route = methods.get(request.method)
        if route is None:
            return Reply(405, NOT_FOUND.replace(b"404 Not Found", b"405 Not Allowed"), content_type="text/html")
        call: Call | None = None
        try:
            params = read_params(request.query, request.body)
            self.meter.spend(request.address, route.weigh(params), now_ms)
            key = self._rest_key(route, request, params, now_ms)
            call = self._call(params, key, now_ms)
            status, body = 200, orjson.dumps(self.run(route, call, request.address))
        except ApiError as error:
            status, body = error.status, orjson.dumps(error.body())
            headers = self._headers(request.address, call, now_ms, retry_after_ms=error.retry_after_ms)
            return Reply(status, body, headers)
        return Reply(status, body, self._headers(request.address, call, now_ms))

    def _rest_key(self, route: Route, request: RestRequest, params: dict[str, str], now_ms: int) -> ApiKey | None:
        if route.security == "NONE":
            return None
        key = self.keys.find(request.api_key)
        security.check_signed(key, params, signing.rest_payload(request.query, request.body), now_ms)
        return key

    def _call(self, params: Mapping[str, str], key: ApiKey | None, now_ms: int) -> Call:
        reader = Params(params)
        reader.ignore("timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits")
        return Call(self.exchange, self.meter, reader, now_ms, key)

    def run(self, route: Route, call: Call, address: str) -> Any:
        """Run one operation and what it sets off. Raises: ApiError."""
        try:
            result = route.run(call)
        except Refused as refused:
            raise refusal(refused.reason) from None
        finally:
            self.exchange.settle(call.now_ms)
        if route.is_free_on_success:
            self.meter.charge(address, -1, call.now_ms)
        return result

    def _headers(self, address: str, call: Call | None, now_ms: int, *, retry_after_ms: int = 0) -> dict[str, str]:
        used = str(self.meter.used_weight(address, now_ms))
        headers = {"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}
        if call is not None and call.orders_placed:
            short, day = self.meter.order_counts(call.signer.uid, now_ms)
            headers |= {"x-mbx-order-count-10s": str(short), "x-mbx-order-count-1d": str(day)}
        if retry_after_ms:
            headers["Retry-After"] = str(-(-retry_after_ms // 1000))
        return headers

    # -- WebSocket API --------------------------------------------------------------------------------------------

    def ws_call(
        self, route: Route, params: dict[str, str], session_key: ApiKey | None, address: str, now_ms: int
    ) -> Call:
        """Check and charge one WebSocket API request; `session_key` stands in for key and signature.

        Raises: ApiError.
        """
        self.meter.spend(address, route.weigh(params), now_ms)
        key = None if route.security == "NONE" else self.ws_key(params, session_key, now_ms)
        return self._call(params, key, now_ms)

    def ws_key(self, params: dict[str, str], session_key: ApiKey | None, now_ms: int) -> ApiKey:
        """Who sends these parameters. Raises: ApiError."""
        if "apiKey" not in params and session_key is not None:
            security.check_time(params, now_ms)
            return session_key
        key = self.keys.find(params.get("apiKey"))
        security.check_signed(key, params, signing.ws_payload(params), now_ms)
        return key


def read_params(query: str, body: str) -> dict[str, str]:
    """Query and form body together; a name in both keeps the query's value. Raises: -1101 for a repeated name."""
    params = _parse(body) if body else {}
    if query:
        params |= _parse(query)
    return params


def _parse(text: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for piece in text.split("&"):
        name, _, value = piece.partition("=")
        if not piece:
            continue
        if name in params:
            raise ApiError(-1101, "Duplicate values for a parameter detected.")
        params[name] = unquote_plus(value) if "%" in value or "+" in value else value
    return params
