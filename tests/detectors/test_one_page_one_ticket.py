"""The story the policy is made for: forty windows in which performance truly drops once, slow harmless drift in many
columns, and labels that come two windows late. One page, one ticket; for windows from 500 to 10 000 events."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.incident import Moved, Transition
from detectors.incidents import StreamIncidents, advance, from_bytes, moved_by, to_bytes
from detectors.measurement import Measurement, Rule, Stage, Track
from detectors.policy import Policy, critical_z, evaluations_per_30_days, make_policy
from detectors.thresholds import Carry, Judgement, decide
from tests.detectors.judging import DAY_US, day

WINDOWS = 40
LABEL_DELAY = 2
DROP_FROM, DROP_UNTIL = 22, 26
COLUMNS = 12
CELLS = 16
REFERENCE_ROWS = 40_000
Z = critical_z(0.1, evaluations_per_30_days(COLUMNS + 1, DAY_US))
AUC = make_policy(Rule("roc_auc", "performance", Track.HARM, 0.02, 1, 2, 60, stage=Stage.LABELS))
DRIFT = make_policy(Rule("js_distance", "drift", Track.HEALTH, 0.1, 2, 2, 500))
EDGES = np.linspace(-2.0, 2.0, CELLS - 1)


@dataclass
class Story:
    """Plays the agent: keeps what is carried and the raw rows of the windows."""

    size: int
    seed: int
    state: StreamIncidents = field(default_factory=lambda: StreamIncidents(day(0).stream))
    carries: dict[tuple[str, str], Carry] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    moved: dict[int, tuple[Moved, ...]] = field(default_factory=dict)

    def play(self) -> Story:
        source = np.random.default_rng(self.seed)
        self.reference_auc = auc_of(*scored(source, REFERENCE_ROWS, 1.0))
        self.reference_cells = [cells(source.normal(size=REFERENCE_ROWS)) for _ in range(COLUMNS)]
        self.scores = [scored(source, self.size, separation(number)) for number in range(WINDOWS)]
        self.columns = [
            [cells(source.normal(loc=creep(c, number), size=self.size)) for c in range(COLUMNS)]
            for number in range(WINDOWS)
        ]
        for due in range(WINDOWS):
            self._step(due)
        return self

    def calls(self, track: Track) -> list[Transition]:
        return [transition for transition in self.transitions if transition.calls and transition.track is track]

    def _step(self, due: int) -> None:
        judgements = [self._judge(due, due, DRIFT, f"c{column}") for column in range(COLUMNS)]
        self.moved[due] = moved_by(judgements)
        if due >= LABEL_DELAY:
            judgements.append(self._judge(due - LABEL_DELAY, due, AUC, ""))
        context = self.moved.get(due - LABEL_DELAY, ())
        self.state, transitions = advance(from_bytes(to_bytes(self.state)), judgements, context)
        self.transitions += transitions

    def _judge(self, number: int, due: int, policy: Policy, subject: str) -> Judgement:
        window = day(number, due_us=(due + 1) * DAY_US)
        key = (policy.metric, subject)

        def measured(starts: tuple[int, ...]) -> Measurement:
            numbers = [start // DAY_US for start in starts]
            return self._auc(numbers) if policy is AUC else self._distance(numbers, subject)

        alone = measured((window.start_us,))
        judgement, self.carries[key] = decide(self.carries.get(key, Carry()), window, alone, policy, measured)
        return judgement

    def _auc(self, numbers: list[int]) -> Measurement:
        negative, positive = (np.concatenate([self.scores[n][side] for n in numbers]) for side in (0, 1))
        value, reference = auc_of(negative, positive), self.reference_auc
        errors = error(value, len(negative), len(positive)), error(reference, REFERENCE_ROWS // 2, REFERENCE_ROWS // 2)
        half = Z * math.hypot(*errors)
        n = len(negative) + len(positive)
        effect = reference - value
        return Measurement(
            "roc_auc", "", value, None, n, value - half, value + half, reference, effect, effect - half, effect + half
        )

    def _distance(self, numbers: list[int], subject: str) -> Measurement:
        column = int(subject[1:])
        counts = np.sum([self.columns[n][column] for n in numbers], axis=0)
        value, lower, upper, resolution = js_distance(counts, self.reference_cells[column])
        n = int(counts.sum())
        return Measurement(
            "js_distance", subject, value, None, n, lower, upper, None, value, lower, upper, resolution=resolution
        )


def separation(number: int) -> float:
    """Distance of the classes in standard deviations: AUC .76, and .64 while the model is broken."""
    return 0.5 if DROP_FROM <= number < DROP_UNTIL else 1.0


def creep(column: int, number: int) -> float:
    """Every second column moves by up to one and a half standard deviations over the forty windows, for no harm."""
    return 1.5 * number / WINDOWS if column % 2 else 0.0


def scored(source: np.random.Generator, rows: int, by: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return source.normal(size=rows // 2), source.normal(loc=by, size=rows - rows // 2)


def auc_of(negative: NDArray[np.float64], positive: NDArray[np.float64]) -> float:
    below = np.searchsorted(np.sort(negative), positive)
    return float(below.mean() / len(negative))


def error(auc: float, negatives: int, positives: int) -> float:
    """Standard error after Hanley and McNeil (1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    return float(np.sqrt(variance / (negatives * positives)))


def cells(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.bincount(np.searchsorted(EDGES, values, side="right"), minlength=CELLS)


def js_distance(x: NDArray[np.int64], y: NDArray[np.int64]) -> tuple[float, float, float, float]:
    """Value, interval and smallest decidable tolerance, by the closed forms of docs/statistics.md."""
    n, m = x.sum(), y.sum()
    p, q = ((side + 0.5) / (side.sum() + CELLS / 2) for side in (x, y))
    middle = (p + q) / 2
    divergence = float((p * np.log2(p / middle) + q * np.log2(q / middle)).sum() / 2)
    h, c = 1 / n + 1 / m, 1 / (8 * np.log(2))
    slopes = np.log2(p / middle) / 2, np.log2(q / middle) / 2
    v_p, v_q = (float((w * s**2).sum() - (w * s).sum() ** 2) for w, s in zip((p, q), slopes, strict=True))
    bias = c * (CELLS - 1) * h
    half = Z * math.sqrt(v_p / n + v_q / m + 2 * (CELLS - 1) * (c * h) ** 2)
    ends = [float(np.sqrt(max(0.0, end))) for end in (divergence, divergence - bias - half, divergence - bias + half)]
    a, b = 16 * c * h * Z**2, 2 * (CELLS - 1) * (c * h * Z) ** 2
    resolution = float(np.sqrt((a + np.sqrt(a**2 + 36 * b)) / 18))
    return ends[0], ends[1], ends[2], resolution


@pytest.mark.parametrize("size", [500, 2000, 10_000])
def test_a_true_drop_is_the_one_page_and_harmless_drift_the_one_ticket(size: int) -> None:
    story = Story(size, seed=3).play()
    pages, tickets = story.calls(Track.HARM), story.calls(Track.HEALTH)
    assert len(pages) == 1
    assert DROP_FROM + LABEL_DELAY < pages[0].at_us // DAY_US <= DROP_UNTIL + LABEL_DELAY
    assert len(tickets) == 1


def test_the_page_is_resolved_when_the_model_is_well_again_and_names_what_moved_with_it() -> None:
    story = Story(2000, seed=3).play()
    assert story.state.harm.open is None
    (incident,) = story.state.harm.past
    assert incident.first_breach_start_us // DAY_US == DROP_FROM
    assert incident.last_breach_end_us // DAY_US == DROP_UNTIL
    assert {row.subject for row in incident.moved} == {f"c{column}" for column in range(1, COLUMNS, 2)}


def test_a_small_stream_finds_a_lasting_drop_from_the_sum_of_its_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.detectors.test_one_page_one_ticket.DROP_UNTIL", WINDOWS)
    pages = Story(150, seed=3).play().calls(Track.HARM)
    assert len(pages) == 1
    assert pages[0].at_us // DAY_US > DROP_FROM + LABEL_DELAY


@pytest.mark.slow
@pytest.mark.parametrize("size", [500, 1000, 2000, 5000, 10_000])
def test_no_other_page_in_twenty_repetitions(size: int) -> None:
    pages = [len(Story(size, seed=seed).play().calls(Track.HARM)) for seed in range(20)]
    assert max(pages) == 1
    assert sum(pages) >= 19


@pytest.mark.slow
@pytest.mark.parametrize(("distance", "expected"), [(1.0, 0), (0.85, 1), (0.75, 1)])
def test_a_lasting_drop_never_pages_twice_and_no_drop_never_pages(
    monkeypatch: pytest.MonkeyPatch, distance: float, expected: int
) -> None:
    # 0.85 is an AUC of .726 for .760: near enough to the tolerance for single windows to look well again
    here = "tests.detectors.test_one_page_one_ticket"
    monkeypatch.setattr(f"{here}.separation", lambda number: distance if number >= 10 else 1.0)
    monkeypatch.setattr(f"{here}.COLUMNS", 2)
    pages = [len(Story(2000, seed=seed).play().calls(Track.HARM)) for seed in range(40)]
    assert max(pages) == expected
