"""What goes wrong where the rows of the gateway meet the views of the order-engine."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from common.db.errors import typed_errors
from common.errors import Unavailable


@contextmanager
def ledger_errors() -> Iterator[None]:
    """As `typed_errors`; views that are not there yet are Unavailable as well, because the engine is migrating."""
    try:
        with typed_errors():
            yield
    except asyncpg.UndefinedTableError as error:
        raise Unavailable("the order-engine's ledger") from error
