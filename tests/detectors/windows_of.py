"""Frames and windows for the tests of families that measure columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from detectors.cells import CellTally
from detectors.encode import encode
from detectors.family import Frame
from detectors.layout import Layout
from detectors.measurement import Measurement, Stage
from detectors.tables import Tables
from tests.detectors.events import batch


def count(layout: Layout, features: Mapping[str, Sequence[object]]) -> Tables:
    """The cells of features by name."""
    values = {f"features.{name}": raw for name, raw in features.items()}
    size = len(next(iter(features.values())))
    return CellTally().count(encode(batch(size, values), None, layout), layout)


def frame(layout: Layout, reference: Tables | None, **more: object) -> Frame:
    fields = {"layout": layout, "reference": reference, "z": 3.0, "stage": Stage.WINDOW, **more}
    return Frame(**fields)  # type: ignore[arg-type]


def one(measurements: Iterable[Measurement], metric: str, subject: str) -> Measurement:
    """The only measurement of a metric and a subject."""
    (found,) = (m for m in measurements if m.metric == metric and m.subject == subject)
    return found
