"""Leases that share the accounts out, runs that were asked for, and open orders that are not ours."""

from alembic import op

from common.db.tables import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """
    CREATE TABLE runs (
        run_id text PRIMARY KEY,
        requested_by text NOT NULL,
        everyone boolean NOT NULL,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE INDEX runs_requested ON runs (requested_by, created_at DESC)",
    """
    CREATE TABLE run_accounts (
        run_id text NOT NULL REFERENCES runs ON DELETE CASCADE,
        account_id text NOT NULL,
        user_id text NOT NULL,
        exchange text NOT NULL,
        symbols text[] NOT NULL,
        shard int NOT NULL,
        state text NOT NULL CHECK (state IN ('WAITING', 'DONE', 'FAILED')),
        checked int NOT NULL DEFAULT 0,
        unsettled int NOT NULL DEFAULT 0,
        corrections jsonb NOT NULL DEFAULT '[]',
        foreign_orders int NOT NULL DEFAULT 0,
        reason text,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (run_id, account_id)
    )
    """,
    "CREATE INDEX run_accounts_waiting ON run_accounts (shard) WHERE state = 'WAITING'",
    """
    CREATE TABLE foreign_orders (
        account_id text NOT NULL,
        user_id text NOT NULL,
        exchange text NOT NULL,
        symbol text NOT NULL,
        exchange_order_id text NOT NULL,
        client_order_id text,
        side text,
        type text,
        quantity numeric,
        price numeric,
        trigger_price numeric,
        executed_qty numeric NOT NULL,
        status text NOT NULL,
        first_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
        last_seen timestamptz NOT NULL DEFAULT clock_timestamp(),
        gone_at timestamptz,
        PRIMARY KEY (account_id, symbol, exchange_order_id)
    )
    """,
    """
    CREATE VIEW foreign_orders_v1 AS
    SELECT user_id, account_id, exchange, symbol, exchange_order_id AS order_id, client_order_id, side, type, quantity,
           price, trigger_price, executed_qty, status, first_seen, last_seen
    FROM foreign_orders WHERE gone_at IS NULL
    """,
)


def upgrade() -> None:
    """Create sync's tables."""
    create_delivery_tables()
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW foreign_orders_v1")
    op.execute("DROP TABLE foreign_orders, run_accounts, runs")
    drop_delivery_tables()
