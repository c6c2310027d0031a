"""The numbered events of users, and the delivery tables of who writes them."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import create_delivery_tables, drop_delivery_tables, new_metadata

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_delivery_tables()
    metadata = new_metadata()
    _heads(metadata)
    _events(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    op.drop_table("user_events")
    op.drop_table("user_event_heads")
    drop_delivery_tables()


def _heads(metadata: sa.MetaData) -> None:
    sa.Table(
        "user_event_heads",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        # The number given out last. It only grows, and the row is never deleted.
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        # Until when events are kept for the user: whoever listens moves it on.
        sa.Column("wanted_until", sa.TIMESTAMP(timezone=True), nullable=False),
        postgresql_with={"fillfactor": "50"},
    )


def _events(metadata: sa.MetaData) -> None:
    sa.Table(
        "user_events",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        # The digest of what caused it: the same cause is one event.
        sa.Column("source", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.Index(None, "at"),
    )
