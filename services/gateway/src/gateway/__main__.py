"""`python -m gateway [serve | migrate]`."""

import argparse
import asyncio
import os
import sys

from common.db.migrations import migrate
from common.db.pool import DatabaseSettings
from common.errors import CgtError
from common.service.run import run
from gateway import app


def main() -> None:
    """Run the service, or bring its schema to its newest revision."""
    parser = argparse.ArgumentParser(prog="python -m gateway")
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    if parser.parse_args().command == "serve":
        run(app.NAME, app.start)
    try:
        asyncio.run(migrate("gateway", app.SCHEMA, DatabaseSettings.from_env(os.environ).database_url))
    except CgtError as error:
        sys.exit(f"migrate: {error}")


if __name__ == "__main__":
    main()
