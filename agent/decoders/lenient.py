"""The second, careful reading of a record that the typed decoder refused: plain Python objects, or the reason why not."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from config.errors import RecordRejected

UNREADABLE = math.inf
"""Stands for a value that no column can hold: a list, an object, half a surrogate pair. Counted as invalid everywhere."""

MAX_DIGITS = 300
"""Whole numbers with more digits have no float64; they are unreadable."""


def parse_object(value: bytes | None) -> dict[str, Any]:
    """A record as a plain object. Numbers beyond float64 are infinite; of a key written twice the last counts.

    Raises:
        RecordRejected: empty, not UTF-8, not JSON, nested too deeply, or not an object.
    """
    parsed = parse_json(value)
    if not isinstance(parsed, dict):
        raise RecordRejected("not_an_object", f"the JSON is {_kind(parsed)}")
    return parsed


def parse_json(value: bytes | None) -> Any:
    """A record as plain Python values.

    Raises:
        RecordRejected: empty, not UTF-8, not JSON, or nested too deeply.
    """
    if not value:
        raise RecordRejected("empty", "the record is a tombstone" if value is None else "the record has no bytes")
    try:
        return _DECODER.decode(value.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise RecordRejected("bad_encoding", f"byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise RecordRejected("too_deep", "the JSON is nested about a thousand levels deep or more") from None
    except json.JSONDecodeError as error:
        raise RecordRejected("bad_json", f"{error.msg} at character {error.pos}") from None


def readable(value: Any) -> Any:
    """A value as a column may hold it: None, text, number, truth value; ``UNREADABLE`` for all else."""
    if isinstance(value, str):
        return value if _is_unicode(value) else UNREADABLE
    return value if value is None or isinstance(value, int | float) else UNREADABLE


def readable_scores(value: Any) -> Any:
    """An object of one value per class, each readable; ``UNREADABLE`` for anything else but None."""
    if not isinstance(value, dict):
        return None if value is None else UNREADABLE
    return {name: readable(entry) for name, entry in value.items()}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.copysign(UNREADABLE, -1 if digits[0] == "-" else 1)


def _no_number(literal: str) -> NoReturn:
    raise RecordRejected("bad_json", f"{literal} is no JSON; send null for a value that is missing")


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")


_DECODER = json.JSONDecoder(parse_int=_whole, parse_constant=_no_number)
