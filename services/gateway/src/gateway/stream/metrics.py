"""What the event stream tells its operators."""

from typing import Final

from prometheus_client import Counter, Gauge

CONNECTIONS: Final = Gauge("cgt_stream_connections", "Connections of frontends to this instance")
ENDED: Final = Counter("cgt_stream_connections_ended", "Connections the server ended", ["code"])
NUMBERED: Final = Counter("cgt_stream_events", "Events numbered by this instance")
RESYNCS: Final = Counter("cgt_stream_resyncs", "Clients that could not be told what they missed", ["reason"])
