"""The Gate.io face: APIv4 over REST and WebSocket v4, spot only."""
