"""The order-engine's published views as small tables with the same columns, for tests without an order-engine."""

from typing import Final

CREATE_VIEWS: Final = """
CREATE SCHEMA IF NOT EXISTS order_engine;
CREATE TABLE order_engine.orders_v1 (
    id bigint, order_id text, client_order_id text, user_id text, account_id text, exchange text, symbol text,
    side text, type text, quantity numeric, price numeric, trigger_price numeric, status text, executed_qty numeric,
    avg_price numeric, order_role text, pair int, order_group_id text, parent_order_id text, tp_levels jsonb,
    sl_price numeric, residency text, residency_reason text, fees jsonb, filled_timestamp timestamptz,
    created_at timestamptz, updated_at timestamptz
);
CREATE TABLE order_engine.brackets_v1 (
    bracket_id text, intent_id text, user_id text, account_id text, exchange text, symbol text, state text,
    version bigint, entry_qty numeric, entry_avg_px numeric, held_qty numeric, protected_qty numeric,
    guarded_qty numeric, unprotected_qty numeric, dust_qty numeric, exit_qty numeric, exit_avg_px numeric, fees jsonb,
    realised_pnl numeric, created_at timestamptz, updated_at timestamptz,
    is_open boolean GENERATED ALWAYS AS (state <> 'CLOSED') STORED
);
CREATE TABLE order_engine.intents_v1 (
    intent_id text, user_id text, account_id text, bracket_id text, outcome text, code text, reason text,
    created_at timestamptz
);
"""

DROP_VIEWS: Final = "DROP SCHEMA IF EXISTS order_engine CASCADE"
