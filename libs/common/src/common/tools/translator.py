"""The tools an exchange registers under the entry point group `cgt.exchanges`: JSON lines in, JSON lines out.

Garbage gives an `error`, never an exception. Without `context.ts_init_ms` facts carry 0 as our own time, so that the
same bytes always give the same answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from common.errors import Refused, UnreadableFrame
from common.tools.lines import Line, LineHead, failure
from common.tools.preview import Preview


@dataclass(frozen=True)
class ExchangeTools:
    """The translator tools of one exchange."""

    translated: Callable[[LineHead], Line]
    """What a line to translate tells. May raise UnreadableFrame."""
    previews: Preview

    def translate(self, line: Line) -> Line:
        """One line of `cgt translate`."""
        try:
            return self.translated(msgspec.convert(line, LineHead, strict=False))
        except msgspec.ValidationError as error:
            return failure(f"the line: {error}")
        except UnreadableFrame as error:
            return failure(error.reason)
        except RecursionError:
            return failure("raw: nested too deeply")

    def preview(self, line: Line) -> Line:
        """One line of `cgt preview`."""
        try:
            return self.previews.line(line)
        except Refused as error:
            return {"error": str(error), "field": error.field, "rule": error.rule, "fix": error.fix}
