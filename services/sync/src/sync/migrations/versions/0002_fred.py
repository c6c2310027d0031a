"""Macroeconomic indicators of FRED, as the spec's table, and what the gateway may read of them."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
    CREATE TABLE fredindicators (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        series_id text NOT NULL,
        date date NOT NULL,
        value numeric,
        fetched_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (series_id, date)
    )
    """,
    "CREATE TABLE fred_series (series_id text PRIMARY KEY, fetched_at timestamptz, problem text)",
    """
    CREATE TABLE fred_status (
        only_row boolean PRIMARY KEY CHECK (only_row),
        key_configured boolean NOT NULL,
        series text[] NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
    """,
    "CREATE VIEW fred_indicators_v1 AS SELECT series_id, date, value, fetched_at FROM fredindicators",
    "CREATE VIEW fred_series_v1 AS SELECT series_id, fetched_at, problem FROM fred_series",
    "CREATE VIEW fred_status_v1 AS SELECT key_configured, series, updated_at FROM fred_status",
)


def upgrade() -> None:
    """Create tables and views."""
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW fred_status_v1, fred_series_v1, fred_indicators_v1")
    op.execute("DROP TABLE fred_status, fred_series, fredindicators")
