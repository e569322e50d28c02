"""Event times to microseconds since 1970-01-01T00:00Z, int64.

ISO 8601 as in RFC 3339: a date, ``T`` or a space, hours, minutes and seconds, any fraction, then ``Z``, an offset or
nothing (UTC). What is finer than a microsecond is cut off, towards the past. A leap second, ``:60``, is the second after
it, as in POSIX. Epoch times are numbers, or texts of whole numbers, in the declared unit.
Years are 1000 to 8999.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from config.contract import TimeFormat

NO_TIME = np.int64(np.iinfo(np.int64).min)
"""Stands in the result where a time could not be read."""

FIRST_US = -30_610_224_000_000_000
LAST_US = 221_845_392_000_000_000
"""The years 1000 to 8999: [FIRST_US, LAST_US). The calendar has room on both sides for windows, lateness and horizons
(``config.units.MAX_DURATION_US`` each); 0001 and 9999 stand for "never" in other systems and are no times of events."""

_DAY_SECONDS = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_TEMPLATE = np.frombuffer(b"0000-00-00T00:00:00.000000000", dtype=np.uint8)
_DIGIT = np.uint8(ord("0"))
_ZULU = np.uint8(ord("Z"))
_LENGTHS = frozenset((20, *range(22, len(_TEMPLATE) + 2)))
"""Of texts with a final Z: without a fraction, or with one of 1 to 9 digits."""
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):?(\d\d))?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,20}", re.ASCII)
_PER_UNIT = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def read_times(values: Sequence[object], form: TimeFormat) -> NDArray[np.int64]:
    """Microseconds of n raw times, (n,); ``NO_TIME`` where one is missing or cannot be read."""
    if form == "iso":
        return _read_iso(values)
    return np.fromiter((epoch_us(value, form) for value in values), dtype=np.int64, count=len(values))


def _read_iso(values: Sequence[object]) -> NDArray[np.int64]:
    """All texts of the common form at once, by length; the rest one by one."""
    result = np.full(len(values), NO_TIME)
    try:
        lengths = np.fromiter(map(len, values), dtype=np.intp, count=len(values))  # type: ignore[arg-type]
    except TypeError:  # not all are texts
        lengths = np.fromiter((len(v) if isinstance(v, str) else 0 for v in values), dtype=np.intp, count=len(values))
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        texts = values if len(rows) == len(values) else [values[row] for row in rows.tolist()]
        times = _read_equal_lengths(texts, length) if length in _LENGTHS else None
        if times is None:
            times = np.fromiter((iso_us(text) for text in texts), dtype=np.int64, count=len(texts))
        result[rows] = times
    return result


def _read_equal_lengths(texts: Sequence[object], length: int) -> NDArray[np.int64] | None:
    """Times of n texts ``YYYY-MM-DDTHH:MM:SS[.fraction]Z`` of one length, (n,); ``None`` where any has another form.

    By arithmetic on the digits: numpy's own cast of more than 500 texts to datetime64 raises without holding Python's
    lock, and takes the process down with it, when one of them is no date (numpy 1.26 to 2.4).
    """
    try:
        packed = np.array(texts, dtype=f"S{length}")
    except (UnicodeEncodeError, ValueError):
        return None
    columns = np.ascontiguousarray(packed.view(np.uint8).reshape(len(packed), length).T)
    if not _is_common_form(columns):
        return None
    days, is_day = _days(columns)
    hour, minute, second = (_number(columns, at, at + 2) for at in (11, 14, 17))
    digits = min(length - 21, 6)
    micros = _number(columns, 20, 20 + digits) * 10 ** (6 - digits) if digits > 0 else np.int64(0)
    times = (days * _DAY_SECONDS + hour * 3600 + minute * 60 + second) * 1_000_000 + micros
    is_time = is_day & (hour <= 23) & (minute <= 59) & (second <= 60) & (times >= FIRST_US) & (times < LAST_US)
    return np.where(is_time, times, NO_TIME)


def _is_common_form(columns: NDArray[np.uint8]) -> bool:
    """Digits where digits belong, separators where separators belong, and a final Z."""
    template = _TEMPLATE[: len(columns) - 1]
    is_digit = template == _DIGIT
    body = columns[:-1]
    return bool(
        (columns[-1] == _ZULU).all()
        and (body[~is_digit] == template[~is_digit, np.newaxis]).all()
        and ((body[is_digit] - _DIGIT) < 10).all()
    )


def _days(columns: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Days since 1970 of n dates, (n,), and which of them the calendar has."""
    year, month, day = _number(columns, 0, 4), _number(columns, 5, 7), _number(columns, 8, 10)
    months = (year - 1970) * 12 + month - 1
    first, following = (
        m.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) for m in (months, months + 1)
    )
    is_day = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= following - first)
    return first + day - 1, is_day


def _number(columns: NDArray[np.uint8], first: int, end: int) -> NDArray[np.int64]:
    """The numbers that the digits of the columns [first, end) write, (n,)."""
    number = np.zeros(columns.shape[1], dtype=np.int64)
    for column in columns[first:end]:
        number = number * 10 + (column - _DIGIT)
    return number


def iso_us(value: object) -> int:
    """Microseconds of one ISO time; ``NO_TIME`` where it cannot be read."""
    match = _ISO.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return int(NO_TIME)
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    if hour > 23 or minute > 59 or second > 60 or int(match[9] or 0) > 23 or int(match[10] or 0) > 59:
        return int(NO_TIME)
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        return int(NO_TIME)
    offset = int(match[8] + "1") * (int(match[9]) * 3600 + int(match[10]) * 60) if match[8] else 0
    seconds = days * _DAY_SECONDS + hour * 3600 + minute * 60 + second - offset
    micros = int((match[7] or "")[:6].ljust(6, "0"))
    return _within(seconds * 1_000_000 + micros)


def epoch_us(value: object, unit: TimeFormat) -> int:
    """Microseconds of a number in ``unit`` since 1970; ``NO_TIME`` where it is none."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    factor, divisor = _PER_UNIT[unit]
    if isinstance(value, int) and not isinstance(value, bool):
        return _within(value * factor // divisor)
    if isinstance(value, float) and math.isfinite(value):
        return _within(math.floor(value * factor / divisor + 0.5)) if unit != "ns" else _within(int(value) // divisor)
    return int(NO_TIME)


def _within(microseconds: int) -> int:
    return microseconds if FIRST_US <= microseconds < LAST_US else int(NO_TIME)
