"""What of a model is watched and what is not, with the reason: from its declarations, and from what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from config.settings import Model
from config.units import format_duration
from detectors.families import FAMILIES
from exporters.snapshot import StreamStatus

Row = tuple[str, bool, str]
"""What, whether it is watched, and how or why not."""


def watched(model: Model, streams: Sequence[StreamStatus]) -> Iterator[Row]:
    """One row per thing that could be watched."""
    yield "Reference", *_reference(model)
    yield "Labels", *_labels(model)
    yield "Protected attributes", *_protected(model)
    yield "Segments", *_segments(model)
    for family in FAMILIES:
        yield f"Detector {family.name}", *_family(family.name, model, streams)
    for name, column in model.columns.items():
        if not column.enabled:
            yield f"Column {name}", False, "the settings leave it out"


def _reference(model: Model) -> tuple[bool, str]:
    if model.reference is None and not model.versions:
        return False, "no reference is named: drift and other comparisons with a trusted period are not judged"
    own = f"; {len(model.versions)} versions have their own" if model.versions else ""
    return True, f"windows are compared with a reference{own}"


def _labels(model: Model) -> tuple[bool, str]:
    if model.labels is None:
        return False, "no labels are declared: realised performance is not known"
    return True, f"labels may come up to {format_duration(model.labels.horizon_us)} after their window"


def _protected(model: Model) -> tuple[bool, str]:
    if not model.protected:
        return False, "none is declared: bias is not measured"
    return True, "; ".join(f"{name}: {', '.join(one.groups)}" for name, one in model.protected.items())


def _segments(model: Model) -> tuple[bool, str]:
    if model.segments is None:
        return False, "traffic is judged as a whole"
    return True, f"each {model.segments.by} on its own, at most {model.segments.max}"


def _family(name: str, model: Model, streams: Sequence[StreamStatus]) -> tuple[bool, str]:
    """Watched where the settings leave it on and something of it could be measured."""
    if not model.watches(name):
        return False, "the settings switch it off"
    results = [
        r for stream in streams for w in stream.windows if not w.provisional for r in w.results if r.family == name
    ]
    if not results:
        return False, "no window has been measured yet, or it has nothing to measure with these declarations"
    reasons = Counter(r.measurement.reason for r in results if r.measurement.value is None and r.measurement.reason)
    known = sum(result.measurement.value is not None for result in results)
    gaps = ", ".join(f"{count} without a value: {reason.replace('_', ' ')}" for reason, count in reasons.most_common(3))
    return known > 0, f"{known} measures with a value{f'; {gaps}' if gaps else ''}"
