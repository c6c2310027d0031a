"""`python -m order_engine` runs the engine; `python -m order_engine migrate` brings its schema up to date."""

import asyncio
import os
import sys

from common.db.migrations import migrate
from common.db.pool import DatabaseSettings
from common.service.run import run
from order_engine.app import SCHEMA, SERVICE, start


def main() -> None:
    """Run the command named on the command line."""
    match sys.argv[1:]:
        case []:
            run(SERVICE, start)
        case ["migrate"]:
            url = DatabaseSettings.from_env(os.environ).database_url
            asyncio.run(migrate("order_engine", SCHEMA, url))
        case unknown:
            sys.exit(f"unknown command {' '.join(unknown)!r}: use no argument to run, or migrate")


if __name__ == "__main__":
    main()
