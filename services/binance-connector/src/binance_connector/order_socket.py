"""Order entry over the WebSocket API: a REST request's parameters under a method name, signed by the other rule.

Answers are handed on as the REST reply would have been: the body of `result` or `error`, limits as headers.
"""

import msgspec

from binance_connector.frames import EventEnvelope, RateLimitBody, WsApiFrame
from binance_connector.signing import signed_params
from binance_connector.ws_frames import RetryData, as_bytes, request_frame
from common.accounts import Credentials
from common.connector.bodies import parse
from common.connector.ports import (
    CloseAndReconnect,
    Frame,
    HttpRequest,
    Reply,
    ReplyReceived,
    StreamEvents,
    Unknown,
    Unreadable,
)
from common.errors import UnreadableFrame

# The WebSocket API types these as numbers; everything else, decimals above all, is sent as the text that was signed.
_INTEGERS = {"orderId", "orderListId", "limit", "startTime", "endTime", "fromId"}


class _ErrorData(msgspec.Struct, frozen=True):
    data: RetryData


class OrderEntry:
    """Implements the kit's OrderSocket for Binance."""

    def __init__(self, url: str, recv_window_ms: int) -> None:
        self._url = url
        self._recv_window_ms = recv_window_ms

    def prepare(self, now_ms: int) -> StreamEvents:
        """Nothing has to be asked before connecting."""
        return []

    def url(self) -> str | None:
        """The WebSocket API."""
        return self._url

    def on_open(self, now_ms: int) -> StreamEvents:
        """Every request carries its own key and signature, so there is nothing to log in to."""
        return []

    def on_time(self, now_ms: int) -> StreamEvents:
        """Nothing has to be kept alive."""
        return []

    def on_reply(self, request_id: str, reply: Reply | Unknown, now_ms: int) -> StreamEvents:
        """Nothing is ever asked over REST."""
        return []

    def request(self, request_id: str, request: HttpRequest, credentials: Credentials, now_ms: int) -> Frame:
        """The signed frame. Raises UnusableSecret."""
        assert request.channel, "this request exists over REST only"
        params: dict[str, str | int] = {
            name: int(value) if name in _INTEGERS else value for name, value in request.params
        }
        params["recvWindow"] = self._recv_window_ms
        signed = signed_params(params, credentials, now_ms)
        return request_frame(request_id, request.channel, signed)

    def on_frame(self, raw: Frame, now_ms: int) -> StreamEvents:
        """Answers, in any order; and the announcement of a restart."""
        data = as_bytes(raw)
        try:
            frame = parse(data, WsApiFrame)
        except UnreadableFrame as error:
            return _unreadable(data, error.reason)
        if frame.event is not None:
            # Nothing is subscribed here: what arrives can only be about the connection.
            return [CloseAndReconnect("the exchange announced a restart", planned=True)]
        if frame.id is None or frame.status is None:
            return [Unreadable(data, "an answer without a request")]
        return [ReplyReceived(str(frame.id), as_reply(frame))]


def as_reply(frame: WsApiFrame) -> Reply:
    """An answer of the WebSocket API as the REST reply it would have been."""
    assert frame.status is not None, "only answers become replies"
    headers = {name: str(limit.count) for limit in frame.rate_limits if (name := _header(limit)) is not None}
    body = bytes(frame.result)
    if frame.status != 200:
        body = bytes(frame.error)
        try:
            data = parse(body, _ErrorData).data
            # The REST header counts whole seconds.
            headers["retry-after"] = str(-(-data.wait_ms // 1000))
        except UnreadableFrame:
            pass  # Most errors name no time to wait.
    return Reply(status=frame.status, headers=headers, body=body)


def _header(limit: RateLimitBody) -> str | None:
    if limit.count is None:
        return None
    interval = f"{limit.interval_num}{limit.interval[:1].lower()}"
    match limit.rate_limit_type:
        case "REQUEST_WEIGHT":
            return f"x-mbx-used-weight-{interval}"
        case "ORDERS":
            return f"x-mbx-order-count-{interval}"
        case _:
            return None


def _unreadable(data: bytes, reason: str) -> StreamEvents:
    try:
        parse(data, EventEnvelope)
    except UnreadableFrame:
        return [Unreadable(data, reason)]
    return []  # An event of a kind we do not know.
