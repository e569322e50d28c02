"""Runs in the peers' own environment: ``python peer_runs.py DIR`` prints seconds per window by library, as JSON.

Each library does the nearest thing it offers to what Wachter does in a window: drift of every column, and performance. The
reference is prepared before the clock starts wherever the library allows it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

REPEATS = 3


def frame(path: Path) -> pd.DataFrame:
    data = np.load(path)
    table = pd.DataFrame({f"x{i:02d}": column for i, column in enumerate(data["numbers"])})
    for i, codes in enumerate(data["categories"]):
        table[f"c{i}"] = pd.Categorical([f"level-{code:02d}" for code in codes])
    table["score"] = data["score"]
    table["prediction"] = (data["score"] >= 0.5).astype(int)
    table["label"] = data["label"]
    return table


def evidently(reference: pd.DataFrame, window: pd.DataFrame) -> float:
    from evidently import BinaryClassification, DataDefinition, Dataset, Report
    from evidently.presets import ClassificationPreset, DataDriftPreset

    numbers = [name for name in reference if name.startswith("x")]
    categories = [name for name in reference if name.startswith("c")]
    task = BinaryClassification(target="label", prediction_labels="prediction", prediction_probas="score")
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories, classification=[task])
    trusted = Dataset.from_pandas(reference, data_definition=definition)

    def run() -> None:
        current = Dataset.from_pandas(window, data_definition=definition)
        report = Report([DataDriftPreset(columns=numbers + categories), ClassificationPreset()])
        report.run(current, trusted).dict()

    return fastest(run)


def nannyml(reference: pd.DataFrame, window: pd.DataFrame) -> float:
    import nannyml

    names = [name for name in reference if name[0] in "xc" and name != "score"]
    drift = nannyml.UnivariateDriftCalculator(column_names=names, chunk_size=len(window)).fit(reference)
    performance = nannyml.PerformanceCalculator(
        y_true="label", y_pred="prediction", y_pred_proba="score", problem_type="classification_binary",
        metrics=["roc_auc", "f1", "accuracy"], chunk_size=len(window),
    ).fit(reference)  # fmt: skip

    def run() -> None:
        drift.calculate(window)
        performance.calculate(window)

    return fastest(run)


def fastest(run: Callable[[], None]) -> float:
    run()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return min(times)


def main(directory: str) -> None:
    reference, window = frame(Path(directory) / "reference.npz"), frame(Path(directory) / "window.npz")
    libraries: dict[str, Any] = {"evidently": evidently, "nannyml": nannyml}
    found = {name: run for name, run in libraries.items() if importlib.util.find_spec(name)}
    print(json.dumps(dict(measured(found, reference, window))))


def measured(libraries: dict[str, Any], reference: pd.DataFrame, window: pd.DataFrame) -> Iterator[tuple[str, float]]:
    """(library, seconds) of those that run; one that does not is named on stderr and left out."""
    for name, run in libraries.items():
        try:
            yield name, run(reference.copy(), window.copy())
        except Exception as error:
            print(f"{name} cannot be compared with: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
