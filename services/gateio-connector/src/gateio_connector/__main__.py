"""`python -m gateio_connector [serve | migrate]`."""

import argparse
import asyncio
import os
import sys

from common.db.migrations import migrate
from common.db.pool import DatabaseSettings
from common.errors import CgtError
from common.service.run import run
from gateio_connector import app


def main() -> None:
    """Run the connector, or bring its schema up to date."""
    parser = argparse.ArgumentParser(prog="python -m gateio_connector")
    parser.add_argument(
        "command", nargs="?", choices=("serve", "migrate"), default="serve", help="serve is what it does by default"
    )
    if parser.parse_args().command == "serve":
        run(app.NAME, app.start)
    try:
        url = DatabaseSettings.from_env(os.environ).database_url
        asyncio.run(migrate("gateio_connector", app.SCHEMA, url))
    except CgtError as error:
        sys.exit(f"migrate: {error}")


if __name__ == "__main__":
    main()
