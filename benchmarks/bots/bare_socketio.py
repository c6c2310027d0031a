"""A bare python-socketio server: rooms, and an emit per update. No broker, no database, no numbers, no tokens.

Started by `benchmarks.live` with a port; a client that says `go` makes it emit.
"""

import asyncio
import sys
import time
from typing import Any

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", logger=False)
_tasks: set[asyncio.Task[None]] = set()


async def connect(sid: str, _environ: dict[str, Any], auth: dict[str, Any]) -> None:
    """The client says whose room it wants."""
    await server.enter_room(sid, auth["token"])


async def go(_sid: str, wish: dict[str, Any]) -> None:
    """Emit `count` updates, `rate` a second, to one room after the other."""
    task = asyncio.create_task(_emit(wish["rooms"], wish["rate"], wish["count"], wish["payload"]))
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


async def _emit(rooms: list[str], rate: float, count: int, payload: dict[str, Any]) -> None:
    begun = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        room = rooms[number % len(rooms)]
        await server.emit("order_update", payload | {"tradeId": str(time.monotonic_ns())}, room=room)


server.on("connect", connect)
server.on("go", go)

if __name__ == "__main__":
    app = socketio.ASGIApp(server)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", ws_per_message_deflate=False)
