"""Users, refresh tokens, and the intents that trading requests became."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import new_metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    metadata = new_metadata()
    _users(metadata)
    _refresh_tokens(metadata)
    _intents(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    for table in ("intents", "refresh_tokens", "users"):
        op.drop_table(table)


def _users(metadata: sa.MetaData) -> None:
    sa.Table(
        "users",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )


def _refresh_tokens(metadata: sa.MetaData) -> None:
    sa.Table(
        "refresh_tokens",
        metadata,
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("family_id", sa.Text, nullable=False, index=True),
        sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id"), nullable=False, index=True),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def _intents(metadata: sa.MetaData) -> None:
    sa.Table(
        "intents",
        metadata,
        sa.Column("intent_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        # Null where the request named no Idempotency-Key: such a request cannot be repeated.
        sa.Column("idempotency_key", sa.Text),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("ce_type", sa.Text, nullable=False),
        sa.Column("intent", sa.LargeBinary, nullable=False),
        sa.Column("valid_until_ms", sa.BigInteger, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("answer_status", sa.Integer),
        sa.Column("answer", sa.LargeBinary),
        # True once the order-engine's ledger has it, or nobody would carry it out any more.
        sa.Column("handed_over", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.UniqueConstraint("user_id", "idempotency_key"),
        sa.Index("intents_not_handed_over", "created_ms", postgresql_where=sa.text("NOT handed_over")),
    )
