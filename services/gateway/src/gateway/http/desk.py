"""What every trading endpoint does with its words: find the account, check against the market, carry out once."""

import asyncio
import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
from fastapi import Response
from pydantic import BaseModel

from common.codec import plain
from common.errors import Refused
from common.exchanges import Exchange, Residency
from common.ids import new_id
from common.intents import CancelOrderIntent
from gateway.accounts import must_trade
from gateway.http.parts import Parts
from gateway.ports import Account, Answer
from gateway.resting import resting
from gateway.trading.errands import Errand, cancel_errand, entry_errand
from gateway.trading.gather import Composed, composed, gathered
from gateway.trading.intents import Stamp
from gateway.trading.preview import order_preview
from gateway.trading.purse import Purse
from gateway.trading.refusals import invalid
from gateway.trading.rules import check_client_order_id
from gateway.trading.service import Ticket
from gateway.trading.wishes import OrderWish


class _Named(NamedTuple):
    """An order by both of its ids; with the level of its exit where the engine holds it."""

    client_order_id: str | None
    exchange_order_id: str | None
    held_level: int | None = None


class Desk:
    """Where orders are placed and cancelled, whichever path they came by."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def place(
        self, ticket: Ticket, exchange: Exchange, wish: OrderWish, purse: Purse | None = None, **shown: Any
    ) -> Answer:
        """One entry, protected when it is a buy; `shown` stands beside it in the answer. Raises Refused."""

        async def make() -> Errand:
            await self._parts.pacer.turn(ticket.user_id)
            order = await self._composed(ticket.user_id, exchange, wish, purse)
            return entry_errand(order.intent, shown, order.stake)

        return await self._parts.trading.once(ticket, make)

    async def preview(self, user_id: str, exchange: Exchange, wish: OrderWish) -> dict[str, Any]:
        """What `place` would send; refused as it would be. Raises Refused."""
        order = await self._composed(user_id, exchange, wish)
        if order.stake is not None:
            await self._parts.risk.check(order.stake, order.intent.ts_init_ms)
        return order_preview(order.intent, order.stake)

    async def _composed(
        self, user_id: str, exchange: Exchange, wish: OrderWish, purse: Purse | None = None
    ) -> Composed:
        stamp = await self.stamp(user_id, exchange, wish.credential_id)
        seen, own = await asyncio.gather(
            gathered(self._parts.connector(exchange), stamp.account, wish.symbol),
            self._parts.defaults.of(user_id, exchange),
        )
        free = purse.left(stamp.account.account_id, seen.free) if purse else seen.free
        order = composed(wish.completed_by(own), stamp, seen.listing, free)
        if purse:
            purse.take(order.intent)
        return order

    async def cancel(
        self,
        ticket: Ticket,
        exchange: Exchange,
        symbol: str,
        order_id: str | None,
        client_order_id: str | None,
        credential_id: str | None,
    ) -> Answer:
        """Cancel the order with exactly one of the two ids. Raises Refused."""
        if (order_id is None) is (client_order_id is None):
            raise invalid("orderId", "One of orderId and clientOrderId names the order.", "Give exactly one of them.")
        if client_order_id is not None:
            check_client_order_id(exchange, client_order_id, "clientOrderId")

        async def make() -> Errand:
            stamp = await self.stamp(ticket.user_id, exchange, credential_id)
            order = await self._order(stamp.account, symbol, order_id, client_order_id)
            intent = CancelOrderIntent(
                **stamp.fields,
                symbol=symbol,
                client_order_id=order.client_order_id,
                exchange_order_id=order.exchange_order_id,
            )
            return cancel_errand(intent, order.held_level)

        return await self._parts.trading.once(ticket, make)

    async def stamp(self, user_id: str, exchange: Exchange, credential_id: str | None) -> Stamp:
        """A fresh intent id for the account the request means. Raises Refused."""
        self._parts.connector(exchange)
        account = must_trade(await self._parts.accounts.chosen(user_id, exchange, credential_id))
        now_ms = self._parts.clock.now_ms()
        return Stamp(
            intent_id=new_id(), account=account, now_ms=now_ms, valid_until_ms=now_ms + self._parts.intent_valid_ms
        )

    async def _order(
        self, account: Account, symbol: str, order_id: str | None, client_order_id: str | None
    ) -> "_Named":
        """The order that is meant: one of ours that has not ended, or one that rests. Raises Refused."""
        if client_order_id is not None:
            for ours in await self._parts.ledger.orders_by_client_id(account.account_id, [client_order_id]):
                if ours.symbol == symbol and ours.status in {"PENDING", "NEW", "PARTIALLY_FILLED"}:
                    held = ours.residency == Residency.ENGINE and ours.pair
                    return _Named(client_order_id, ours.order_id, ours.pair - 1 if held and ours.pair else None)
        connector = self._parts.connector(account.exchange)
        for order in [each.order for each in await resting(connector, self._parts.ledger, account, symbol)]:
            if order_id in {order.exchange_order_id, None} and client_order_id in {order.client_order_id, None}:
                return _Named(order.client_order_id, order.exchange_order_id)
        raise Refused(
            code="ORDER_NOT_FOUND",
            title="Order not found",
            field="orderId" if order_id else "clientOrderId",
            rule=f"No open order of {symbol} has this id.",
            fix="List GET /exchanges/open-orders.",
            status=404,
        )


def ticket_of(
    user_id: str, key: str | None, what: str, exchange: Exchange, words: BaseModel | Mapping[str, Any]
) -> Ticket:
    """The request's identity: the same words in another order, or 0.10 for 0.1, are the same request."""
    said = words.model_dump() if isinstance(words, BaseModel) else dict(words)
    text = orjson.dumps([what, exchange.value, said], default=_spelled, option=orjson.OPT_SORT_KEYS)
    return Ticket(user_id=user_id, idempotency_key=key, request_hash=hashlib.sha256(text).hexdigest())


def _spelled(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} stands in no request")


def answered(answer: Answer) -> Response:
    """The answer as it leaves."""
    kind = "application/json" if answer.status < 300 else "application/problem+json"
    return Response(answer.body, answer.status, media_type=kind)
