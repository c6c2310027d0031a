"""Limits and kill switches, and what each intent stakes."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import new_metadata

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    metadata = new_metadata()
    _limits(metadata)
    _switches(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)
    # The dollars a buy was admitted with, and what a unit of its quote asset was worth then.
    op.add_column("intents", sa.Column("stake_usd", sa.Numeric))
    op.add_column("intents", sa.Column("usd_rate", sa.Numeric))
    op.create_index(
        "intents_unanswered",
        "intents",
        ["account_id", "valid_until_ms"],
        postgresql_where=sa.text("answer_status IS NULL OR answer_status = 202"),
    )
    op.create_index("intents_unread", "intents", ["user_id"], postgresql_where=sa.text("NOT handed_over"))


def downgrade() -> None:
    op.drop_index("intents_unread", "intents")
    op.drop_index("intents_unanswered", "intents")
    op.drop_column("intents", "usd_rate")
    op.drop_column("intents", "stake_usd")
    for table in ("kill_switches", "risk_limits"):
        op.drop_table(table)


def _limits(metadata: sa.MetaData) -> None:
    sa.Table(
        "risk_limits",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("set_by", sa.Text, sa.CheckConstraint("set_by IN ('user', 'admin')", "known"), primary_key=True),
        sa.Column("max_order_value", sa.Numeric),
        sa.Column("max_open_exposure", sa.Numeric),
        sa.Column("daily_loss_limit", sa.Numeric),
    )


def _switches(metadata: sa.MetaData) -> None:
    sa.Table(
        "kill_switches",
        metadata,
        sa.Column("scope", sa.Text, sa.CheckConstraint("scope IN ('user', 'exchange', 'global')", "known_scope")),
        sa.Column("target", sa.Text),
        sa.Column("set_by", sa.Text, sa.CheckConstraint("set_by IN ('user', 'admin')", "known_word")),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("engaged_by", sa.Text, nullable=False),
        sa.Column("engaged_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", "target", "set_by"),
    )
