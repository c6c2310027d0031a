"""`python -m order_engine` runs the engine; `migrate` brings its schema up to date; `audit` and `explain` look back,
`letters` shows what could not be handled."""

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
        case ["letters", *options]:
            from order_engine.dead_letters import main as letters

            sys.exit(letters(options))
        case unknown:
            known = "use no argument to run, or migrate, audit, explain, letters"
            sys.exit(f"unknown command {' '.join(unknown)!r}: {known}")


if __name__ == "__main__":
    main()
