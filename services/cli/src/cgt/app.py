"""The `cgt` command."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cgt import admin as admin_command
from cgt import demo as demo_command
from cgt import lookback, portfolio, tools
from cgt import sync as sync_command
from cgt import up as up_command
from common.errors import CgtError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(portfolio.app, name="portfolio")
app.add_typer(lookback.letters, name="dead-letters")
app.command()(lookback.audit)
app.command()(lookback.explain)
app.command()(lookback.replay)
app.command()(sync_command.sync)
RunDir = Annotated[Path, typer.Option(help="Where logs and data of this run go.")]
RUN_DIR = Path(".run/up")


@app.callback()
def describe() -> None:
    """Crypto Graph Trader: run it, watch one trade, look at what its translators say."""


@app.command()
def up(run_dir: RunDir = RUN_DIR) -> None:
    """Run the whole system on this machine until Ctrl-C."""
    raise typer.Exit(asyncio.run(up_command.run(run_dir)))


@app.command()
def demo(
    exchange: Annotated[str, typer.Option(help="binance, bitget, gateio, mexc, or all of them.")] = "binance",
) -> None:
    """Run a protected trade from the stored key to the profit, and say each step that was observed."""
    raise typer.Exit(asyncio.run(demo_command.run(exchange)))


@app.command()
def translate(exchange: Annotated[str, typer.Argument(help="For example: binance.")]) -> None:
    """Read what an exchange sent, as JSON lines; print the facts and the outcome that we make of each."""
    tools.translate(exchange)


@app.command()
def preview(exchange: Annotated[str, typer.Argument(help="For example: binance.")]) -> None:
    """Read intents, as JSON lines; print the unsigned request that each would send."""
    tools.preview(exchange)


@app.command()
def admin(
    action: Annotated[str, typer.Argument(help="grant, revoke or list.")],
    email: Annotated[str | None, typer.Argument(help="Of a registered user.")] = None,
    run_dir: RunDir = RUN_DIR,
) -> None:
    """Say who is an admin of the system that `up` runs."""
    try:
        raise typer.Exit(admin_command.run(run_dir, action, email))
    except CgtError as error:
        typer.echo(error, err=True)
        raise typer.Exit(2) from None


def main() -> None:
    """The console script."""
    app()
