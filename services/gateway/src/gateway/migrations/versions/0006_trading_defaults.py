"""What users want of every order that does not say otherwise."""

import sqlalchemy as sa
from alembic import op

from common.db.tables import new_metadata

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    metadata = new_metadata()
    sa.Table(
        "trading_defaults",
        metadata,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("exchange", sa.Text, primary_key=True),
        # The exits an order would name, as JSON; written and read by the gateway alone.
        sa.Column("wanted", sa.LargeBinary, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
    )
    metadata.create_all(op.get_bind(), checkfirst=False)


def downgrade() -> None:
    op.drop_table("trading_defaults")
