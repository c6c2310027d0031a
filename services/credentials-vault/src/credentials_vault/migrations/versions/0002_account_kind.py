"""What kind of account a key belongs to, as its exchange said when the key was checked."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("account_kind", sa.Text))


def downgrade() -> None:
    op.drop_column("accounts", "account_kind")
