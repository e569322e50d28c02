"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
_UNITS = ((DAY_US, "d"), (HOUR_US, "h"), (60 * SECOND_US, "min"), (SECOND_US, "s"))


def moment(at_us: int) -> str:
    """For instance ``2026-11-23 20:00 UTC``."""
    return f"{datetime.fromtimestamp(at_us // SECOND_US, UTC):%Y-%m-%d %H:%M} UTC"


def of_record(text: str) -> str:
    """A time as records have it, in the same form; shorter times stay as they are."""
    return f"{text[:10]} {text[11:16]} UTC" if len(text) > 16 else text


def lasting(length_us: int) -> str:
    """For instance ``3 h``: whole units, the largest that fits."""
    for unit_us, name in _UNITS:
        if length_us >= unit_us:
            return f"{length_us // unit_us} {name}"
    return "0 s"
