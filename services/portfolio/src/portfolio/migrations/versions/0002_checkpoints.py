"""A standing with every sixteenth fill of a book is enough to go on from: each names all trades that are open."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep those, and find the last one before a fill by an index of its own."""
    op.execute("UPDATE fills SET standing = NULL WHERE (standing ->> 'fills')::bigint % 16 <> 0")
    op.execute("CREATE INDEX fills_checkpoints ON fills (account_id, symbol, place) WHERE standing IS NOT NULL")


def downgrade() -> None:
    """A standing that is missing would be taken for none at all."""
    raise NotImplementedError("the standings between the checkpoints are gone: rebuild from the topics instead")
