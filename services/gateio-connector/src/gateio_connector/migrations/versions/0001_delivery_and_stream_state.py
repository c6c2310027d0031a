"""The tables of delivery, and what is remembered of each account's stream."""

from alembic import op

from common.connector.trail_store import stream_state
from common.db.tables import create_delivery_tables, drop_delivery_tables, new_metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_delivery_tables()
    metadata = new_metadata()
    stream_state(metadata)
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    op.drop_table("stream_state")
    drop_delivery_tables()
