"""Calls in a row: what one answers decides what is asked next, and the whole is one call again."""

from collections.abc import Callable
from typing import TypeVar

from common.connector.ports import Call, Reply

A = TypeVar("A")
B = TypeVar("B")


def then(call: Call[A], follow: Callable[[A, int], "B | Call[B]"]) -> Call[B]:
    """The call, and after its last reply what `follow(answer, now_ms)` makes of the answer: a value or a next call."""

    def read(reply: Reply, now_ms: int) -> "B | Call[B]":
        answer = call.read(reply, now_ms)
        return then(answer, follow) if isinstance(answer, Call) else follow(answer, now_ms)

    return Call(call.request, read)
