"""Stamps for benchmarks: when a fill's frame was written, when an order request had been read (monotonic ns)."""

from typing import Any

FillStamp = tuple[int, int, str, int, int]
RequestStamp = tuple[int, int | None, str, tuple[str, ...]]


class Timings:
    """Plain appends on the hot path; everything else when somebody asks."""

    def __init__(self) -> None:
        self.fills: list[FillStamp] = []
        self.requests: list[RequestStamp] = []

    def reset(self) -> None:
        """Forget everything so far."""
        self.fills.clear()
        self.requests.clear()

    def as_json(self) -> dict[str, Any]:
        """Both lists, as objects."""
        return {
            "fills": [
                {"written_ns": ns, "uid": uid, "symbol": symbol, "order_id": order_id, "trade_id": trade_id}
                for ns, uid, symbol, order_id, trade_id in self.fills
            ],
            "requests": [
                {"read_ns": ns, "uid": uid, "call": call, "client_order_ids": list(ids)}
                for ns, uid, call, ids in self.requests
            ],
        }
