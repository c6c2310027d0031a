"""`python -m gateway [serve | migrate]`."""

import argparse


def main() -> None:
    """Run the service, or bring its schema to its newest revision. Each imports only what it needs."""
    parser = argparse.ArgumentParser(prog="python -m gateway")
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    if parser.parse_args().command == "serve":
        from common.service.run import run
        from gateway import app

        run(app.NAME, app.start)
    else:
        from common.db.migrations import run_migrations

        run_migrations("gateway", "gateway")


if __name__ == "__main__":
    main()
