"""Request bodies read with exact decimals: 0.1 on the wire is 0.1 here, not the float next to it."""

import json
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class _ExactRequest(Request):
    async def json(self) -> Any:
        body = await self.body()
        return json.loads(body, parse_float=Decimal, parse_constant=_no_number)


class ExactJsonRoute(APIRoute):
    """A route whose JSON body has Decimals where a number has a fraction."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def exact(request: Request) -> Response:
            return await handler(_ExactRequest(request.scope, request.receive))

        return exact


def _no_number(constant: str) -> Any:
    raise json.JSONDecodeError(f"{constant} is not JSON", constant, 0)
