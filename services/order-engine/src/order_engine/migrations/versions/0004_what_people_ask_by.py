"""Indexes for what people ask by, an account and an intent; and one for open brackets that a change of state spares.

A column that an index or its predicate names makes every change of it write all indexes of the row anew. Whether a
bracket is open changes once, its state with every fill.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BRACKETS = """
SELECT bracket_id, intent_id, user_id, account_id, exchange, symbol, state, version, entry_qty, entry_avg_px, held_qty,
       protected_qty, guarded_qty, unprotected_qty, dust_qty, exit_qty, exit_avg_px, fees, realised_pnl, created_at,
       updated_at
"""
_HOLDINGS = """
CREATE OR REPLACE VIEW holdings_v1 AS
SELECT bracket_id, user_id, account_id, exchange, symbol, version, held_qty,
       doc -> 'instrument' ->> 'base' AS base_asset, (doc -> 'instrument' ->> 'lot_size')::numeric AS lot_size,
       created_at, updated_at
FROM brackets WHERE
"""


def upgrade() -> None:
    """Add them."""
    op.execute("ALTER TABLE brackets ADD COLUMN is_open boolean GENERATED ALWAYS AS (state <> 'CLOSED') STORED")
    op.execute("DROP INDEX brackets_open")
    op.execute("CREATE INDEX brackets_open ON brackets (shard) WHERE is_open")
    op.execute("CREATE INDEX brackets_account ON brackets (account_id, created_at DESC, bracket_id DESC)")
    op.execute("CREATE INDEX brackets_account_open ON brackets (account_id) WHERE is_open")
    op.execute(f"CREATE OR REPLACE VIEW brackets_v1 AS {_BRACKETS}, is_open FROM brackets")
    op.execute(f"{_HOLDINGS} is_open")
    op.execute("ALTER TABLE intents DROP CONSTRAINT intents_pkey, ADD PRIMARY KEY (intent_id, account_id)")


def downgrade() -> None:
    """Take them away."""
    op.execute("ALTER TABLE intents DROP CONSTRAINT intents_pkey, ADD PRIMARY KEY (account_id, intent_id)")
    op.execute(f"{_HOLDINGS} state <> 'CLOSED'")
    op.execute("DROP VIEW brackets_v1")
    op.execute(f"CREATE VIEW brackets_v1 AS {_BRACKETS} FROM brackets")
    op.execute("DROP INDEX brackets_open, brackets_account, brackets_account_open")
    op.execute("ALTER TABLE brackets DROP COLUMN is_open")
    op.execute("CREATE INDEX brackets_open ON brackets (shard) WHERE state <> 'CLOSED'")
