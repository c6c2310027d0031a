"""`python -m gateway [serve | migrate | admin grant <email> | admin revoke <email> | admin list]`."""

import argparse


def main() -> None:
    """Run the service, or one of its commands. Each imports only what it needs."""
    arguments = _arguments()
    match arguments.command:
        case "migrate":
            from common.db.migrations import run_migrations

            run_migrations("gateway", "gateway")
        case "admin":
            from gateway import admin

            admin.run(arguments.action, getattr(arguments, "email", None))
        case _:
            from common.service.run import run
            from gateway import app

            run(app.NAME, app.start)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway")
    parser.set_defaults(command="serve")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the public API (the default)")
    commands.add_parser("migrate", help="bring the schema to its newest revision")
    actions = commands.add_parser("admin", help="who may act for all traders").add_subparsers(
        dest="action", required=True
    )
    for action, what in (("grant", "make a registered user an admin"), ("revoke", "make an admin a trader again")):
        actions.add_parser(action, help=what).add_argument("email")
    actions.add_parser("list", help="the admins' e-mail addresses")
    return parser.parse_args()


if __name__ == "__main__":
    main()
