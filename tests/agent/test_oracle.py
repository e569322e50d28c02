"""Foreign JSON in, numbers out: equal to numpy, scipy, scikit-learn and fairlearn on the same raw rows.

Nothing of the pipeline is used for what is expected, but the edges of the cells, which the reference fixes.
"""

from __future__ import annotations

import os

import fairlearn.metrics as fair
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics as sk

from detectors import cells
from detectors.layout import BELOW, CategoricalColumn, Layout
from detectors.tables import Tables
from tests.agent.foreign import JOBS, Rows
from tests.agent.oracle_run import Run, run_pipeline

pytestmark = pytest.mark.slow

EVENTS = int(os.environ.get("WACHTER_TEST_EVENTS", "20000"))
"""Acceptance is proven with 200000."""
EXACT = 1e-9
Counts = NDArray[np.int64]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_pipeline(tmp_path_factory.mktemp("oracle"), EVENTS)


# counts


def numbers_of(rows: Rows, column: str) -> NDArray[np.float64]:
    """Usable values of a number."""
    values = {"income": rows.income[rows.usable], "age": rows.age.astype(float), "score": rows.score}
    return values[column]


def histogram(values: NDArray[np.float64], edges: NDArray[np.float64]) -> Counts:
    """Below, the cells [a, b), at or above; by comparison of every value with every edge."""
    place = (values[:, None] >= edges[None, :]).sum(axis=1)
    return np.array([(place == cell).sum() for cell in range(len(edges) + 1)])


def edges_of(layout: Layout, column: str) -> NDArray[np.float64]:
    return np.array(next(c.edges for c in layout.numeric if c.name == column))


def flat_numeric(tables: Tables, layout: Layout, column: str) -> Counts:
    number = [c.name for c in layout.numeric].index(column)
    return tables.ints(cells.NUMERIC)[layout.numeric_offsets[number] : layout.numeric_offsets[number + 1]]


def levels_of(rows: Rows, column: str) -> list[Counts]:
    """Events per level, the unseen last."""
    if column == "prediction":
        return [(rows.prediction).sum(), (~rows.prediction).sum(), 0]
    known = [(rows.job == job).sum() for job in JOBS]
    return [*known, np.isin(rows.job, (*JOBS, ""), invert=True).sum()]


@pytest.mark.parametrize("column", ["income", "age", "score"])
@pytest.mark.parametrize("side", ["window", "reference"])
def test_histograms_are_those_of_the_raw_rows(run: Run, column: str, side: str) -> None:
    rows, tables = (run.window, run.tables) if side == "window" else (run.before, run.reference.tables)
    layout = run.reference.layout
    found = flat_numeric(tables, layout, column)
    assert found[BELOW:].tolist() == histogram(numbers_of(rows, column), edges_of(layout, column)).tolist()
    if column == "income":
        assert found[:BELOW].tolist() == [(np.isnan(rows.income) & ~rows.spoilt).sum(), rows.spoilt.sum()]


@pytest.mark.parametrize("side", ["window", "reference"])
def test_counts_of_levels_are_those_of_the_raw_rows(run: Run, side: str) -> None:
    rows, tables = (run.window, run.tables) if side == "window" else (run.before, run.reference.tables)
    layout = run.reference.layout
    number = [c.name for c in layout.categorical].index("job")
    column: CategoricalColumn = layout.categorical[number]
    first = layout.categorical_offsets[number]
    found = tables.ints(cells.CATEGORICAL)[first : layout.categorical_offsets[number + 1]]
    expected = {level: (rows.job == level).sum() for level in column.levels}
    assert dict(zip(column.levels, found[2:].tolist(), strict=False)) == expected
    assert found[column.first_unseen :].sum() == (rows.job == "poet").sum()
    assert found[0] == (rows.job == "").sum()


def test_extremes_are_those_of_the_raw_rows(run: Run) -> None:
    layout, income = run.reference.layout, numbers_of(run.window, "income")
    number = [c.name for c in layout.numeric].index("income")
    assert run.tables.floats(cells.MINIMUM)[number] == income.min()
    assert run.tables.floats(cells.MAXIMUM)[number] == income.max()


# quality and volume


def test_shares_of_flaws_are_those_of_the_raw_rows(run: Run) -> None:
    rows = run.window
    assert run.value("volume") == EVENTS
    assert run.value("missing_share", "income") == pytest.approx(
        (np.isnan(rows.income) & ~rows.spoilt).mean(), rel=EXACT
    )
    assert run.value("invalid_share", "income") == pytest.approx(rows.spoilt.mean(), rel=EXACT)
    assert run.value("unusable_share", "income") == pytest.approx((~rows.usable).mean(), rel=EXACT)
    assert run.value("missing_share", "job") == pytest.approx((rows.job == "").mean(), rel=EXACT)
    assert run.value("unseen_share", "job") == pytest.approx((rows.job == "poet").mean(), rel=EXACT)
    assert run.value("missing_share", "age") == 0


# drift


def pair_of(run: Run, column: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of window and reference over the cells that drift is measured on."""
    if column in ("job", "prediction"):
        return np.array(levels_of(run.window, column), float), np.array(levels_of(run.before, column), float)
    edges = edges_of(run.reference.layout, column)
    x, y = (histogram(numbers_of(rows, column), edges) for rows in (run.window, run.before))
    return x.astype(float), y.astype(float)


def smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = (counts + 0.5) / (counts.sum() + len(counts) / 2)
    return shares


@pytest.mark.parametrize("column", ["income", "age", "score", "job", "prediction"])
def test_distances_are_those_of_numpy_and_scipy(run: Run, column: str) -> None:
    x, y = pair_of(run, column)
    p, q = smoothed(x), smoothed(y)
    assert run.value("js_distance", column) == pytest.approx(jensenshannon(p, q, base=2), rel=EXACT)
    assert run.value("psi", column) == pytest.approx(((p - q) * np.log(p / q)).sum(), rel=EXACT)
    assert run.value("hellinger", column) == pytest.approx(np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / 2**0.5, rel=EXACT)
    assert run.value("total_variation", column) == pytest.approx(np.abs(p - q).sum() / 2, rel=EXACT)


def test_measures_of_categories_are_those_of_scipy(run: Run) -> None:
    x, y = pair_of(run, "job")
    test = stats.chi2_contingency(np.stack((x, y)), correction=False)
    assert run.value("chi_square", "job") == pytest.approx(test.statistic, rel=EXACT)
    assert run.measured["chi_square", "job"]["p_value"] == pytest.approx(test.pvalue, rel=EXACT)
    association = stats.contingency.association(np.stack((x, y)).astype(int), method="cramer")
    assert run.value("cramers_v", "job") == pytest.approx(association, rel=EXACT)
    assert run.value("linf", "job") == pytest.approx(np.abs(smoothed(x) - smoothed(y)).max(), rel=EXACT)


@pytest.mark.parametrize("column", ["income", "age", "score"])
def test_measures_of_numbers_are_those_of_scipy(run: Run, column: str) -> None:
    edges = edges_of(run.reference.layout, column)
    here, there = numbers_of(run.window, column), numbers_of(run.before, column)
    cell_here, cell_there = (np.searchsorted(edges, values, side="right") for values in (here, there))
    p, q = (smoothed(counts) for counts in pair_of(run, column))
    assert run.value("ks", column) == pytest.approx(np.abs(np.cumsum(p - q)).max(), rel=EXACT)
    half_events = len(p) / 2 * (1 / len(here) + 1 / len(there))
    assert run.value("ks", column) == pytest.approx(stats.ks_2samp(cell_here, cell_there).statistic, abs=half_events)
    shift = (here.mean() - there.mean()) / there.std()
    assert run.value("mean_shift", column) == pytest.approx(shift, rel=EXACT, abs=EXACT)
    at_means = (means_by_cell(values, cell) for values, cell in ((here, cell_here), (there, cell_there)))
    work = stats.wasserstein_distance(*at_means) / there.std()
    assert run.value("wasserstein", column) == pytest.approx(work, rel=EXACT, abs=EXACT)


def means_by_cell(values: NDArray[np.float64], cell: NDArray[np.intp]) -> NDArray[np.float64]:
    """Each value replaced by the mean of its cell."""
    means = np.bincount(cell, values) / np.maximum(np.bincount(cell), 1)
    return means[cell]


# performance


def test_performance_is_that_of_scikit_learn(run: Run) -> None:
    truth, prediction, score = run.labelled
    expected = {
        "accuracy": sk.accuracy_score(truth, prediction),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, prediction),
        "precision": sk.precision_score(truth, prediction),
        "recall": sk.recall_score(truth, prediction),
        "specificity": sk.recall_score(truth, prediction, pos_label=False),
        "f1": sk.f1_score(truth, prediction),
        "mcc": sk.matthews_corrcoef(truth, prediction),
        "log_loss": sk.log_loss(truth, score),
        "brier": sk.brier_score_loss(truth, score),
        "label_coverage": run.window.labelled.mean(),
    }
    assert {name: run.value(name) for name in expected} == pytest.approx(expected, rel=EXACT)


def test_areas_are_those_of_scikit_learn_on_the_cells_and_within_their_bounds_on_the_raw_scores(run: Run) -> None:
    truth, _, score = run.labelled
    cell = np.searchsorted(run.reference.layout.score_edges, score, side="right")
    found = run.measured["roc_auc", ""]
    assert found["value"] == pytest.approx(sk.roc_auc_score(truth, cell), rel=EXACT)
    assert found["value"] == pytest.approx(
        sk.roc_auc_score(truth, score), abs=float(found["detail"]["cell_error_at_most"])
    )
    assert found["baseline"] == pytest.approx(baseline_area(run), rel=EXACT)
    area = run.measured["pr_auc", ""]
    assert area["value"] == pytest.approx(sk.average_precision_score(truth, cell), rel=EXACT)
    low, high = (float(area["detail"][f"cells_{end}"]) for end in ("lower", "upper"))
    assert low <= sk.average_precision_score(truth, score) <= high


def baseline_area(run: Run) -> float:
    rows = run.before.labelled
    cell = np.searchsorted(run.reference.layout.score_edges, run.before.score[rows], side="right")
    return float(sk.roc_auc_score(run.before.truth[rows], cell))


# bias


def test_gaps_between_groups_are_those_of_fairlearn(run: Run) -> None:
    rows = run.window
    judged = np.isin(rows.sex, ("F", "M"))
    everything = {"sensitive_features": rows.sex[judged]}
    prediction = rows.prediction[judged]
    for metric, oracle in (
        ("demographic_parity_difference", fair.demographic_parity_difference),
        ("demographic_parity_ratio", fair.demographic_parity_ratio),
    ):
        assert run.value(metric, "sex") == pytest.approx(oracle(prediction, prediction, **everything), rel=EXACT)
    judged &= rows.labelled
    truth, prediction = rows.truth[judged], rows.prediction[judged]
    labelled = {"sensitive_features": rows.sex[judged]}
    expected = {
        "equal_opportunity_difference": fair.equal_opportunity_difference(truth, prediction, **labelled),
        "equalized_odds_difference": fair.equalized_odds_difference(truth, prediction, **labelled),
    }
    for metric, rate in (
        ("false_positive_rate_difference", fair.false_positive_rate),
        ("false_negative_rate_difference", fair.false_negative_rate),
        ("predictive_parity_difference", sk.precision_score),
        ("accuracy_difference", sk.accuracy_score),
    ):
        frame = fair.MetricFrame(metrics=rate, y_true=truth, y_pred=prediction, **labelled)
        expected[metric] = frame.difference()
    assert {name: run.value(name, "sex") for name in expected} == pytest.approx(expected, rel=EXACT)


@pytest.mark.parametrize("sex", ["F", "M"])
def test_rates_of_groups_are_those_of_the_raw_rows(run: Run, sex: str) -> None:
    rows = run.window
    mine = rows.sex == sex
    assert run.value("group_selection_rate", f"sex={sex}") == pytest.approx(rows.prediction[mine].mean(), rel=EXACT)
    mine &= rows.labelled
    recall = sk.recall_score(rows.truth[mine], rows.prediction[mine])
    assert run.value("group_true_positive_rate", f"sex={sex}") == pytest.approx(recall, rel=EXACT)
