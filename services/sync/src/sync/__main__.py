"""`python -m sync` runs the service; `migrate` brings its schema up to date, `check` has every account checked."""

import sys


def main() -> None:
    """Run the command named on the command line. Each imports only what it needs: starting is quick."""
    match sys.argv[1:]:
        case []:
            from common.service.run import run
            from sync.app import SERVICE, start

            run(SERVICE, start)
        case ["migrate"]:
            from common.db.migrations import run_migrations
            from sync.store import SCHEMA

            run_migrations("sync", SCHEMA)
        case ["check"]:
            from sync.command import run as check

            sys.exit(check())
        case unknown:
            sys.exit(f"unknown command {' '.join(unknown)!r}: use no argument to run, migrate, or check")


if __name__ == "__main__":
    main()
