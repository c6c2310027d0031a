"""The MEXC face: spot REST v3 and the WebSocket with binary pushes, over the matching core."""
