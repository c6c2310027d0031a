"""`python -m order_engine` runs the engine; `migrate` brings its schema up to date; `audit` and `explain` look back."""

import sys


def main() -> None:
    """Run the command named on the command line. Each imports only what it needs: starting is quick."""
    match sys.argv[1:]:
        case []:
            from common.service.run import run
            from order_engine.app import SERVICE, start

            run(SERVICE, start)
        case ["migrate"]:
            from common.db.migrations import run_migrations
            from order_engine.store import SCHEMA

            run_migrations("order_engine", SCHEMA)
        case ["audit", *options]:
            from order_engine.audit.command import audit

            sys.exit(audit(options))
        case ["explain", *options]:
            from order_engine.audit.command import explain

            sys.exit(explain(options))
        case unknown:
            sys.exit(f"unknown command {' '.join(unknown)!r}: use no argument to run, or migrate, audit, explain")


if __name__ == "__main__":
    main()
