"""What users are: traders, or admins who may act for all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("users", sa.Column("role", sa.Text, nullable=False, server_default="trader"))
    op.create_check_constraint(op.f("users_role_known_check"), "users", "role IN ('trader', 'admin')")


def downgrade() -> None:
    op.drop_column("users", "role")
