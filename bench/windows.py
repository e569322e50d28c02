"""One window of 10 000 events and 20 columns: all detectors, counting included, against bincounts and peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from bench import events, peers
from bench.report import Figure
from detectors.columns import Columns, Inferences, Labelled, ModelKey
from detectors.declaration import Declaration, DeclaredColumn
from detectors.encode import encode
from detectors.families import FAMILIES, tallies_of
from detectors.family import Frame
from detectors.layout import GroupSet, Layout, Task
from detectors.layouts import Sample, build_layout
from detectors.measurement import Measurement, Stage
from detectors.tables import Tables, total

WINDOW, REFERENCE = 10_000, 100_000
REPEATS = 30


@dataclass(frozen=True, slots=True)
class Rows:
    """Events of one stream as the detectors see them, predictions and their labels."""

    columns: Columns
    labelled: Labelled


def run() -> Iterator[Figure]:
    held_out, live = events.rows(REFERENCE, seed=1), events.rows(WINDOW)
    layout = layout_of(held_out)
    reference = count(rows_of(held_out, layout), layout)
    window = rows_of(live, layout)
    plain = plain_bincounts(window.columns, layout)

    detectors = fastest(lambda: measure(count(window, layout), reference, layout))
    counting = fastest(lambda: count(window, layout))
    bincounts = fastest(plain)
    yield Figure("all detectors, one window", detectors * 1e3, "ms", target=25, note="counting and measuring")
    yield Figure("  of that counting", counting * 1e3, "ms")
    yield Figure("plain numpy bincounts of the same columns", bincounts * 1e3, "ms")
    yield Figure("all detectors / plain bincounts", detectors / bincounts, "x")
    for name, seconds in peers.seconds(held_out, live).items():
        yield Figure(f"{name} / all detectors", seconds / detectors, "x", note=f"{name}: {seconds * 1e3:,.0f} ms")


def layout_of(data: events.Rows) -> Layout:
    """The layout that a reference of these rows fixes."""
    columns = [DeclaredColumn(name, "number") for name in events.NUMBERS]
    columns += [DeclaredColumn(name, "category") for name in events.CATEGORIES]
    declaration = Declaration(
        task=Task.BINARY, columns=tuple(columns), classes=("no", "yes"), positive="yes", scored=True,
        groups=(GroupSet(attributes=("sex",), groups=(("F",), ("M",))),),
    )  # fmt: skip
    return build_layout(
        declaration,
        Sample(
            numbers=dict(zip(events.NUMBERS, data.numbers, strict=True)),
            levels={name: _tally(values) for name, values in levels(data).items()},
            predicted=_tally(predictions(data)),
            scores=data.score,
            monitored_scores=data.score,
        ),
    )


def rows_of(data: events.Rows, layout: Layout) -> Rows:
    """Encode events as the agent does."""
    size = len(data)
    values = {f"features.{name}": column.tolist() for name, column in zip(events.NUMBERS, data.numbers, strict=True)}
    values |= {f"features.{name}": column for name, column in levels(data).items()}
    values |= {
        "prediction": predictions(data),
        "score": data.score.tolist(),
        "protected.sex": ["F" if code % 2 else "M" for code in data.categories[3]],
    }
    zeros = np.zeros(size, dtype=np.int32)
    batch = Inferences(
        ids=[f"e{i:09d}" for i in range(size)], occurred_us=data.at_us,
        models=(ModelKey(events.SYSTEM, events.MODEL, "1"),), model_of=zeros, partition=zeros,
        offset=np.arange(size), values=values,
    )  # fmt: skip
    columns = encode(batch, None, layout)
    labels = data.label.astype(np.float64)
    return Rows(columns, Labelled(labels, columns.prediction, columns.scores, columns.groups, columns.bucket))


def levels(data: events.Rows) -> dict[str, list[str]]:
    """The categorical columns as names."""
    return {
        name: [f"{name}-{code:02d}" for code in codes]
        for name, codes in zip(events.CATEGORIES, data.categories.tolist(), strict=True)
    }


def predictions(data: events.Rows) -> list[str]:
    """What the model says."""
    return ["yes" if score >= 0.5 else "no" for score in data.score.tolist()]


def count(rows: Rows, layout: Layout) -> Tables:
    """Every tally of every family."""
    of_events, of_labels = tallies_of(FAMILIES)
    counted = [tally.count(rows.columns, layout) for tally in of_events]
    counted += [tally.count(rows.labelled, layout) for tally in of_labels]
    return total(counted)


def measure(window: Tables, reference: Tables, layout: Layout) -> list[Measurement]:
    """Every family, at both stages."""
    frames = [
        Frame(layout=layout, reference=reference, z=3.5, stage=stage, predictions=WINDOW, favourable="yes")
        for stage in Stage
    ]
    return [found for frame in frames for family in FAMILIES for found in family.measure(window, frame)]


def plain_bincounts(columns: Columns, layout: Layout) -> Callable[[], list[object]]:
    """The least that anybody must do: one histogram a column, by searchsorted and bincount."""
    edges = [np.array(column.edges) for column in layout.numeric]

    def bincounts() -> list[object]:
        numeric = zip(columns.numeric, edges, strict=True)
        counted: list[object] = [np.bincount(np.searchsorted(cuts, values, side="right")) for values, cuts in numeric]
        return counted + [np.bincount(codes) for codes in columns.codes]

    return bincounts


def fastest(call: Callable[[], object]) -> float:
    """Seconds of the fastest of several calls, after one to warm up."""
    call()
    best = float("inf")
    for _ in range(REPEATS):
        begun = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begun)
    return best


def _tally(names: list[str]) -> dict[str, int]:
    found, counts = np.unique(names, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))
