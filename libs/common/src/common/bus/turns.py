"""Work that is cheaper together: what comes while some is being done waits, and is done at once afterwards."""

import asyncio


class Turns:
    """Whoever comes while somebody is at work waits; all who wait go on together, in the order in which they came."""

    def __init__(self) -> None:
        self._at_work = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> None:
        if self._at_work == 0:
            self._at_work = 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()  # It was our turn already.
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            # They are at work from now on, not from when they wake: nobody may come between.
            turns, self._waiting = [turn for turn in self._waiting if not turn.done()], []
            self._at_work = len(turns)
            for turn in turns:
                turn.set_result(None)
