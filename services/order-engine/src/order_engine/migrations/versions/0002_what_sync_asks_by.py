"""What sync asks an exchange by: until when an order may have been sent, and what open brackets count as held."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ORDERS = """
SELECT o.id, o.exchange_order_id AS order_id, o.client_order_id, o.user_id, o.account_id, o.exchange, o.symbol, o.side,
       o.type, o.quantity, o.price, o.trigger_price, o.status, o.executed_qty, o.avg_price, o.order_role, o.pair,
       o.order_group_id, p.exchange_order_id AS parent_order_id, o.tp_levels, o.sl_price, o.residency,
       o.residency_reason, o.fees, o.filled_timestamp, o.created_at, o.updated_at
"""
_FROM = " FROM orders o LEFT JOIN orders p ON p.client_order_id = o.parent_client_order_id"

# Not columns of brackets_v1: they are read out of the document, which whoever wants all columns should not pay for.
_HOLDINGS = """
CREATE VIEW holdings_v1 AS
SELECT bracket_id, user_id, account_id, exchange, symbol, version, held_qty,
       doc -> 'instrument' ->> 'base' AS base_asset, (doc -> 'instrument' ->> 'lot_size')::numeric AS lot_size,
       created_at, updated_at
FROM brackets WHERE state <> 'CLOSED'
"""


def upgrade() -> None:
    """Add the column and the view."""
    op.execute("ALTER TABLE orders ADD COLUMN valid_until timestamptz")
    op.execute(f"CREATE OR REPLACE VIEW orders_v1 AS {_ORDERS}, o.valid_until {_FROM}")
    op.execute(_HOLDINGS)


def downgrade() -> None:
    """Take them away."""
    op.execute("DROP VIEW holdings_v1, orders_v1")
    op.execute(f"CREATE VIEW orders_v1 AS {_ORDERS} {_FROM}")
    op.execute("ALTER TABLE orders DROP COLUMN valid_until")
