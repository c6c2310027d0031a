"""Signals, and a receipt for each of their recipients."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import new_metadata

revision = "0007"
down_revision = "0006"

_STATES = "'PENDING', 'SENT', 'UNKNOWN', 'PLACED', 'FILLED', 'PROTECTED', 'CLOSED', 'SKIPPED', 'FAILED'"


def upgrade() -> None:
    metadata = new_metadata()
    _signals(metadata)
    _receipts(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    for table in ("signal_receipts", "signals"):
        op.drop_table(table)


def _signals(metadata: sa.MetaData) -> None:
    sa.Table(
        "signals",
        metadata,
        sa.Column("signal_id", sa.Text, primary_key=True),
        sa.Column("admin_id", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("valid_until_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("admin_id", "idempotency_key"),
    )


def _receipts(metadata: sa.MetaData) -> None:
    sa.Table(
        "signal_receipts",
        metadata,
        sa.Column("signal_id", sa.Text, sa.ForeignKey("signals.signal_id"), primary_key=True),
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        # Functions of (signal, account), kept so that the engine's views can be joined.
        sa.Column("intent_id", sa.Text, nullable=False),
        sa.Column("bracket_id", sa.Text, nullable=False),
        sa.Column("client_order_id", sa.Text, nullable=False),
        sa.Column("state", sa.Text, sa.CheckConstraint(f"state IN ({_STATES})", "known"), nullable=False),
        # Whether more may come.
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("fix", sa.Text),
        sa.Column("exchange_order_id", sa.Text),
        sa.Column("executed_qty", sa.Numeric),
        sa.Column("avg_px", sa.Numeric),
        *(sa.Column(f"{name}_ms", sa.BigInteger) for name in ("sent", "placed", "filled", "protected")),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("signal_id", "ordinal"),
        sa.Index("signal_receipts_open", "shard", "state", postgresql_where=sa.text("open")),
        postgresql_with={"fillfactor": "70"},
    )
