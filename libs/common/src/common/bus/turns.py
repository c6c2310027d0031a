"""Work that is cheaper together: what comes in one moment is done at once, what comes meanwhile right after it."""

import asyncio


class Turns:
    """Who comes in one step of the loop begins together. Whoever comes while somebody is at work waits; all who wait go
    on together, in the order in which they came."""

    def __init__(self) -> None:
        self._at_work = 0
        self._gathering = False
        """Whether the step in which somebody began is not over yet."""
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._at_work == 0:
            self._gathering = True
            loop.call_soon(self._end_of_step)
        if self._gathering:
            self._at_work += 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self._leave()  # It was our turn already.
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _end_of_step(self) -> None:
        self._gathering = False

    def _leave(self) -> None:
        self._at_work -= 1
        if self._at_work == 0:
            # They are at work from now on, not from when they wake: nobody may come between.
            turns, self._waiting = [turn for turn in self._waiting if not turn.done()], []
            self._at_work = len(turns)
            for turn in turns:
                turn.set_result(None)
