"""`cgt audit`, `explain`, `dead-letters` and `replay`: what the topics of a system tell of its past."""

import asyncio
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cgt.running import FAILED, call, environment
from common.bus.brokers import BusSettings
from common.bus.history import read_history
from common.bus.messages import again
from common.bus.publisher import Publisher
from common.bus.topics import all_topics
from common.errors import CgtError
from common.exchanges import CAPABILITIES

RUN_DIR = Path(".run/up")
RunDir = Annotated[Path, typer.Option(help="Where `cgt up` runs.")]
From = Annotated[datetime | None, typer.Option("--from", help="UTC; the beginning by default.")]
To = Annotated[datetime | None, typer.Option(help="UTC; the end by default.")]
ENGINE = "order_engine"
_AT_ONCE = 500

letters = typer.Typer(no_args_is_help=True, help="What could not be handled: look at it, try it again, let it go.")


def audit(
    from_: From = None,
    to: To = None,
    bound_ms: Annotated[int | None, typer.Option(help="How long something may be unprotected.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with charts to this file.")] = None,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Decide everything again from the topics, and report what does not come out the same. 0: nothing, 1: something."""
    bound = None if bound_ms is None else str(bound_ms)
    given = {
        "--from": _text(from_),
        "--to": _text(to),
        "--bound-ms": bound,
        "--json": _file(json),
        "--html": _file(html),
    }
    options = [part for name, value in given.items() if value is not None for part in (name, value)]
    raise typer.Exit(call(run_dir, ENGINE, "audit", *options))


def explain(
    order_id: Annotated[str, typer.Argument(help="Its client order id, or the exchange's.")], run_dir: RunDir = RUN_DIR
) -> None:
    """Print the chain of causes of one order."""
    raise typer.Exit(call(run_dir, ENGINE, "explain", order_id))


@letters.command("list")
def list_letters(
    all_: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False, run_dir: RunDir = RUN_DIR
) -> None:
    """The letters that nobody has settled, newest first."""
    raise typer.Exit(call(run_dir, ENGINE, "letters", "list", *(["--all"] if all_ else [])))


@letters.command()
def show(number: int, run_dir: RunDir = RUN_DIR) -> None:
    """Everything about one letter, with the message as it was."""
    raise typer.Exit(call(run_dir, ENGINE, "letters", "show", str(number)))


@letters.command()
def retry(number: int, run_dir: RunDir = RUN_DIR) -> None:
    """Publish the message again on its own topic, marked as a redelivery."""
    raise typer.Exit(call(run_dir, ENGINE, "letters", "retry", str(number)))


@letters.command()
def drop(number: int, run_dir: RunDir = RUN_DIR) -> None:
    """Settle the letter without doing anything."""
    raise typer.Exit(call(run_dir, ENGINE, "letters", "drop", str(number)))


def replay(
    into: Annotated[str, typer.Option(help="The prefix of the topics to publish to, such as replay-1.")],
    from_: From = None,
    to: To = None,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Publish what lies on the topics again under another prefix: for tools that want a history of their own."""
    try:
        source = BusSettings.from_env(environment(run_dir, os.environ))
        if into == source.topic_prefix:
            raise typer.BadParameter(f"{into!r} is the prefix that is read from; choose another.")
        target = source.model_copy(update={"topic_prefix": into})
        count = asyncio.run(_replay(source, target, _ms(from_, 0), _ms(to, 2**62)))
    except CgtError as error:
        typer.echo(error, err=True)
        raise typer.Exit(FAILED) from None
    typer.echo(f"{count} messages are published again under {into}")


async def _replay(source: BusSettings, target: BusSettings, from_ms: int, to_ms: int) -> int:
    topics = all_topics(CAPABILITIES)
    records = [r for r in await read_history(source, topics, "replay") if from_ms <= r.ce_time_ms < to_ms]
    async with Publisher(target, topics, "replay") as publisher:
        for first in range(0, len(records), _AT_ONCE):
            await publisher.publish([again(record) for record in records[first : first + _AT_ONCE]])
    return len(records)


def _ms(moment: datetime | None, otherwise: int) -> int:
    text = _text(moment)
    return otherwise if text is None else int(datetime.fromisoformat(text).timestamp() * 1000)


def _text(moment: datetime | None) -> str | None:
    """Whoever names no time zone means UTC."""
    return None if moment is None else moment.isoformat() + ("" if moment.tzinfo else "+00:00")


def _file(path: Path | None) -> str | None:
    return None if path is None else str(path.absolute())
