"""Transfers between wallets that carried an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import new_metadata

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    metadata = new_metadata()
    sa.Table(
        "transfers",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("idempotency_key", sa.Text, primary_key=True),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        # Null while it is under way, and for ever when its answer was lost.
        sa.Column("answer_status", sa.Integer),
        sa.Column("answer", sa.LargeBinary),
    )
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    op.drop_table("transfers")
