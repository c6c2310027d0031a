"""What facts told, the numbers that follow from it, and the views others may read."""

from alembic import op

from common.db.tables import create_delivery_tables, drop_delivery_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE accounts (
    account_id text PRIMARY KEY,
    shard int NOT NULL,
    user_id text NOT NULL,
    exchange text NOT NULL,
    label text NOT NULL,
    state text NOT NULL,
    told_ms bigint NOT NULL
);
CREATE INDEX accounts_user ON accounts (user_id);

CREATE TABLE positions (
    account_id text NOT NULL,
    symbol text NOT NULL,
    shard int NOT NULL,
    exchange text NOT NULL,
    base text,
    quote text,
    named jsonb,
    qty numeric NOT NULL CHECK (qty >= 0),
    cost numeric NOT NULL,
    avg_entry_px numeric,
    realised_pnl numeric NOT NULL,
    fees jsonb NOT NULL,
    fees_worth numeric NOT NULL,
    fees_unvalued jsonb NOT NULL,
    fees_unknown bigint NOT NULL,
    unmatched_qty numeric NOT NULL,
    unmatched_quote numeric NOT NULL,
    fills bigint NOT NULL,
    first_ms bigint,
    last_ms bigint,
    PRIMARY KEY (account_id, symbol)
);
CREATE INDEX positions_unnamed ON positions (shard) WHERE named IS NULL;

CREATE TABLE fills (
    account_id text NOT NULL,
    symbol text NOT NULL,
    trade_id text NOT NULL,
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    shard int NOT NULL,
    exchange text NOT NULL,
    place text COLLATE "C" NOT NULL,
    bracket_id text,
    at_ms bigint NOT NULL,
    qty numeric NOT NULL,
    px numeric NOT NULL,
    fee numeric,
    fee_asset text,
    fee_state text CHECK (fee_state IN ('none', 'valued', 'unvalued', 'unknown')),
    fee_px numeric,
    fee_worth numeric,
    realised_pnl numeric,
    told jsonb NOT NULL,
    standing jsonb,
    PRIMARY KEY (account_id, symbol, trade_id, side)
);
CREATE INDEX fills_in_order ON fills (account_id, symbol, place);
CREATE INDEX fills_by_time ON fills (account_id, place);
CREATE INDEX fills_bracket ON fills (account_id, symbol, bracket_id) WHERE bracket_id IS NOT NULL;
CREATE INDEX fills_unvalued ON fills (shard) WHERE fee_state = 'unvalued';

CREATE TABLE fee_values (
    account_id text NOT NULL,
    symbol text NOT NULL,
    trade_id text NOT NULL,
    side text NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (account_id, symbol, trade_id, side)
);

CREATE TABLE closings (
    account_id text NOT NULL,
    symbol text NOT NULL,
    bracket_id text NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (account_id, symbol, bracket_id)
);

CREATE TABLE trades (
    account_id text NOT NULL,
    symbol text NOT NULL,
    trade_id text NOT NULL,
    exchange text NOT NULL,
    quote text NOT NULL,
    touched text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (state IN ('OPEN', 'CLOSED')),
    entry_qty numeric NOT NULL,
    entry_avg_px numeric,
    exit_qty numeric NOT NULL,
    exit_avg_px numeric,
    held_qty numeric NOT NULL CHECK (held_qty >= 0),
    held_cost numeric NOT NULL,
    dust_qty numeric NOT NULL,
    dust_cost numeric NOT NULL,
    realised_pnl numeric NOT NULL,
    fees jsonb NOT NULL,
    fees_worth numeric NOT NULL,
    fees_unvalued jsonb NOT NULL,
    fees_unknown bigint NOT NULL,
    opened_ms bigint NOT NULL,
    closed_ms bigint,
    hold_ms bigint,
    PRIMARY KEY (account_id, symbol, trade_id)
);
CREATE INDEX trades_in_order ON trades (account_id, symbol, touched);
CREATE INDEX trades_by_time ON trades (account_id, COALESCE(closed_ms, opened_ms));

CREATE TABLE snapshots (
    account_id text NOT NULL,
    day text NOT NULL,
    shard int NOT NULL,
    exchange text NOT NULL,
    at_ms bigint NOT NULL,
    currency text NOT NULL,
    equity numeric NOT NULL,
    unpriced jsonb NOT NULL,
    told jsonb NOT NULL,
    PRIMARY KEY (account_id, day)
);

CREATE TABLE performance (
    account_id text NOT NULL,
    quote text NOT NULL,
    exchange text NOT NULL,
    trades bigint NOT NULL,
    wins bigint NOT NULL,
    losses bigint NOT NULL,
    incomplete bigint NOT NULL,
    win_rate numeric,
    net numeric NOT NULL,
    gross_profit numeric NOT NULL,
    gross_loss numeric NOT NULL,
    profit_factor numeric,
    expectancy numeric,
    max_drawdown numeric NOT NULL,
    sharpe numeric,
    average_hold_ms bigint,
    PRIMARY KEY (account_id, quote)
);

CREATE TABLE broker_resets (
    shard int NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
)
"""

# What the gateway may read. A view keeps its columns when the tables behind it change; a new shape gets a new number.
_VIEWS = """
CREATE VIEW positions_v1 AS
SELECT a.user_id, p.account_id, p.exchange, p.symbol, p.base, p.quote, p.qty, p.cost, p.avg_entry_px, p.realised_pnl,
       p.fees, p.fees_worth, p.fees_unvalued, p.fees_unknown, p.unmatched_qty, p.unmatched_quote, p.fills, p.first_ms,
       p.last_ms
FROM positions p JOIN accounts a USING (account_id) WHERE p.fills > 0;

CREATE VIEW trades_v1 AS
SELECT a.user_id, t.account_id, t.exchange, t.symbol, t.quote, t.trade_id, t.state, t.entry_qty, t.entry_avg_px,
       t.exit_qty, t.exit_avg_px, t.held_qty, t.held_cost, t.dust_qty, t.dust_cost, t.realised_pnl, t.fees,
       t.fees_worth, t.fees_unvalued, t.fees_unknown, t.opened_ms, t.closed_ms, t.hold_ms,
       COALESCE(t.closed_ms, t.opened_ms) AS at_ms
FROM trades t JOIN accounts a USING (account_id);

CREATE VIEW fees_v1 AS
SELECT a.user_id, f.account_id, f.exchange, f.symbol, f.trade_id, f.side, f.bracket_id, f.at_ms, f.place, f.qty, f.px,
       f.fee, f.fee_asset, f.fee_state, f.fee_px, f.fee_worth, p.quote, f.realised_pnl, v.told -> 'prices' AS prices
FROM fills f JOIN accounts a USING (account_id) JOIN positions p USING (account_id, symbol)
LEFT JOIN fee_values v USING (account_id, symbol, trade_id, side);

CREATE VIEW snapshots_v1 AS
SELECT a.user_id, s.account_id, s.exchange, s.day, s.at_ms, s.currency, s.equity, s.unpriced,
       s.told -> 'holdings' AS holdings
FROM snapshots s JOIN accounts a USING (account_id);

CREATE VIEW performance_v1 AS
SELECT a.user_id, p.account_id, p.exchange, p.quote, p.trades, p.wins, p.losses, p.incomplete, p.win_rate, p.net,
       p.gross_profit, p.gross_loss, p.profit_factor, p.expectancy, p.max_drawdown, p.sharpe, p.average_hold_ms
FROM performance p JOIN accounts a USING (account_id)
"""


def upgrade() -> None:
    """Create tables and views."""
    create_delivery_tables()
    for statement in (*_statements(_TABLES), *_statements(_VIEWS)):
        op.execute(statement)


def downgrade() -> None:
    """Drop them."""
    op.execute("DROP VIEW performance_v1, snapshots_v1, fees_v1, trades_v1, positions_v1")
    op.execute(
        "DROP TABLE broker_resets, performance, snapshots, trades, closings, fee_values, fills, positions, accounts"
    )
    drop_delivery_tables()


def _statements(text: str) -> list[str]:
    """The driver prepares statements, and takes one at a time."""
    return [statement for statement in text.split(";\n") if statement.strip()]
