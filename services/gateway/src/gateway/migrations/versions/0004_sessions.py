"""Sessions with where they come from, API tokens, and the counts of attempts at passwords."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

from common.db.tables import new_metadata

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    metadata = new_metadata()
    sa.Table("users", metadata, sa.Column("user_id", sa.Text, primary_key=True))
    tables = [_sessions(metadata), _api_tokens(metadata), _login_attempts(metadata)]
    metadata.create_all(op.get_bind(), tables=tables, checkfirst=False)
    # Each family of refresh tokens was a session without a row of its own.
    op.execute("""
        INSERT INTO sessions (session_id, user_id, created_ms, last_used_ms, expires_ms, revoked_ms)
        SELECT family_id, user_id, min(coalesce(used_ms, 0)), max(coalesce(used_ms, 0)), max(expires_ms),
               CASE WHEN bool_or(revoked) THEN max(coalesce(used_ms, 0)) END
        FROM refresh_tokens GROUP BY family_id, user_id
    """)
    op.alter_column("refresh_tokens", "family_id", new_column_name="session_id")
    op.execute("ALTER INDEX refresh_tokens_family_id_idx RENAME TO refresh_tokens_session_id_idx")
    op.create_foreign_key(
        "refresh_tokens_session_id_fkey",
        "refresh_tokens",
        "sessions",
        ["session_id"],
        ["session_id"],
        ondelete="CASCADE",
    )
    op.drop_column("refresh_tokens", "revoked")
    op.drop_column("refresh_tokens", "user_id")


def downgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("revoked", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("refresh_tokens", sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id"), index=True))
    op.execute("""
        UPDATE refresh_tokens t SET user_id = s.user_id, revoked = s.revoked_ms IS NOT NULL
        FROM sessions s WHERE s.session_id = t.session_id
    """)
    op.alter_column("refresh_tokens", "user_id", nullable=False)
    op.drop_constraint("refresh_tokens_session_id_fkey", "refresh_tokens")
    op.alter_column("refresh_tokens", "session_id", new_column_name="family_id")
    op.execute("ALTER INDEX refresh_tokens_session_id_idx RENAME TO refresh_tokens_family_id_idx")
    for table in ("login_attempts", "api_tokens", "sessions"):
        op.drop_table(table)


def _sessions(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "sessions",
        metadata,
        sa.Column("session_id", sa.Text, primary_key=True),
        _user_id(),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("network", sa.Text, nullable=False, server_default=""),
        sa.Column("agent", sa.Text, nullable=False, server_default=""),
        sa.Column("revoked_ms", sa.BigInteger),
    )


def _api_tokens(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "api_tokens",
        metadata,
        sa.Column("token_id", sa.Text, primary_key=True),
        _user_id(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        sa.Column("token_hash", sa.Text, nullable=False, unique=True),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("last_used_ms", sa.BigInteger),
    )


def _login_attempts(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "login_attempts",
        metadata,
        # A hash: people type passwords into the field of the e-mail.
        sa.Column("door", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False, index=True),
        sa.Column("closed_until_ms", sa.BigInteger, nullable=False),
        postgresql_with={"fillfactor": "50"},
    )


def _user_id() -> "sa.Column[str]":
    return sa.Column("user_id", sa.Text, sa.ForeignKey("users.user_id"), nullable=False, index=True)
