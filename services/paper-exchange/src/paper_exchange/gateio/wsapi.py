"""The order API of the WebSocket (section 15): log in once, then order, cancel, amend and ask."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from paper_exchange.core.refusals import Refused
from paper_exchange.gateio import account, signing, trading
from paper_exchange.gateio.call import Call
from paper_exchange.gateio.errors import ApiError, bad_body, expired, refusal
from paper_exchange.gateio.fields import Fields
from paper_exchange.gateio.limits import Exceeded, Pool, Usage
from paper_exchange.gateio.sessions import Session
from paper_exchange.gateio.venue import Venue

Json = dict[str, Any]
LOGIN = "spot.login"


@dataclass(frozen=True, slots=True)
class Method:
    """One operation; `in_body` says whether its parameters are the body or the query of the same REST call."""

    run: Callable[[Call], Any]
    pool: Pool | None = None
    writes: bool = True
    in_body: bool = True


def _place(call: Call) -> Any:
    return trading.place_batch(call) if isinstance(call.body, list) else trading.place(call)


METHODS = {
    "spot.order_place": Method(_place),
    "spot.order_cancel": Method(trading.cancel, "cancel", in_body=False),
    "spot.order_cancel_ids": Method(trading.cancel_batch, "cancel"),
    "spot.order_cancel_cp": Method(trading.cancel_all, "cancel", in_body=False),
    "spot.order_amend": Method(trading.amend),
    "spot.order_status": Method(account.order, writes=False, in_body=False),
    "spot.order_list": Method(account.orders, writes=False, in_body=False),
}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request; `parameters` are an object, or a list for batches."""

    channel: str
    request_id: str
    payload: Json
    parameters: Any

    @classmethod
    def of(cls, asked: Json) -> "ApiRequest":
        """The request in a frame with event=api."""
        payload = asked.get("payload")
        payload = payload if isinstance(payload, dict) else {}
        return cls(str(asked.get("channel", "")), str(payload.get("req_id", "")), payload, payload.get("req_param"))

    def client_ids(self) -> tuple[str, ...]:
        """The texts of the orders that it places."""
        listed = self.parameters if isinstance(self.parameters, list) else [self.parameters]
        return tuple(str(item["text"]) for item in listed if isinstance(item, dict) and "text" in item)


class WsApi:
    """Answers the requests of sessions."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def answer(self, session: Session, asked: ApiRequest, now_ms: int) -> list[bytes]:
        """Carry out one request; placing is acknowledged by a frame of its own, whatever comes of it."""
        frames: list[bytes] = []
        usage: Usage | None = None
        try:
            result, usage = self._run(session, asked, now_ms)
            body: Json = {"result": result}
            status = 200
        except Exceeded as exceeded:
            usage, error = exceeded.usage, exceeded.error
            body, status = {"errs": error.body()}, error.status
        except ApiError as error:
            # Whoever has not logged in gets 400 here, not 401.
            body, status = {"errs": error.body()}, 400 if error.label == "AUTHENTICATION_FAILED" else error.status
        if asked.channel == "spot.order_place" and session.key is not None and status != 429:
            echo = {"req_id": asked.request_id, "req_header": None, "req_param": asked.parameters}
            unsigned = dict.fromkeys(("api_key", "timestamp", "signature"), "")
            ack = _head(session, asked, 200, usage, now_ms) | {"data": {"result": echo | unsigned}}
            frames.append(orjson.dumps({"request_id": asked.request_id, "ack": True} | ack))
        frames.append(_frame(session, asked, status, usage, now_ms, body))
        return frames

    def _run(self, session: Session, asked: ApiRequest, now_ms: int) -> tuple[Any, Usage | None]:
        if asked.channel == LOGIN:
            return self._log_in(session, asked, now_ms), None
        method = METHODS.get(asked.channel)
        if method is None:
            raise ApiError("INVALID_ARGUMENT", f"unknown channel {asked.channel}")
        key = session.key
        if key is None or key.is_revoked:
            raise ApiError("AUTHENTICATION_FAILED", "Not login")
        key.check_right("spot", writes=method.writes)
        _check_exptime(asked.payload.get("req_header"), now_ms)
        call = self._call(session, method, asked.parameters, now_ms)
        if method.pool is not None:
            call.spend(method.pool, str(call.uid))
        self._venue.obey_switches()
        try:
            return method.run(call), call.usage
        except Refused as refused:
            raise refusal(refused.reason) from None
        finally:
            self._venue.settle(now_ms)

    def _call(self, session: Session, method: Method, parameters: Any, now_ms: int) -> Call:
        fields: Json = parameters if isinstance(parameters, dict) else {}
        if not method.in_body and not isinstance(parameters, dict):
            raise bad_body()
        query, name = Fields({} if method.in_body else fields), str(fields.get("order_id", ""))
        return Call(self._venue, query, parameters, name, now_ms, session.key, "apiv4-ws")

    def _log_in(self, session: Session, asked: ApiRequest, now_ms: int) -> Json:
        payload = asked.payload
        key = self._venue.keys.find(str(payload.get("api_key", "")), session.address)
        timestamp = str(payload.get("timestamp", ""))
        signing.check_time(timestamp, now_ms)
        signed = "" if asked.parameters is None else orjson.dumps(asked.parameters).decode()
        content = signing.login_payload(LOGIN, signed, timestamp)
        signing.check_signature(key.secret, content, str(payload.get("signature", "")))
        session.key = key
        return {"api_key": key.api_key, "uid": str(key.uid)}


def failure(session: Session, asked: ApiRequest, error: ApiError, now_ms: int) -> bytes:
    """The frame of an error that something else than the request caused."""
    return _frame(session, asked, error.status, None, now_ms, {"errs": error.body()})


def _check_exptime(header: Any, now_ms: int) -> None:
    text = str(header.get("x-gate-exptime", "")) if isinstance(header, dict) else ""
    if text.isdecimal() and now_ms > int(text):
        raise expired()


def _frame(session: Session, asked: ApiRequest, status: int, usage: Usage | None, now_ms: int, data: Json) -> bytes:
    return orjson.dumps(
        {"request_id": asked.request_id} | _head(session, asked, status, usage, now_ms) | {"data": data}
    )


def _head(session: Session, asked: ApiRequest, status: int, usage: Usage | None, now_ms: int) -> Json:
    header: Json = {
        "response_time": str(now_ms), "status": str(status), "channel": asked.channel, "event": "api",
        "client_id": f"{session.address}-{session.conn_id}", "x_in_time": now_ms * 1000, "x_out_time": now_ms * 1000,
        "conn_id": session.conn_id, "conn_trace_id": session.conn_id * 2, "trace_id": secrets.token_hex(16),
    }  # fmt: skip
    if usage is not None:
        # What is left is absent when nothing is; the reset is in milliseconds here.
        remain = {"x_gate_ratelimit_requests_remain": usage.remain} if usage.remain else {}
        header |= remain | {
            "x_gate_ratelimit_limit": usage.most,
            "x_gate_ratelimit_reset_timestamp": usage.reset_ms,
        }
    return {"header": header}
