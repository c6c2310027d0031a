"""What a connector measures. The hops of the hot path go into `common.metrics.HOP` under the names here."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

FRAME_TO_FACT: Final = "frame_to_fact_published"
"""A private frame received -> its facts acknowledged by the broker."""
COMMAND_TO_REQUEST: Final = "command_to_request_written"
"""A command taken from its queue -> its signed request handed to the socket."""
REQUEST_TO_REPLY: Final = "request_written_to_reply"
"""The request handed to the socket -> its reply read."""

STREAM_SILENT: Final = Gauge("cgt_stream_silent_seconds", "Since the last frame of a socket", ["exchange", "socket"])
STREAM_OPEN: Final = Gauge("cgt_stream_open_seconds", "Since a socket was connected", ["exchange", "socket"])
RECONNECTS: Final = Counter("cgt_stream_reconnects", "Sockets opened again", ["exchange", "kind"])
GAPS: Final = Histogram(
    "cgt_stream_gap_seconds",
    "How long an account was without a complete stream, until what it missed was read",
    ["exchange"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
OLDEST_GAP: Final = Gauge("cgt_stream_gap_oldest_seconds", "The age of the oldest gap that is still open", ["exchange"])
UNREADABLE: Final = Counter("cgt_frames_unreadable", "Frames nobody understands", ["exchange"])
ACCOUNTS_LIVE: Final = Gauge("cgt_accounts_live", "Accounts whose stream is live, with no gap", ["exchange"])
ACCOUNTS_PARKED: Final = Gauge("cgt_accounts_parked", "Accounts set aside because of their key", ["exchange"])
OUTCOMES: Final = Counter("cgt_order_requests", "Order requests by outcome", ["exchange", "operation", "outcome"])
SETTLING: Final = Gauge("cgt_orders_settling", "Orders whose outcome is being asked for", ["exchange"])
RECOVERIES: Final = Counter("cgt_gap_recoveries", "Accounts read because facts may have been missed", ["exchange"])
FACTS_OVERFLOWED: Final = Counter(
    "cgt_facts_overflowed", "Facts dropped, to be read again after an outage", ["exchange"]
)
RATE_WAITING: Final = Gauge("cgt_rate_waiting", "Requests waiting for room in the exchange's limits", ["exchange"])
CLOCK_OFFSET: Final = Gauge("cgt_clock_offset_seconds", "The exchange's clock minus ours", ["exchange"])
