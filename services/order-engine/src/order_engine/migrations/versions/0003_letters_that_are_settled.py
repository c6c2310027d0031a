"""What an operator has done about a dead letter."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number the letters, and let them be settled."""
    op.execute("ALTER TABLE dead_letters ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY UNIQUE")
    op.execute("ALTER TABLE dead_letters ADD COLUMN settled_at timestamptz, ADD COLUMN settled_by text")


def downgrade() -> None:
    """Take it away."""
    op.execute("ALTER TABLE dead_letters DROP COLUMN number, DROP COLUMN settled_at, DROP COLUMN settled_by")
