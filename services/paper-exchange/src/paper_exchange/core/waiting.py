"""Where armed triggers wait for the price of their market."""

from decimal import Decimal

from paper_exchange.core.book import PriceQueue
from paper_exchange.core.trigger import Trigger


class Waiting:
    """The armed triggers of one market, by the side from which their price is reached."""

    def __init__(self) -> None:
        self.on_rise: PriceQueue[Trigger] = PriceQueue(ascending=True)
        self.on_fall: PriceQueue[Trigger] = PriceQueue(ascending=False)
        self._on_next: list[Trigger] = []

    def add(self, trigger: Trigger, last: Decimal) -> None:
        """Queue `trigger`; one whose price is reached already waits for the next trade, whatever its price."""
        if last >= trigger.px if trigger.rises else last <= trigger.px:
            self._on_next.append(trigger)
        else:
            (self.on_rise if trigger.rises else self.on_fall).add(trigger.px, trigger)

    def discard(self, trigger: Trigger) -> None:
        """Take `trigger` out of wherever it waits."""
        self.on_rise.discard(trigger.px, trigger)
        self.on_fall.discard(trigger.px, trigger)
        if trigger in self._on_next:
            self._on_next.remove(trigger)

    def take_reached(self, px: Decimal) -> list[Trigger]:
        """Take out what a trade at `px` sets off."""
        reached, self._on_next = self._on_next, []
        while (rising := self.on_rise.best()) is not None and rising.px <= px:
            self.on_rise.discard(rising.px, rising)
            reached.append(rising)
        while (falling := self.on_fall.best()) is not None and falling.px >= px:
            self.on_fall.discard(falling.px, falling)
            reached.append(falling)
        return reached
