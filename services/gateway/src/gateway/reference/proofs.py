"""What the spec asked for, and the test that proves each endpoint, event and error. The tests are looked for."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

_API: Final = "services/gateway/tests/api/"
_AUTH = _API + "test_auth.py::"
_SESSIONS = _API + "test_sessions.py::"
_TOKENS = _API + "test_api_tokens.py::"
_KEYS = _API + "test_credentials.py::"
_PLACING = _API + "test_placing.py::"
_READING = _API + "test_cancelling_and_reading.py::"
_EXCHANGES = _API + "test_exchanges.py::"
_SIGNALS = _API + "test_signals.py::"
_RISK = _API + "test_risk.py::"
_SYNC = _API + "test_sync.py::"
_PORTFOLIO = _API + "test_portfolio.py::"
_DAY = "tests/e2e/test_frontend.py::test_the_events_have_the_fields_of_the_spec"
_PUBLIC = _EXCHANGES + "test_market_data_is_public_and_in_one_shape"
_LOGIN = _AUTH + "test_a_log_in_answers_in_both_shapes_of_the_spec"
_TWINS = _EXCHANGES + "test_bitget_has_twins_of_the_unified_paths"
_GATE = _EXCHANGES + "test_gates_account_is_shown_and_money_moves_between_its_wallets"
_MEXC = _EXCHANGES + "test_an_order_in_mexcs_words_is_protected_like_every_other"
_HELD = _EXCHANGES + "test_open_orders_show_the_stops_that_the_engine_holds"
_KEPT = _KEYS + "test_a_key_is_paused_relabelled_replaced_and_deleted"
_HINT = _KEYS + "test_a_stored_key_is_shown_by_a_hint_and_never_again"
_SWITCH = _RISK + "test_a_kill_switch_stops_buying_and_nothing_else"
_ADMIN = _RISK + "test_what_an_admin_sets_the_user_cannot_lift"
_OWN = _API + "test_settings.py::test_an_order_that_names_no_exits_gets_those_of_its_user"
_ASKED = _SYNC + "test_a_trader_has_all_accounts_of_theirs_checked_and_reads_what_was_mended"

SPEC_ENDPOINTS: Final = frozenset(
    {
        "POST /auth/login",
        "POST /api-credentials",
        "GET /api-credentials",
        "PATCH /api-credentials/{credential_id}",
        "DELETE /api-credentials/{credential_id}",
        "PATCH /api-credentials/{credential_id}/toggle",
        "POST /exchanges/place-order",
        "POST /exchanges/place-oco-order",
        "DELETE /exchanges/cancel-order",
        "DELETE /exchanges/cancel-all-orders",
        "GET /exchanges/balance",
        "GET /exchanges/open-positions",
        "GET /exchanges/open-orders",
        "GET /exchanges/trades",
        "GET /gateio/spot/currencies",
        "GET /gateio/spot/tickers",
        "GET /gateio/spot/order_book",
        "GET /gateio/spot/candlesticks",
        "GET /gateio-account/spot/assets",
        "POST /gateio-account/wallet/transfers",
        "POST /mexc/orders",
        "POST /mexc/orders/batch",
        "DELETE /mexc/orders",
        "GET /mexc/orders/open",
        "GET /binance/tickers",
        "GET /binance/klines",
        "GET /binance/depth",
        "GET /health",
        "GET /api-docs",
    }
)
"""Those that the spec writes out; Binance's market data it names by what they show."""

ENDPOINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "POST /auth/register": _AUTH + "test_an_email_is_registered_once",
        "POST /auth/login": _LOGIN,
        "POST /auth/refresh": _AUTH + "test_a_refresh_token_works_once_and_ends_its_family_when_it_comes_back",
        "POST /auth/logout": _AUTH + "test_a_refresh_token_is_of_no_use_after_logging_out_or_expiring",
        "POST /auth/password": _SESSIONS + "test_a_new_password_ends_the_other_sessions_and_replaces_the_old_one",
        "GET /auth/me": _API
        + "test_roles.py::test_the_admins_door_opens_and_closes_with_the_role_without_a_new_log_in",
        "GET /auth/sessions": _SESSIONS + "test_a_user_sees_where_it_is_logged_in",
        "DELETE /auth/sessions": _SESSIONS + "test_all_other_sessions_end_and_the_one_that_asked_stays",
        "DELETE /auth/sessions/{session_id}": _SESSIONS
        + "test_an_ended_session_ends_its_access_and_refresh_tokens_at_once_where_it_was_ended",
        "GET /auth/tokens": _TOKENS + "test_a_token_is_shown_once_and_afterwards_by_its_hint",
        "POST /auth/tokens": _TOKENS + "test_a_token_passes_the_doors_of_its_scope_and_no_others",
        "DELETE /auth/tokens/{token_id}": _TOKENS + "test_a_revoked_token_and_an_expired_one_are_nobodys",
        "POST /api-credentials": _HINT,
        "GET /api-credentials": _HINT,
        "GET /api-credentials/{credential_id}": _KEYS + "test_a_foreign_key_is_as_good_as_none",
        "PATCH /api-credentials/{credential_id}": _KEPT,
        "DELETE /api-credentials/{credential_id}": _KEPT,
        "PATCH /api-credentials/{credential_id}/toggle": _KEPT,
        "POST /exchanges/place-order": _PLACING + "test_a_market_buy_is_answered_with_its_fill",
        "POST /exchanges/place-oco-order": _PLACING + "test_an_oco_protects_what_is_held_by_the_specs_rule",
        "DELETE /exchanges/cancel-order": _READING + "test_an_order_is_cancelled_by_either_id",
        "DELETE /exchanges/cancel-all-orders": _READING + "test_everything_on_a_symbol_is_cancelled_and_listed",
        "GET /exchanges/operations/{operation_id}": _PLACING
        + "test_an_outcome_that_is_not_known_in_time_is_an_operation_to_follow",
        "GET /exchanges/balance": _READING + "test_a_balance_is_shown_as_the_spec_does",
        "GET /exchanges/open-orders": _READING + "test_open_orders_show_their_part_in_a_bracket",
        "GET /exchanges/open-positions": _READING + "test_open_positions_are_valued_in_dollars",
        "GET /exchanges/trades": _READING + "test_trades_are_shown_with_profit_as_numbers",
        "GET /exchanges/settings": _OWN,
        "PUT /exchanges/settings": _OWN,
        "POST /exchanges/signals": _SIGNALS + "test_every_active_account_gets_one_order_of_its_own",
        "GET /exchanges/signals": _SIGNALS + "test_signals_are_listed_newest_first",
        "GET /exchanges/signals/{signal_id}": _SIGNALS + "test_receipts_come_in_pages_and_by_state",
        "POST /exchanges/sync": _ASKED,
        "GET /exchanges/sync/{syncId}": _ASKED,
        "GET /exchanges/foreign-orders": _SYNC + "test_orders_placed_by_hand_are_shown_to_whose_account_it_is",
        "GET /fred/indicators": _API
        + "test_fred.py::test_values_are_strings_with_their_dates_and_when_they_were_fetched",
        "GET /portfolio/positions": _PORTFOLIO + "test_a_position_is_valued_at_the_price_of_now_with_its_time",
        "GET /portfolio/trades": _PORTFOLIO + "test_trades_come_page_by_page_the_latest_first",
        "GET /portfolio/fees": _PORTFOLIO + "test_a_fee_shows_the_prices_that_value_it_and_totals_by_asset",
        "GET /portfolio/equity": _PORTFOLIO + "test_an_account_not_seen_on_a_day_counts_with_what_was_seen_last",
        "GET /portfolio/performance": _PORTFOLIO + "test_performance_is_measured_overall_by_account_and_within_days",
        "GET /risk/limits": _RISK + "test_limits_are_shown_with_what_is_used_of_them",
        "PUT /risk/limits": _RISK + "test_a_second_order_that_no_longer_fits_is_refused_and_not_sent",
        "GET /risk/kill-switch": _SWITCH,
        "POST /risk/kill-switch": _SWITCH,
        "DELETE /risk/kill-switch": _RISK + "test_a_program_may_stop_buying_and_not_start_it_again",
        "GET /risk/users/{user_id}/limits": _RISK + "test_limits_of_nobody_are_not_set",
        "PUT /risk/users/{user_id}/limits": _ADMIN,
        "GET /risk/kill-switches": _RISK + "test_only_admins_stop_others",
        "POST /risk/kill-switches": _RISK + "test_a_switch_names_whom_it_stops",
        "DELETE /risk/kill-switches": _ADMIN,
        **{f"GET /binance/{what}": _PUBLIC for what in ("tickers", "klines", "depth")},
        **{f"GET /binance/{what}": _PUBLIC for what in ("trades", "symbols", "currencies")},
        **{f"GET /bitget/spot/{what}": _PUBLIC for what in ("tickers", "candles", "orderbook")},
        **{f"GET /bitget/spot/{what}": _PUBLIC for what in ("trades", "symbols", "currencies")},
        **{f"GET /gateio/spot/{what}": _PUBLIC for what in ("tickers", "candlesticks", "order_book")},
        **{f"GET /gateio/spot/{what}": _PUBLIC for what in ("trades", "symbols", "currencies")},
        **{f"GET /mexc/{what}": _PUBLIC for what in ("tickers", "klines", "depth", "trades", "symbols", "currencies")},
        "POST /bitget/orders": _TWINS,
        "DELETE /bitget/orders": _TWINS,
        "GET /bitget/orders/open": _TWINS,
        "GET /bitget/account/assets": _TWINS,
        "GET /gateio-account/spot/assets": _GATE,
        "POST /gateio-account/wallet/transfers": _GATE,
        "POST /mexc/orders": _MEXC,
        "DELETE /mexc/orders": _EXCHANGES + "test_ones_own_name_for_an_order_places_it_once_and_cancels_it",
        "POST /mexc/orders/batch": _EXCHANGES + "test_a_batch_has_one_result_for_each_order_in_their_order",
        "GET /mexc/orders/open": _HELD,
        "GET /mexc/account/assets": _EXCHANGES + "test_what_is_ones_own_needs_a_log_in",
        "GET /events": _API + "test_events.py::test_events_are_read_page_by_page_as_the_sockets_tell_them",
        "GET /health": _API + "test_surface_and_live.py::test_health_is_for_everybody",
        "GET /api-docs": _API + "test_surface_and_live.py::test_the_documentation_names_every_path_with_examples",
    }
)

SPEC_EVENTS: Final = frozenset({"order_update", "balance_update", "list_status_update", "auto_oco_placed"})
EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys((*sorted(SPEC_EVENTS), "position_update", "protection_update"), _DAY)
    | {"signal_update": _SIGNALS + "test_the_admin_is_told_how_it_gets_on"}
)


class SpecError(NamedTuple):
    """A row of the spec's table of errors."""

    title: str
    status: int
    proof: str


_ERRORS = _API + "test_errors_of_the_spec.py::test_each_error_of_the_spec_is_answered_as_it_says"
SPEC_ERRORS: Final = (
    SpecError("Exchange parameter required", 400, _ERRORS),
    SpecError("Insufficient balance", 400, _ERRORS),
    SpecError("Credentials not found", 404, _ERRORS),
    SpecError("Order value too low", 400, _ERRORS),
    SpecError("Signature validation failed", 401, _ERRORS),
)
