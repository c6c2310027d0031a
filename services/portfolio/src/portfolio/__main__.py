"""`python -m portfolio` serves; `migrate` brings its schema up to date; `rebuild` computes it all from the topics."""

import sys


def main() -> None:
    """Run the command named on the command line. Each imports only what it needs: starting is quick."""
    match sys.argv[1:]:
        case []:
            from common.service.run import run
            from portfolio.app import SERVICE, start

            run(SERVICE, start)
        case ["migrate"]:
            from common.db.migrations import run_migrations
            from portfolio.store import SCHEMA

            run_migrations("portfolio", SCHEMA)
        case ["rebuild", *options]:
            from portfolio.rebuild import main as rebuild

            sys.exit(rebuild(options))
        case unknown:
            sys.exit(f"unknown command {' '.join(unknown)!r}: use no argument to run, or migrate, or rebuild")


if __name__ == "__main__":
    main()
