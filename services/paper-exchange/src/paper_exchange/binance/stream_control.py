"""SUBSCRIBE and its kin, as market sockets send them (section 9)."""

from typing import Any

import orjson

from paper_exchange.binance.streams import MOST_STREAMS, Listener, Streams

Json = dict[str, Any]


def answer_control(streams: Streams, listener: Listener, text: str, now_ms: int) -> Json:
    """Act on one message of a market socket; answers its answer."""
    try:
        asked = orjson.loads(text)
        method, names, request_id = asked["method"], asked.get("params") or [], asked.get("id")
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        return {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}
    if request_id is not None and not isinstance(request_id, int | str):
        return _error("request ID must be an unsigned integer")
    if not isinstance(names, list):
        return _error("params must be an array")
    result: Any = None
    match method:
        case "SUBSCRIBE":
            if len(streams.names(listener)) + len(names) > MOST_STREAMS:
                return _error("too many subscriptions")
            for name in names:
                streams.subscribe(listener, str(name), now_ms)
        case "UNSUBSCRIBE":
            for name in names:
                streams.unsubscribe(listener, str(name))
        case "LIST_SUBSCRIPTIONS":
            result = streams.names(listener)
        case "SET_PROPERTY" if names[:1] == ["combined"] and len(names) == 2:
            listener.combined = bool(names[1])
        case "GET_PROPERTY" if names[:1] == ["combined"]:
            result = listener.combined
        case _:
            return _error(f"unknown variant `{method}`")
    return {"result": result, "id": request_id}


def _error(reason: str) -> Json:
    return {"code": 2, "msg": f"Invalid request: {reason}"}
