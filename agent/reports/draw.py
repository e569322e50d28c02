"""Evidently's reports over two frames, as one self-contained page. Only the report's own process imports this.

Evidently 0.7.23 writes values into a script as they are, so frames must hold harmless texts alone (levels.py); the page also
forbids itself all of the network.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import evidently
from evidently import BinaryClassification, DataDefinition, Dataset, MulticlassClassification, Regression, Report
from evidently.core.metric_types import render_widgets
from evidently.legacy.renderers.html_widgets import group_widget
from evidently.presets import ClassificationPreset, DataDriftPreset, DataSummaryPreset, RegressionPreset

from agent.reports.frames import LABEL, PREDICTION, SCORE, Frames, labelled
from agent.web.html import Html
from config.settings import Model

VERSION: str = evidently.__version__
POLICY = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'unsafe-inline' "
    "'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:\">"
)
FEWEST_LABELS = 10


class Drawn:
    """Groups of widgets, and what is to be said about them."""

    def __init__(self) -> None:
        self.groups: list[Any] = []
        self.remarks: list[str] = []

    def add(self, title: str, report: Report, window: Dataset, reference: Dataset | None) -> None:
        """Compute a report; where Evidently cannot, say so instead."""
        try:
            widgets = report.run(window, reference)._widgets
        except MemoryError:
            raise
        except Exception as error:  # an edge: what Evidently raises on odd data is not ours to know
            self.remarks.append(f"{title}: Evidently could not compute it ({type(error).__name__}: {error}).")
            return
        self.groups.append(group_widget(title=title, widgets=widgets))

    def page(self, note: Html) -> str:
        """All groups behind the note."""
        html: str = render_widgets(self.groups)
        return html.replace("<head>", f"<head>\n{POLICY}", 1).replace("<body>", f"<body>\n{note}", 1)


def draw(model: Model, frames: Frames) -> Drawn:
    """Data drift, data quality, and performance as far as there are labels."""
    drawn = Drawn()
    columns = [*frames.numbers, *frames.categories]
    definition = DataDefinition(numerical_columns=frames.numbers, categorical_columns=frames.categories)
    window, reference = (
        Dataset.from_pandas(frame[columns], data_definition=definition) for frame in (frames.window, frames.reference)
    )
    drawn.add("Data drift", Report([DataDriftPreset(columns=columns)]), window, reference)
    drawn.add("Data quality", Report([DataSummaryPreset(columns=columns)]), window, reference)
    _performance(drawn, model, frames)
    return drawn


def _performance(drawn: Drawn, model: Model, frames: Frames) -> None:
    window, reference = labelled(frames.window), labelled(frames.reference)
    title = "Regression" if model.task == "regression" else "Classification"
    if len(window) < FEWEST_LABELS:
        drawn.remarks.append(f"{title}: left out, since {len(window)} rows of the window have a label by now.")
        return
    drawn.remarks.append(f"{title}: over the {len(window)} rows of the window that have a label by now.")
    compare = len(reference) >= FEWEST_LABELS
    if not compare:
        drawn.remarks.append(f"{title}: without a reference, of which {len(reference)} rows have a label.")
    parts = [window, reference] if compare else [window]
    seen = classes_seen(model, parts)
    if model.task != "regression" and len(seen) < 2:
        drawn.remarks.append(f"{title}: left out, since all labels and answers are of one class.")
        return
    if model.task == "multiclass" and len(seen) == 2:
        drawn.remarks.append(f"{title}: only two classes occur; Evidently takes {seen[-1]} for the positive one.")
    definition = _definition(model, parts, seen)
    current, *rest = (Dataset.from_pandas(part, data_definition=definition) for part in parts)
    preset = RegressionPreset() if model.task == "regression" else ClassificationPreset()
    drawn.add(title, Report([preset]), current, rest[0] if rest else None)


def classes_seen(model: Model, parts: list[Any]) -> list[str]:
    """Classes among labels and answers, in the order of the settings."""
    found = {str(value) for part in parts for name in (LABEL, PREDICTION) for value in part[name].unique()}
    return sorted(found, key=lambda name: (model.classes.index(name) if name in model.classes else -1, name))


def _definition(model: Model, parts: list[Any], seen: list[str]) -> DataDefinition:
    """What answers and labels are; scores only where every row has one."""
    if model.task == "regression":
        return DataDefinition(
            numerical_columns=[PREDICTION, LABEL], regression=[Regression(target=LABEL, prediction=PREDICTION)]
        )
    answers = [PREDICTION, LABEL]
    if model.task == "multiclass" and len(seen) > 2:
        task = MulticlassClassification(target=LABEL, prediction_labels=PREDICTION)
        return DataDefinition(categorical_columns=answers, classification=[task])
    scored = all(SCORE in part and part[SCORE].notna().all() for part in parts)
    binary = BinaryClassification(
        target=LABEL,
        prediction_labels=PREDICTION,
        prediction_probas=SCORE if scored else None,
        pos_label=model.positive or seen[-1],
    )
    return DataDefinition(
        categorical_columns=answers, numerical_columns=[SCORE] if scored else [], classification=[binary]
    )


def remarks_about(frames: Frames) -> Iterator[str]:
    """What a reader should know before he believes the figures."""
    for name, frame in (("window", frames.window), ("reference", frames.reference)):
        if len(frame) < 1000:
            yield f"The {name} has only {len(frame)} rows: what chance does looks like drift."
