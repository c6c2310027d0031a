"""`python -m credentials_vault [serve | migrate | rewrap | import-cbc]`."""

import argparse
import asyncio
import os
import sys

from common.errors import CgtError


def main() -> None:
    """Run the service, or one of its commands. Each imports only what it needs."""
    arguments = _arguments()
    if arguments.command == "serve":
        from common.service.run import run
        from credentials_vault import app

        run(app.NAME, app.start)
    if arguments.command == "migrate":
        from common.db.migrations import run_migrations

        run_migrations("credentials_vault", "credentials_vault")
        return
    try:
        asyncio.run(_command(arguments))
    except CgtError as error:
        sys.exit(f"{arguments.command}: {error}")


async def _command(arguments: argparse.Namespace) -> None:
    from credentials_vault import commands

    match arguments.command:
        case "rewrap":
            count = await commands.rewrap(os.environ)
            print(f"{count} credentials are now under the newest master key")
        case "import-cbc":
            problems = await commands.import_cbc(os.environ, sys.stdin, arguments.encoding)
            sys.exit(1 if problems else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m credentials_vault")
    commands_ = parser.add_subparsers(dest="command")
    commands_.add_parser("serve", help="serve the internal API (the default)")
    commands_.add_parser("migrate", help="bring the schema to its newest revision")
    commands_.add_parser("rewrap", help="put every key under the newest master key, beside running traffic")
    legacy = commands_.add_parser("import-cbc", help="import the first system's keys from JSON lines on standard input")
    legacy.add_argument("--encoding", choices=("hex", "base64"), default="hex", help="how its values are written")
    parser.set_defaults(command="serve")
    return parser.parse_args()


if __name__ == "__main__":
    main()
