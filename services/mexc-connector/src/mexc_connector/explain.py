"""Any payload of MEXC to facts, told apart by its own keys: bytes whose request nobody remembers."""

import base64
import binascii
from collections.abc import Callable
from typing import Any

import msgspec
from google.protobuf.json_format import ParseDict, ParseError

from common.connector.bodies import parse
from common.connector.ports import Rejected, Reply, Unknown
from common.errors import UnreadableFrame
from common.exchanges import Exchange
from common.mexc_proto import Push, body_name
from common.tools.lines import Context, Line, answered, ignored, joined, refused, told
from mexc_connector import control, prices, reads, replies, symbols
from mexc_connector.frames import (
    AccountBody,
    AggTradeBody,
    ApiKeyBody,
    DepthBody,
    ErrorBody,
    ExchangeInfoBody,
    KlineRow,
    OrderAck,
    OrderBody,
    PublicTradeBody,
    ServerTimeBody,
    TickerBody,
    TradeBody,
)
from mexc_connector.lines import Payload
from mexc_connector.refusals import is_success
from mexc_connector.translate import ACCOUNT, DEALS, ORDERS, balance_fact, fill_fact, order_fact, read_push

_CANCEL_TAKEN = "the cancel was taken; the state beside it is the one before it, so the order itself must be asked"


def explain_push(raw: bytes, context: Context) -> Line:
    """A binary push. Raises UnreadableFrame."""
    return _push(*read_push(raw), context)


def _push(push: Any, body: str | None, context: Context) -> Line:
    account_id, now_ms = context.account_id or "unknown", context.ts_init_ms
    if body == ACCOUNT:
        return told("event", (balance_fact(push, account_id, now_ms),))
    if body == DEALS:
        return told("event", (fill_fact(push, account_id, now_ms),))
    if body == ORDERS:
        fact = order_fact(push, account_id, now_ms)
        return ignored("an order of the web interface") if fact is None else told("event", (fact,))
    facts = prices.market_facts(push, body, now_ms)
    return told("market", facts) if facts else ignored(f"a push we have no use for: {body or 'newer than the schema'}")


def explain_text(text: str) -> Line:
    """A text frame that is no JSON. Raises UnreadableFrame."""
    if text.strip() == control.INVALID_KEY:
        return ignored("the listen key is invalid: the stream asks for another and connects anew")
    raise UnreadableFrame("raw: not JSON")


def explain(payload: Payload) -> Line:
    """The facts of a JSON payload. Raises UnreadableFrame."""
    value = payload.value
    if payload.status is not None and (refusal := _refusal(payload)) is not None:
        return refused(refusal, payload.context, Exchange.MEXC)
    if isinstance(value, list):
        return _many(payload, value)
    if not isinstance(value, dict):
        raise UnreadableFrame("raw: neither an object nor a list")
    if not value:
        return ignored("an empty answer (ping, a test order): it says only that it arrived")
    for keys, read in _SHAPES:
        if keys <= value.keys():
            return read(payload)
    for key, reason in _UNUSED.items():
        if key in value:
            return ignored(reason)
    raise UnreadableFrame("raw: a shape that is not documented")


def _refusal(payload: Payload) -> Rejected | Unknown | None:
    return replies.refusal(Reply(status=payload.status or 0, headers=payload.context.headers, body=payload.body))


def _many(payload: Payload, items: list[Any]) -> Line:
    context = payload.context
    if items and all(isinstance(item, list) for item in items):
        rows = parse(payload.body, list[KlineRow])
        if context.symbol is None or context.interval is None:
            return ignored("candles do not say whose they are: give context.symbol and context.interval", "read")
        return told("read", prices.candles(rows, context.symbol, context.interval, context.ts_init_ms))
    for keys, type_, read in _PUBLIC_LISTS:
        if items and all(isinstance(item, dict) and keys <= item.keys() for item in items):
            told_rows = parse(payload.body, list[type_])  # type: ignore[valid-type]
            if context.symbol is None:
                return ignored("public trades do not say whose they are: give context.symbol", "read")
            return told("read", read(told_rows, context.symbol, context.ts_init_ms))
    return joined(explain(payload.within(item)) for item in items)


_PUBLIC_LISTS: tuple[tuple[frozenset[str], Any, Callable[[Any, str, int], Any]], ...] = (
    (frozenset({"price", "isBuyerMaker"}), PublicTradeBody, prices.public_trades),
    (frozenset({"p", "q", "T", "m"}), AggTradeBody, prices.aggregate_trades),
)


def _recorded(payload: Payload) -> Line:
    """A reply as recordings keep it: its body beside its status."""
    status = payload.value["http_status"]
    if isinstance(status, bool) or not isinstance(status, int):
        raise UnreadableFrame("http_status: a number is needed")
    return explain(payload.within(payload.value["body"], status))


def _recorded_push(payload: Payload) -> Line:
    try:
        raw = base64.b64decode(payload.value["protobuf_base64"], validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise UnreadableFrame("protobuf_base64: not base64") from error
    return explain_push(raw, payload.context)


def _decoded_push(payload: Payload) -> Line:
    try:
        push = ParseDict(payload.value, Push(), ignore_unknown_fields=True)
    except (ParseError, RecursionError, ValueError, AttributeError) as error:
        raise UnreadableFrame(f"raw: not a push: {error}") from error
    return _push(push, body_name(push), payload.context)


def _text_frame(payload: Payload) -> Line:
    return explain_text(str(payload.value["text_frame"]))


def _steps(payload: Payload) -> Line:
    """A recorded course of events."""
    steps = payload.value["steps"]
    if not isinstance(steps, list) or not all(isinstance(step, dict) and "data" in step for step in steps):
        raise UnreadableFrame("steps: a list of objects with data is needed")
    return joined(explain(payload.within(step["data"])) for step in steps)


def _control(payload: Payload) -> Line:
    answer = control.read_control(payload.body)
    if answer.method is not None:
        return ignored("a request, not an answer")
    if control.is_refusal(answer):
        return ignored(f"not subscribed, although the code is a success: {answer.msg}")
    return ignored("the answer to a control frame")


def _coded(payload: Payload) -> Line:
    """An error, or the wrapper that some successes come in."""
    error = parse(payload.body, ErrorBody)
    if not is_success(error.code):
        reply = Reply(status=payload.status or 400, headers=payload.context.headers, body=payload.body)
        client_id = payload.value.get("newClientOrderId") or payload.context.client_order_id
        # An entry of a batch names its own order.
        context = msgspec.structs.replace(
            payload.context, client_order_id=client_id if isinstance(client_id, str) else None
        )
        return refused(replies.judged(error, reply), context, Exchange.MEXC)
    if "data" in payload.value:
        return ignored("a list or a setting we have no use for: instruments and fees are read elsewhere")
    return ignored("every order of the account is being cancelled: each tells its end itself", "accepted")


def _order(payload: Payload) -> Line:
    """Anything with an `orderId`: a trade, an order, a cancel that was taken, a placement that was accepted."""
    value, reader = payload.value, payload.reader
    if "isBuyer" in value:
        return told("read", (reader.trade(parse(payload.body, TradeBody)),))
    if "origClientOrderId" in value or ("type" in value and "transactTime" not in value and "status" not in value):
        parse(payload.body, OrderAck)
        return ignored(_CANCEL_TAKEN, "accepted")
    if "status" in value:
        return told("read", (reader.snapshot(parse(payload.body, OrderBody)),))
    ack, context = parse(payload.body, OrderAck), payload.context
    symbol = ack.symbol or context.symbol
    if symbol is None:
        raise UnreadableFrame("symbol: missing, and not in the context")
    return told("accepted", (reader.accepted(ack, symbol=symbol, client_order_id=context.client_order_id),))


def _account(payload: Payload) -> Line:
    body = parse(payload.body, AccountBody)
    return joined(
        (told("read", (payload.reader.balances(body),)), answered("key_check", (reads.key_of_account(body),)))
    )


def _depth(payload: Payload) -> Line:
    context = payload.context
    body = parse(payload.body, DepthBody)
    if context.symbol is None:
        return ignored("a book does not say whose it is: give context.symbol", "read")
    return told("read", (prices.depth(body, context.symbol, context.ts_init_ms),))


def _time(payload: Payload) -> Line:
    server_time = parse(payload.body, ServerTimeBody).server_time
    return answered("server_time", ({"server_time_ms": server_time},))


def _instruments(payload: Payload) -> Line:
    return answered("instrument", symbols.exchange_info(parse(payload.body, ExchangeInfoBody)).instruments)


def _request(payload: Payload) -> Line:
    return ignored("a request, not an answer")


_SHAPES: tuple[tuple[frozenset[str], Callable[[Payload], Line]], ...] = (
    (frozenset({"http_status", "body"}), _recorded),
    (frozenset({"protobuf_base64"}), _recorded_push),
    (frozenset({"text_frame"}), _text_frame),
    (frozenset({"steps"}), _steps),
    (frozenset({"channel"}), _decoded_push),
    (frozenset({"method", "path"}), _request),
    (frozenset({"method"}), _control),
    (frozenset({"id", "code", "msg"}), _control),
    (frozenset({"code"}), _coded),
    (frozenset({"orderId"}), _order),
    (frozenset({"symbols", "serverTime"}), _instruments),
    (frozenset({"balances"}), _account),
    (
        frozenset({"permissions", "accessKey"}),
        lambda p: answered("key_check", (reads.key_of_info(parse(p.body, ApiKeyBody)),)),
    ),
    (frozenset({"serverTime"}), _time),
    (frozenset({"lastUpdateId", "bids"}), _depth),
    *(
        (
            frozenset({"symbol", key}),
            lambda p: told("read", (prices.ticker(parse(p.body, TickerBody), p.context.ts_init_ms),)),
        )
        for key in ("lastPrice", "bidPrice", "price")
    ),
)
"""The first shape whose keys are all there; the order matters where one shape's keys hold another's."""

_UNUSED = {
    "mins": "the average price: we protect by the best bid",
    "listenKey": "listen keys open private sockets: they are never told",
    "data": "suspended symbols: exchangeInfo says the same of each",
    "uid": "the account's number: nothing needs it",
    "status": "how far the account's owner is known to the exchange: a key says itself what it may do",
}
