"""The Binance spot face: its REST API, WebSocket API, user data and market streams, over one core exchange."""
