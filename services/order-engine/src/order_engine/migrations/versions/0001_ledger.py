"""The order ledger: brackets, their orders and fills, the intents they came from, and the views others may read."""

from alembic import op

from common.db.tables import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE brackets (
    bracket_id text PRIMARY KEY,
    shard int NOT NULL,
    intent_id text NOT NULL,
    account_id text NOT NULL,
    user_id text NOT NULL,
    exchange text NOT NULL,
    symbol text NOT NULL,
    state text NOT NULL CHECK (state IN ('OPENING', 'UNPROTECTED', 'PROTECTED', 'CLOSED')),
    version bigint NOT NULL,
    entry_qty numeric NOT NULL,
    entry_avg_px numeric,
    held_qty numeric NOT NULL CHECK (held_qty >= 0),
    protected_qty numeric NOT NULL CHECK (protected_qty >= 0),
    guarded_qty numeric NOT NULL CHECK (guarded_qty >= 0),
    unprotected_qty numeric NOT NULL CHECK (unprotected_qty >= 0),
    dust_qty numeric NOT NULL CHECK (dust_qty >= 0),
    exit_qty numeric NOT NULL,
    exit_avg_px numeric,
    fees jsonb NOT NULL,
    realised_pnl numeric,
    doc jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX brackets_open ON brackets (shard) WHERE state <> 'CLOSED';
CREATE INDEX brackets_user ON brackets (user_id, created_at DESC);

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    client_order_id text PRIMARY KEY,
    exchange_order_id text,
    order_group_id text NOT NULL,
    parent_client_order_id text,
    user_id text NOT NULL,
    account_id text NOT NULL,
    exchange text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    type text NOT NULL,
    quantity numeric,
    price numeric,
    trigger_price numeric,
    status text NOT NULL CHECK (
        status IN ('PENDING', 'NEW', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'REJECTED', 'EXPIRED')),
    executed_qty numeric NOT NULL,
    avg_price numeric,
    order_role text NOT NULL,
    pair int,
    tp_levels jsonb,
    sl_price numeric,
    residency text NOT NULL,
    residency_reason text NOT NULL,
    fees jsonb NOT NULL,
    filled_timestamp timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX orders_user ON orders (user_id, created_at DESC);
CREATE INDEX orders_group ON orders (order_group_id);
CREATE INDEX orders_exchange_id ON orders (account_id, exchange_order_id);
CREATE INDEX orders_unfinished ON orders (created_at) WHERE status IN ('PENDING', 'NEW', 'PARTIALLY_FILLED');

CREATE TABLE fills (
    account_id text NOT NULL,
    symbol text NOT NULL,
    trade_id text NOT NULL,
    client_order_id text NOT NULL,
    exchange text NOT NULL,
    user_id text NOT NULL,
    side text NOT NULL,
    qty numeric NOT NULL,
    px numeric NOT NULL,
    fee numeric NOT NULL,
    fee_asset text,
    at timestamptz NOT NULL,
    PRIMARY KEY (account_id, symbol, trade_id, client_order_id)
);
CREATE INDEX fills_order ON fills (client_order_id);

CREATE TABLE intents (
    intent_id text NOT NULL,
    account_id text NOT NULL,
    user_id text NOT NULL,
    bracket_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'denied')),
    code text,
    reason text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, intent_id)
);
"""

# What the gateway and the sync service may read. A view keeps its columns when the tables behind it change.
_VIEWS = """
CREATE VIEW orders_v1 AS
SELECT o.id, o.exchange_order_id AS order_id, o.client_order_id, o.user_id, o.account_id, o.exchange, o.symbol, o.side,
       o.type, o.quantity, o.price, o.trigger_price, o.status, o.executed_qty, o.avg_price, o.order_role, o.pair,
       o.order_group_id, p.exchange_order_id AS parent_order_id, o.tp_levels, o.sl_price, o.residency,
       o.residency_reason, o.fees, o.filled_timestamp, o.created_at, o.updated_at
FROM orders o LEFT JOIN orders p ON p.client_order_id = o.parent_client_order_id;

CREATE VIEW brackets_v1 AS
SELECT bracket_id, intent_id, user_id, account_id, exchange, symbol, state, version, entry_qty, entry_avg_px, held_qty,
       protected_qty, guarded_qty, unprotected_qty, dust_qty, exit_qty, exit_avg_px, fees, realised_pnl, created_at,
       updated_at
FROM brackets;

CREATE VIEW fills_v1 AS
SELECT trade_id, client_order_id, user_id, account_id, exchange, symbol, side, qty, px, fee, fee_asset, at FROM fills;

CREATE VIEW intents_v1 AS
SELECT intent_id, user_id, account_id, bracket_id, outcome, code, reason, created_at FROM intents;
"""


def upgrade() -> None:
    """Create the ledger."""
    create_delivery_tables()
    for statement in (*_statements(_TABLES), *_statements(_VIEWS)):
        op.execute(statement)


def downgrade() -> None:
    """Drop the ledger."""
    op.execute("DROP VIEW intents_v1, fills_v1, brackets_v1, orders_v1")
    op.execute("DROP TABLE intents, fills, orders, brackets")
    drop_delivery_tables()


def _statements(text: str) -> list[str]:
    """The driver prepares statements, and takes one at a time."""
    return [statement for statement in text.split(";\n") if statement.strip()]
