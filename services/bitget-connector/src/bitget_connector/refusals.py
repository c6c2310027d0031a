"""Which codes prove that nothing was done, and what each means: the allowlist, as data.

The code alone decides; texts are translated and change. Whatever is not here is Unknown, never a refusal, above all
40010, 40015, 40725, 40910, 45001 and every 5xx. Codes that left Bitget's table in 2025 are kept.
"""

from common.errors import ErrorCategory

OK = "00000"
UNIFIED_ON_CLASSIC = "40085"
CLASSIC_ON_UNIFIED = "40084"
NOT_TRIGGERED_YET = "40307"
PLAN_GONE = frozenset({"43025", "43026"})
CANCEL_TOO_SOON = "45129"
"""The same order may be cancelled once a second: a cancel of it is under way already."""

_CODES: dict[ErrorCategory, tuple[str, ...]] = {
    ErrorCategory.AUTH: ("40006", "40009", "40011", "40012", "40018", "40037", "40038", "40041"),
    ErrorCategory.PERMISSION: (
        "22030", "40014", "40024", "40040", "40081", UNIFIED_ON_CLASSIC, CLASSIC_ON_UNIFIED, "40103", "40104", "40105",
    ),
    ErrorCategory.CLOCK: ("40005", "40008", "40078"),
    ErrorCategory.RATE_LIMITED: ("429", "30006", "30007"),
    ErrorCategory.INSUFFICIENT_BALANCE: ("43012", "43132", "45002", "40754", "40762", "25202"),
    ErrorCategory.FILTER: (
        "45110", "43027", "43037", "22034", "45114", "43010", "45111", "43006", "45112", "45113", "40808", "41103",
        "45115", "45035", "43028", "41101", "43008", "43009", "40815", "40816", "41117",
    ),
    ErrorCategory.BAD_REQUEST: (
        "40017", "40019", "40020", "40034", "40079", "400172", "40304", "40305", "43011", "40809", "40810",
    ),
    ErrorCategory.DUPLICATE_ID: ("43118", "45034", "40786", "40708", "25212"),
    ErrorCategory.NOT_FOUND: (
        "43001", "43004", "45057", "40109", "22001", "40768", "40819", "31007", "80011", "25204", *sorted(PLAN_GONE),
    ),
    ErrorCategory.TOO_MANY_ORDERS: ("43071", "43005", "43128", "45118", "25599"),
    ErrorCategory.PRICE_RELATION: ("43034", "43035"),
    ErrorCategory.INVALID_SYMBOL: ("40102",),
    ErrorCategory.MARKET_CLOSED: ("41113", "41114", "43115", "43119", "43120"),
}  # fmt: skip

BY_CODE = {code: category for category, codes in _CODES.items() for code in codes}

LOGIN_FAILED = "30005"
KEY_REFUSED_ON_SOCKET = frozenset({LOGIN_FAILED, "30011", "30012", "30015", *_CODES[ErrorCategory.AUTH]})
"""A socket's login failed for the key; 30013 and 30014 are about the clock and are tried again."""


def category_of(code: str) -> ErrorCategory | None:
    """What a refusal means, or None if the code does not prove that nothing was done."""
    return BY_CODE.get(code)
