"""Which error codes prove that nothing was done, and what each means: the allowlist, as data.

Whatever is not in these tables is Unknown, never a refusal. Codes come first; a few have two meanings, and there the
documented texts decide.
"""

from common.errors import ErrorCategory

SUCCESS = frozenset({0, 200})
"""Wrapped answers say one or the other, depending on endpoint and period."""

_CATEGORIES: dict[ErrorCategory, tuple[int, ...]] = {
    ErrorCategory.AUTH: (10072, 700001, 602, 700002),
    ErrorCategory.PERMISSION: (700006, 700007, 401, 30020, 70011, 60005),
    ErrorCategory.CLOCK: (700003, 10073),
    ErrorCategory.BAD_REQUEST: (
        700005, 700004, 700008, 33333, 44444, 730001, 730002, 730003, -1128, 26, 700013, 10095, 10096, 10097, 10102,
        -1127,
    ),
    ErrorCategory.INVALID_SYMBOL: (-1121, 30014, 30021, 10007),
    # Suspended, this side or this type not allowed now, the platform's own limits: the same order may pass later.
    ErrorCategory.MARKET_CLOSED: (30000, 30016, 30018, 30019, 30041, 30051, 30001, 30027, 30028),
    ErrorCategory.FILTER: (30002, 30003, 30032, 30025),
    ErrorCategory.TOO_MANY_ORDERS: (30029,),
    ErrorCategory.PRICE_RELATION: (30010, 30087),
    ErrorCategory.INSUFFICIENT_BALANCE: (30004, 30005, 10101),
    ErrorCategory.NOT_FOUND: (-2011, -2013, 22222, 30026),
    ErrorCategory.RATE_LIMITED: (429,),
}  # fmt: skip
BY_CODE = {code: category for category, codes in _CATEGORIES.items() for code in codes}

BY_TEXT = {
    (400, "api key required"): ErrorCategory.AUTH,
    # Under HTTP 400 an order type nobody knows; as a system error the same code says nothing.
    (500, "invalid type"): ErrorCategory.BAD_REQUEST,
    (730001, "pair not found"): ErrorCategory.INVALID_SYMBOL,
}


def is_success(code: int) -> bool:
    """Whether the code of an answer under HTTP 200 says that all is well."""
    return code in SUCCESS


def category_of(code: int, text: str) -> ErrorCategory | None:
    """What a refusal means, or None if the code does not prove that nothing was done."""
    return BY_TEXT.get((code, text.strip().rstrip(".").lower())) or BY_CODE.get(code)
