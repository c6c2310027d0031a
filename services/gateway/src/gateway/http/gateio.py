"""/gateio-account: the account on Gate.io, and transfers between its wallets."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Response
from fastapi.routing import APIRoute

from common.exchanges import Exchange
from gateway import answers
from gateway.accounts import must_trade
from gateway.http import examples
from gateway.http.account_examples import BALANCE, TRANSFERRED
from gateway.http.desk import answered, ticket_of
from gateway.http.exact_json import ExactJsonRoute
from gateway.http.examples import example
from gateway.http.look import Look
from gateway.http.parts import Parts, caller_of
from gateway.http.trading import CredentialId, IdempotencyKey
from gateway.ports import Account, Answer, Transfer
from gateway.trading.transfers import TransferBody, check_leaves_protection

GATEIO = Exchange.GATEIO


def router(parts: Parts) -> APIRouter:
    """The routes of this area."""
    route_class: type[APIRoute] = ExactJsonRoute
    routes = APIRouter(prefix="/gateio-account", tags=["gateio"], route_class=route_class)
    UserId = Annotated[str, Depends(caller_of(parts))]  # noqa: N806 - a type.
    look = Look(parts)

    @routes.get("/spot/assets", responses=example(200, BALANCE), summary="What the account has")
    async def assets(user_id: UserId, credential_id: CredentialId = None) -> Response:
        account = await look.account(user_id, GATEIO, credential_id)
        return answers.json_response(answers.success(await look.balances(account)))

    @routes.post(
        "/wallet/transfers",
        responses=example(200, TRANSFERRED),
        summary="Move money between your own wallets",
    )
    async def transfer(
        body: Annotated[
            TransferBody,
            Body(openapi_examples={"out": {"summary": "To the futures wallet", "value": examples.TRANSFER}}),
        ],
        user_id: UserId,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Gate.io knows no id of ours here: with a key it is sent once, without one look before you repeat a 503."""
        wish = body.wish
        account = must_trade(await look.account(user_id, GATEIO, body.credential_id))

        async def move() -> Answer:
            transfer_id = await parts.connector(GATEIO).transfer(account.account_id, wish)
            shown = {"currency": wish.currency, "from": wish.from_wallet, "to": wish.to_wallet, "amount": wish.amount}
            return Answer(status=200, body=answers.success({"tx_id": transfer_id, **shown}))

        ticket = ticket_of(user_id, idempotency_key, "transfer", GATEIO, body)
        now_ms = parts.clock.now_ms()
        return answered(await parts.transfers.once(ticket, now_ms, lambda: _check(parts, account, wish), move))

    return routes


async def _check(parts: Parts, account: Account, wish: Transfer) -> None:
    connector = parts.connector(GATEIO)
    instruments, balances, brackets = await asyncio.gather(
        connector.instruments(),
        connector.balances(account.account_id),
        parts.ledger.brackets([account.account_id], None, 500),
    )
    pairs = [each.symbol for each in instruments if each.base == wish.currency]
    check_leaves_protection(wish, balances, brackets, pairs)
