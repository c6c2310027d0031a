"""Stamps for benchmarks (monotonic ns): when the frame of a fill or of a book ticker was written, when an order request
had been read.
"""

import time
from collections import deque
from typing import Any

Stamp = tuple[int, str, int, int]
"""A fill: uid, symbol, order id, trade id."""
BookStamp = tuple[str, str, str]
"""A book ticker: symbol, best bid, best ask."""
FillRow = tuple[int, int, str, int, int]
BookRow = tuple[int, str, str, str]
RequestRow = tuple[int, int | None, str, tuple[str, ...]]
KEPT_BOOKS = 50_000  # they come all day, whether or not anybody measures


class Timings:
    """Plain appends on the hot path; everything else when somebody asks."""

    def __init__(self) -> None:
        self.fills: list[FillRow] = []
        self.books: deque[BookRow] = deque(maxlen=KEPT_BOOKS)
        self.requests: list[RequestRow] = []

    def written(self, stamp: Stamp | BookStamp) -> None:
        """A frame is being written now."""
        if len(stamp) == 4:
            self.fills.append((time.monotonic_ns(), *stamp))
        else:
            self.books.append((time.monotonic_ns(), *stamp))

    def reset(self) -> None:
        """Forget everything so far."""
        self.fills.clear()
        self.books.clear()
        self.requests.clear()

    def as_json(self) -> dict[str, Any]:
        """The three lists, as objects."""
        return {
            "fills": [
                {"written_ns": ns, "uid": uid, "symbol": symbol, "order_id": order_id, "trade_id": trade_id}
                for ns, uid, symbol, order_id, trade_id in self.fills
            ],
            "books": [
                {"written_ns": ns, "symbol": symbol, "bid_px": bid, "ask_px": ask}
                for ns, symbol, bid, ask in self.books
            ],
            "requests": [
                {"read_ns": ns, "uid": uid, "call": call, "client_order_ids": list(ids)}
                for ns, uid, call, ids in self.requests
            ],
        }
