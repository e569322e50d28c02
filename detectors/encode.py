"""From raw values to the columns of a layout.

    number      a finite number, or true and false as 1 and 0; None and NaN are missing; anything else is invalid
    category    a name (texts.py); None, "" and NaN are missing; fractions, lists and objects are invalid
    prediction  a class's code (len(classes) for a class the layout does not know), or a number; NaN where there is none
    score       a number in [0, 1]; up to 1e-6 outside is rounding and is clipped; farther out is invalid
    scores      one probability per class; a class that is not named has none (NaN), which is not a probability of 0
    status      "ok", "success", 0 and 200 to 299 are answers, and so is none given; anything else is a failure

One vectorised path serves columns that hold what they should, a slow one per value those that do not.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import cast

import numpy as np
import xxhash
from numpy.typing import NDArray

from detectors.columns import FLAW_INVALID, FLAW_MISSING, NO_CODE, OK, Columns, Inferences
from detectors.layout import MISSING, SUB_TABLES, GroupSet, Layout, Role, Task
from detectors.numbers import Floats, finite, numbers
from detectors.texts import InvalidText, LevelCodes, class_codes, group_codes, text_of

Take = Callable[[str], Sequence[object] | None]
Pick = Callable[[Sequence[object]], Sequence[object]]

BUCKET_SEED = 0x5741434854455232
"""Seed of xxh3-64 for the sub-table of a subject or an event id; part of the public table format."""

SCORE_SLACK = 1e-6
_BUCKET_SHIFT = np.uint64(64 - (SUB_TABLES - 1).bit_length())
_ANSWERED = frozenset(("ok", "success"))


def encode(batch: Inferences, rows: NDArray[np.intp] | None, layout: Layout) -> Columns:
    """One layout's view of a batch.

    Args:
        batch: raw values.
        rows: (k,) the rows of the batch to take, all of one stream; ``None`` for all.

    Returns:
        columns of k rows in the order of ``rows``.
    """
    codes = layout.derived(_LayoutCodes)
    pick = picker(rows)

    def take(name: str) -> Sequence[object] | None:
        values = batch.values.get(name)
        picked = None if values is None else pick(values)
        return None if picked is None or _says_nothing(picked) else picked

    ids = cast(Sequence[str], pick(batch.ids))
    size = len(ids)
    prediction = _prediction(take("prediction"), size, layout, codes)
    scores = _scores(take, size, layout)
    numeric, flaws = _numeric(take, size, layout, prediction, scores)
    levels, unseen = _categorical(take, size, layout, codes)
    return Columns(
        numeric=numeric,
        flaws=flaws,
        codes=levels,
        unseen=unseen,
        prediction=finite(prediction),
        scores=finite(scores),
        groups=_groups(take, size, layout, codes),
        bucket=_buckets(ids, take("subject_ref") if layout.subjects else None),
        truth=_truth(take("label"), size, layout, codes),
        latency_ms=_latency(take("latency_ms"), size),
        failed=_failed(take("status"), size),
    )


def encode_truth(values: Sequence[object], layout: Layout) -> Floats:
    """(n,) class codes or numbers of n raw labels; NaN where there is no valid one."""
    return _truth(values, len(values), layout, layout.derived(_LayoutCodes))


def bucket_of(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """(n,) sub-table of each 64-bit hash: its top bits."""
    return (hashes >> _BUCKET_SHIFT).astype(np.uint8)


class _GroupCodes:
    """Codes of a group set: each attribute's values are coded alone, a small table maps their tuple to the group."""

    def __init__(self, group_set: GroupSet) -> None:
        self._attributes = group_set.attributes
        values = [sorted({group[i] for group in group_set.groups}) for i in range(len(self._attributes))]
        self._codes = [group_codes(names) for names in values]
        self._table = np.zeros([len(names) + 1 for names in values], dtype=np.int16)
        for code, group in enumerate(group_set.groups, start=1):
            self._table[tuple(codes[name] for codes, name in zip(self._codes, group, strict=True))] = code

    def encode(self, take: Take, size: int) -> NDArray[np.int16]:
        index = []
        for attribute, codes in zip(self._attributes, self._codes, strict=True):
            values = take(f"protected.{attribute}")
            index.append(np.zeros(size, dtype=np.int32) if values is None else codes.encode(values))
        result: NDArray[np.int16] = self._table[tuple(index)]
        return result


class _LayoutCodes:
    """The look-ups of one layout."""

    def __init__(self, layout: Layout) -> None:
        self.levels = tuple(LevelCodes(column) for column in layout.categorical)
        self.groups = tuple(_GroupCodes(group_set) for group_set in layout.groups)
        self.classes = class_codes(layout.classes)


def picker(rows: NDArray[np.intp] | None) -> Pick:
    """Picks the rows out of a column: by a slice where they follow each other, which is nearly free."""
    if rows is None:
        return lambda values: values
    if len(rows) < 2:  # itemgetter of one index gives no tuple, of none it is refused
        return lambda values: [values[row] for row in rows.tolist()]
    if (np.diff(rows) == 1).all():
        first, stop = int(rows[0]), int(rows[-1]) + 1
        return lambda values: values[first:stop]
    getter: Pick = itemgetter(*rows.tolist())

    def gather(values: Sequence[object]) -> Sequence[object]:
        if isinstance(values, array):  # of numbers: none of them has to become an object
            return array("d", np.frombuffer(values)[rows].tobytes())
        return getter(values)

    return gather


def _says_nothing(values: Sequence[object]) -> bool:
    """Whether no event carries a value, as with ``label`` where labels come on their own."""
    return len(values) == 0 or (values[0] is None and values.count(None) == len(values))


def _numeric(
    take: Take, size: int, layout: Layout, prediction: Floats, scores: Floats
) -> tuple[Floats, NDArray[np.uint8]]:
    """Values and flaws of all numeric columns, (C, size) each."""
    raw = np.empty((len(layout.numeric), size))
    for i, column in enumerate(layout.numeric):
        match column.role:
            case Role.FEATURE:
                raw[i] = numbers(take(f"features.{column.name}"), size)
            case Role.PREDICTION:
                raw[i] = prediction
            case Role.SCORE:
                raw[i] = _shown_score(prediction, scores, layout)
    flaws = np.full(raw.shape, OK, dtype=np.uint8)
    usable = np.isfinite(raw)
    if not usable.all():
        flaws[np.isnan(raw)] = FLAW_MISSING
        flaws[np.isinf(raw)] = FLAW_INVALID
        raw[~usable] = 0.0
    raw += 0.0  # -0.0 becomes 0.0: which of the two a minimum keeps would depend on the order
    return raw, flaws


def _categorical(
    take: Take, size: int, layout: Layout, codes: _LayoutCodes
) -> tuple[NDArray[np.int32], tuple[tuple[str, ...], ...]]:
    """Codes of all categorical columns, (D, size), and the names of their unseen levels."""
    result = np.empty((len(layout.categorical), size), dtype=np.int32)
    unseen = []
    for i, (column, levels) in enumerate(zip(layout.categorical, codes.levels, strict=True)):
        values = take("prediction" if column.role is Role.PREDICTION else f"features.{column.name}")
        result[i] = MISSING if values is None else levels.encode(values)
        unseen.append(() if values is None else levels.unseen_names(values, result[i]))
    return result, tuple(unseen)


def _prediction(values: Sequence[object] | None, size: int, layout: Layout, codes: _LayoutCodes) -> Floats:
    """Class codes, or numbers with an infinity where invalid; NaN where there is none."""
    if layout.task is Task.REGRESSION:
        return numbers(values, size)
    return np.full(size, np.nan) if values is None else _as_floats(codes.classes.encode(values))


def _truth(values: Sequence[object] | None, size: int, layout: Layout, codes: _LayoutCodes) -> Floats:
    return finite(_prediction(values, size, layout, codes))


def _as_floats(codes: NDArray[np.int32]) -> Floats:
    return np.where(codes == NO_CODE, np.nan, codes.astype(np.float64))


def _scores(take: Take, size: int, layout: Layout) -> Floats:
    """(S, size): NaN where missing, an infinity where invalid."""
    if not layout.scored:
        return np.empty((0, size))
    by_class = take("scores")
    if layout.task is Task.MULTICLASS:
        return np.stack([_probabilities(numbers(_of_class(by_class, name), size)) for name in layout.classes])
    score = numbers(take("score"), size)
    if by_class is not None:
        score = np.where(np.isnan(score), numbers(_of_class(by_class, layout.positive), size), score)
    return _probabilities(score)[np.newaxis]


def _of_class(scores: Sequence[object] | None, name: str | None) -> Sequence[object] | None:
    """The entry of one class in each event's ``scores``; what is no mapping is invalid as a whole."""
    if scores is None:
        return None
    return [
        entry.get(name) if isinstance(entry, Mapping) else (None if entry is None else math.inf) for entry in scores
    ]


def _probabilities(values: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        outside = (values < -SCORE_SLACK) | (values > 1.0 + SCORE_SLACK)
    return np.where(outside, np.inf, np.clip(values, 0.0, 1.0))


def _shown_score(prediction: Floats, scores: Floats, layout: Layout) -> Floats:
    """What the score column holds: the positive class's score, or for multi-class that of the predicted class."""
    if layout.task is not Task.MULTICLASS:
        return scores.reshape(-1)
    rows = np.flatnonzero(prediction < len(layout.classes))
    result = np.full(len(prediction), np.nan)
    result[rows] = scores[prediction[rows].astype(np.intp), rows]
    return result


def _groups(take: Take, size: int, layout: Layout, codes: _LayoutCodes) -> NDArray[np.int16]:
    result = np.empty((len(layout.groups), size), dtype=np.int16)
    for i, group_set in enumerate(codes.groups):
        result[i] = group_set.encode(take, size)
    return result


def _buckets(ids: Sequence[str], subjects: Sequence[object] | None) -> NDArray[np.uint8]:
    """The sub-table of each event: by its subject where it names one, else by its id."""
    keys = ids if subjects is None else [_subject(subject) or id_ for subject, id_ in zip(subjects, ids, strict=True)]
    return bucket_of(text_hashes(keys, BUCKET_SEED))


def text_hashes(texts: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """xxh3-64 of the UTF-8 of each text, (n,); part of the public table format."""
    hash_of = xxhash.xxh3_64_intdigest
    try:
        return np.fromiter(map(hash_of, map(str.encode, texts), repeat(seed)), np.uint64, len(texts))
    except UnicodeEncodeError:  # a lone surrogate is no UTF-8, but part of a name all the same
        encoded = (text.encode("utf-8", "surrogatepass") for text in texts)
        return np.fromiter(map(hash_of, encoded, repeat(seed)), np.uint64, len(texts))


def _subject(value: object) -> str | None:
    try:
        return text_of(value)
    except InvalidText:
        return None


def _latency(values: Sequence[object] | None, size: int) -> Floats:
    latency = finite(numbers(values, size))
    with np.errstate(invalid="ignore"):
        return np.where(latency < 0.0, np.nan, latency)


def _failed(values: Sequence[object] | None, size: int) -> NDArray[np.bool_]:
    if values is None:
        return np.zeros(size, dtype=np.bool_)
    if values.count("ok") + values.count(None) == size:
        return np.zeros(size, dtype=np.bool_)
    return np.fromiter((value != "ok" and not _answered(value) for value in values), dtype=np.bool_, count=size)


def _answered(status: object) -> bool:
    try:
        text = text_of(status)
    except InvalidText:
        return False
    return (
        text is None
        or text.lower() in _ANSWERED
        or text == "0"
        or (len(text) == 3 and text[0] == "2" and text.isdigit())
    )
