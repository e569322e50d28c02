from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from msgspec import structs

from detectors.explanation import explain, headline, iso, period
from detectors.findings import Evidence
from detectors.incident import Incident
from detectors.incidents import StreamIncidents, advance, agent_finding
from detectors.measurement import Measurement
from detectors.names import tolerance
from detectors.thresholds import Judgement
from tests.detectors.judging import DAY_US, STREAM, drop, judged

FIRST_OF_JULY = 15_887  # days from 1970-01-01 to 2013-07-01


def incident_of(*judgements: Judgement) -> Incident:
    state, _ = advance(StreamIncidents(STREAM), judgements)
    incident = state.harm.open or state.health.open
    assert incident is not None
    return incident


def drifted(subject: str, lower: float, **changes: object) -> Judgement:
    judgement = judged(FIRST_OF_JULY, metric="js_distance", subject=subject, family="drift", **changes)
    measurement = Measurement(
        "js_distance", subject, lower + 0.02, None, 900, lower, lower + 0.04, None, lower + 0.02, lower, lower + 0.04
    )
    return structs.replace(judgement, measurement=measurement, tolerance=0.1)


def test_the_headline_says_what_fell_from_where_to_where_when_and_the_tolerance() -> None:
    assert headline(incident_of(judged(FIRST_OF_JULY))) == (
        "ROC AUC of flights/delay/1 fell from 0.75 to 0.69 (0.685 to 0.695, n = 5000) in the day of 2013-07-01; "
        "tolerance 0.02"
    )


def test_the_headline_counts_the_other_findings() -> None:
    incident = incident_of(judged(FIRST_OF_JULY), judged(FIRST_OF_JULY, metric="mae"))
    assert headline(incident).endswith("; 1 more finding")


def test_the_explanation_lists_impact_before_what_moved_with_it() -> None:
    incident = incident_of(
        judged(FIRST_OF_JULY), drifted("dep_delay", 0.3, open_after=9), drifted("distance", 0.05, open_after=9)
    )
    first, second, third = explain(incident)
    assert first.startswith("ROC AUC fell from 0.75 to 0.69")
    assert second == "Moved with it: Jensen-Shannon distance (dep_delay) 0.32, at least 0.3; tolerance 0.1"
    assert third.startswith("Moved with it: Jensen-Shannon distance (distance)")


def test_columns_are_ranked_by_the_lower_limit_of_their_distance() -> None:
    incident = incident_of(drifted("a", 0.15), drifted("b", 0.4), drifted("c", 0.2))
    assert [line.split(")")[0].split("(")[1] for line in explain(incident)] == ["b", "c", "a"]


def test_a_drift_headline_names_the_column_and_no_value_of_it() -> None:
    judgement = drifted("carrier", 0.4)
    secret = replace(judgement.measurement, detail=(("unseen", "secret level"),))
    incident = incident_of(structs.replace(judgement, measurement=secret))
    assert headline(incident) == (
        "Jensen-Shannon distance (carrier) of flights/delay/1 is 0.42 (0.4 to 0.44, n = 900) in the day of 2013-07-01; "
        "tolerance 0.1"
    )
    assert b"secret" not in msgspec.json.encode(incident)


def test_a_bias_finding_names_the_groups() -> None:
    judgement = judged(FIRST_OF_JULY, metric="demographic_parity", subject="sex", family="bias")
    groups = (("lower", "sex=F"), ("higher", "sex=M"))
    incident = incident_of(structs.replace(judgement, measurement=drop(0.2, metric="x", detail=groups)))
    assert headline(incident).endswith("tolerance 0.02; lower sex=F; higher sex=M")


def test_undecided_runs_are_said_in_words() -> None:
    incident = incident_of(judged(0, "unknown", undecided_runs=3))
    assert headline(incident) == "ROC AUC of flights/delay/1 cannot be judged: windows are too small for its tolerance"


def test_agent_trouble_is_said_in_words() -> None:
    state, _ = agent_finding(StreamIncidents(STREAM), "no_input", True, 10, "no record for 5 minutes")
    assert state.agent.open is not None
    assert headline(state.agent.open) == "No input of flights/delay/1: no record for 5 minutes"


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("roc_auc", "tolerance 0.2"),
        ("mae", "tolerance 20 %"),
        ("volume", "tolerance a factor of 1.149"),
        ("demographic_parity_ratio", "at least 0.8 is wanted"),
        ("label_coverage", "at least 0.8 is wanted"),
    ],
)
def test_a_tolerance_is_said_on_the_scale_of_its_metric(metric: str, text: str) -> None:
    assert tolerance(metric, 0.2) == text


@pytest.mark.parametrize(
    ("start", "end", "windows", "text"),
    [
        (0, DAY_US, 1, "the day of 1970-01-01"),
        (DAY_US // 24, DAY_US // 12, 1, "the hour from 1970-01-01T01:00Z"),
        (1_000_000, DAY_US, 1, "the window from 1970-01-01T00:00:01Z to 1970-01-02T00:00Z"),
        (0, 3 * DAY_US, 3, "the 3 windows from 1970-01-01T00:00Z to 1970-01-04T00:00Z"),
    ],
)
def test_periods_are_said_as_a_person_would(start: int, end: int, windows: int, text: str) -> None:
    assert period(Evidence(start, end, end, windows, 0.1, Measurement("x"))) == text


@pytest.mark.parametrize(("us", "text"), [(1, "1970-01-01T00:00:00.000001Z"), (-1, "1969-12-31T23:59:59.999999Z")])
def test_times_keep_their_microseconds(us: int, text: str) -> None:
    assert iso(us) == text
