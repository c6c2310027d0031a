"""A client of a made-up exchange on a fake wire."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from common.testing.connector import FakeExchange, until


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    return until


@pytest.fixture
def exchange() -> FakeExchange:
    return FakeExchange()
