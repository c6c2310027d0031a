"""Accounts with sealed keys, and the audit of their use."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import create_delivery_tables, drop_delivery_tables, new_metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_delivery_tables()
    metadata = new_metadata()
    _accounts(metadata)
    _audit(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)
    # The audit is written once: not even the service that writes it may change what it said.
    op.execute("CREATE RULE audit_keeps_rows AS ON DELETE TO audit DO INSTEAD NOTHING")
    op.execute("CREATE RULE audit_keeps_words AS ON UPDATE TO audit DO INSTEAD NOTHING")


def downgrade() -> None:
    op.drop_table("audit")
    op.drop_table("accounts")
    drop_delivery_tables()


def _accounts(metadata: sa.MetaData) -> None:
    sa.Table(
        "accounts",
        metadata,
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("exchange", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("api_key_hint", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("master_version", sa.Integer),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("ciphertext", sa.LargeBinary),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("state IN ('active', 'paused', 'revoked')", "state_known"),
        sa.CheckConstraint("(state = 'revoked') = (ciphertext IS NULL)", "sealed_until_revoked"),
        sa.Index("accounts_one_default", "user_id", "exchange", unique=True, postgresql_where=sa.text("is_default")),
        sa.Index(
            "accounts_key_once",
            *("user_id", "exchange", "fingerprint"),
            unique=True,
            postgresql_where=sa.text("state <> 'revoked'"),
        ),
        sa.Index("accounts_of_exchange", "exchange", postgresql_where=sa.text("state <> 'revoked'")),
    )


def _audit(metadata: sa.MetaData) -> None:
    sa.Table(
        "audit",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("account_id", sa.Text, nullable=False, index=True),
        sa.Column("key_version", sa.Integer, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
