from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from msgspec import structs

from detectors.acts import Act, act
from detectors.incident import REASONS, Kind, Transition, fingerprint, incident_id
from detectors.incidents import StreamIncidents, advance, agent_finding, from_bytes, retire, to_bytes
from detectors.measurement import Status, Track
from detectors.thresholds import Judgement
from tests.detectors.judging import DAY_US, STREAM, judged

EMPTY = StreamIncidents(STREAM)
DRIFT = {"metric": "js_distance", "family": "drift", "open_after": 2}
MISSING = {"metric": "missing_severe", "subject": "dep_delay", "family": "quality", "track": Track.HARM}


def play(
    *steps: Judgement | Sequence[Judgement], state: StreamIncidents = EMPTY
) -> tuple[StreamIncidents, list[Transition]]:
    """Advance by each step in turn and gather what happened."""
    transitions: list[Transition] = []
    for step in steps:
        state, more = advance(state, (step,) if isinstance(step, Judgement) else step)
        transitions += more
    return state, transitions


def kinds(transitions: Sequence[Transition]) -> list[Kind]:
    return [transition.kind for transition in transitions]


def calls(transitions: Sequence[Transition]) -> list[str]:
    return [transition.incident_id for transition in transitions if transition.calls]


def acknowledged(state: StreamIncidents) -> StreamIncidents:
    assert state.harm.open is not None
    return act(state, Act("ack", state.harm.open.id, "night shift", "", 0))[0]


def test_a_harm_finding_opens_with_its_first_breach_and_calls() -> None:
    state, transitions = play(judged(5))
    assert (kinds(transitions), transitions[0].reason, transitions[0].calls) == (
        [Kind.OPENED],
        "breach_confirmed",
        True,
    )
    assert state.harm.open is not None
    assert state.harm.open.opened_us == 6 * DAY_US


def test_identity_is_track_fingerprint_and_episode() -> None:
    state, _ = play(judged(5))
    assert state.harm.open is not None
    assert state.harm.open.id == incident_id(STREAM, Track.HARM, 1) == f"harm-{fingerprint(STREAM, Track.HARM)}-1"


def test_the_fingerprint_is_the_documented_hash() -> None:
    # printf '["flights","delay","1","","harm"]' | sha256sum | cut -c1-10
    assert fingerprint(STREAM, Track.HARM) == "babdd9fa82"


def test_a_rule_of_two_windows_waits_for_the_second() -> None:
    state, transitions = play(judged(0, **DRIFT))
    assert (transitions, state.health.open, len(state.health.pending)) == ([], None, 1)
    state, transitions = play(judged(1, **DRIFT), state=state)
    assert kinds(transitions) == [Kind.OPENED]
    assert state.health.pending == ()


def test_the_timeline_tells_when_the_first_breach_was_pending() -> None:
    state, _ = play(judged(0, **DRIFT), judged(1, **DRIFT))
    assert state.health.open is not None
    assert [(e.at_us, e.kind) for e in state.health.open.timeline] == [
        (DAY_US, Kind.PENDING),
        (2 * DAY_US, Kind.OPENED),
    ]
    assert state.health.open.first_breach_start_us == 0


@pytest.mark.parametrize("between", ["clear", "near"])
def test_a_window_within_tolerance_forgets_what_was_pending(between: str) -> None:
    _, transitions = play(judged(0, **DRIFT), judged(1, between, **DRIFT), judged(2, **DRIFT))
    assert transitions == []


def test_insufficient_data_neither_advances_nor_forgets() -> None:
    _, transitions = play(judged(0, **DRIFT), judged(1, "unknown", **DRIFT), judged(2, **DRIFT))
    assert kinds(transitions) == [Kind.OPENED]


def test_a_later_window_extends_an_open_incident_silently() -> None:
    state, transitions = play(judged(0), judged(1))
    assert (kinds(transitions), transitions[1].calls) == ([Kind.OPENED, Kind.EXTENDED], False)
    assert state.harm.open is not None
    assert state.harm.open.last_breach_end_us == 2 * DAY_US


def test_another_finding_is_an_update_and_not_a_call() -> None:
    state, transitions = play(judged(0), judged(1, metric="parity", subject="sex", family="bias"))
    assert (kinds(transitions), transitions[1].reason) == ([Kind.OPENED, Kind.UPDATED], "finding_joined")
    assert calls(transitions) == [incident_id(STREAM, Track.HARM, 1)]
    assert state.harm.open is not None
    assert len(state.harm.open.active) == 2


def test_findings_of_one_due_time_open_one_incident_together() -> None:
    _, transitions = play((judged(0), judged(0, **MISSING)))
    assert kinds(transitions) == [Kind.OPENED]
    assert transitions[0].findings == ("missing_severe dep_delay", "roc_auc")


def test_harm_and_health_are_two_incidents() -> None:
    _, transitions = play(judged(0, **DRIFT), (judged(1), judged(1, **DRIFT)))
    assert [transition.track for transition in transitions] == [Track.HARM, Track.HEALTH]


def test_it_resolves_after_its_clear_windows() -> None:
    state, transitions = play(judged(0), judged(1, "clear"), judged(2, "clear"))
    assert (kinds(transitions), transitions[-1].reason) == ([Kind.OPENED, Kind.RESOLVED], "all_findings_cleared")
    assert (state.harm.open, state.harm.past[0].resolved_us) == (None, 3 * DAY_US)


def test_a_window_near_its_tolerance_interrupts_the_clear_count() -> None:
    state, _ = play(judged(0), judged(1, "clear"), judged(2, "near"), judged(3, "clear"))
    assert state.harm.open is not None


def test_insufficient_data_does_not_interrupt_the_clear_count() -> None:
    _, transitions = play(judged(0), judged(1, "clear"), judged(2, "unknown"), judged(3, "clear"))
    assert transitions[-1].kind is Kind.RESOLVED


def test_weak_evidence_counts_towards_clearing() -> None:
    weak = judged(2, "unknown", clear=True)
    assert play(judged(0), judged(1, "clear"), weak)[1][-1].kind is Kind.RESOLVED


def test_one_cleared_finding_of_two_keeps_the_incident_open() -> None:
    start = (judged(0), judged(0, **MISSING))
    state, transitions = play(start, judged(1, "clear"), judged(2, "clear"))
    assert (transitions[-1].kind, transitions[-1].reason) == (Kind.UPDATED, "finding_cleared")
    assert state.harm.open is not None
    assert [finding.metric for finding in state.harm.open.active] == ["missing_severe"]


def test_a_window_after_the_resolution_opens_the_next_episode_and_calls() -> None:
    _, transitions = play(judged(0), judged(1, "clear"), judged(2, "clear"), judged(3))
    assert transitions[-1].reason == "breach_after_resolution"
    assert calls(transitions) == [incident_id(STREAM, Track.HARM, 1), incident_id(STREAM, Track.HARM, 2)]


def resolved_with_span_of_days_0_to_2() -> tuple[StreamIncidents, list[Transition]]:
    breaches = (judged(number, **MISSING) for number in range(3))
    return play(*breaches, judged(3, "clear", **MISSING), judged(4, "clear", **MISSING))


def test_late_truth_about_a_known_bad_day_does_not_call_again() -> None:
    state, _ = resolved_with_span_of_days_0_to_2()
    state, transitions = play(judged(1, due_us=9 * DAY_US), state=state)
    assert [(t.kind, t.reason, t.calls) for t in transitions] == [(Kind.UPDATED, "late_truth", False)]
    assert state.harm.open is None
    assert [finding.state.value for finding in state.harm.past[0].findings] == ["cleared", "late"]


def test_late_truth_about_a_day_after_the_span_is_a_new_episode() -> None:
    state, _ = resolved_with_span_of_days_0_to_2()
    _, transitions = play(judged(3, due_us=11 * DAY_US), state=state)
    assert calls(transitions) == [incident_id(STREAM, Track.HARM, 2)]


def test_late_truth_about_a_day_before_every_span_is_a_new_episode() -> None:
    shifted = (judged(number, **MISSING) for number in (5, 6, 7))
    state, _ = play(*shifted, judged(8, "clear", **MISSING), judged(9, "clear", **MISSING))
    _, transitions = play(judged(2, due_us=10 * DAY_US), state=state)
    assert (transitions[-1].reason, transitions[-1].calls) == ("earlier_breach_learnt", True)


def test_late_truth_finds_the_incident_before_the_last_one() -> None:
    state, _ = resolved_with_span_of_days_0_to_2()
    state, _ = play(judged(8, **MISSING), judged(9, "clear", **MISSING), judged(10, "clear", **MISSING), state=state)
    state, transitions = play(judged(1, due_us=12 * DAY_US), state=state)
    assert [transition.incident_id for transition in transitions] == [incident_id(STREAM, Track.HARM, 1)]


def test_where_spans_overlap_the_open_incident_takes_the_verdict() -> None:
    state, _ = resolved_with_span_of_days_0_to_2()
    state, _ = play(judged(8, **MISSING), judged(0, metric="mae", due_us=9 * DAY_US), state=state)
    assert state.harm.open is not None
    state, _ = play(judged(0, **MISSING, due_us=10 * DAY_US), state=state)
    _, transitions = play(judged(1, due_us=11 * DAY_US), state=state)
    assert transitions[0].incident_id == incident_id(STREAM, Track.HARM, 2)


def test_a_labelled_finding_is_not_cleared_by_windows_before_its_last_breach() -> None:
    state, _ = play(judged(5), judged(3, "clear"), judged(4, "clear"))
    assert state.harm.open is not None


def test_a_finding_from_labels_is_not_cleared_by_other_findings_windows() -> None:
    state, _ = play(judged(0), *(judged(number, "clear", **MISSING) for number in range(1, 6)))
    assert state.harm.open is not None


def test_after_an_acknowledgement_another_family_on_a_later_window_calls_again() -> None:
    state = acknowledged(play(judged(0))[0])
    state, transitions = play(judged(1, **MISSING), state=state)
    assert (transitions[0].kind, transitions[0].reason) == (Kind.RECURRED, "new_family_after_ack")
    assert transitions[0].calls
    assert state.harm.open is not None
    assert (state.harm.open.acknowledged, state.harm.open.calls) == (None, 2)


def test_the_window_that_brings_another_family_may_extend_the_incident_too() -> None:
    state = acknowledged(play(judged(0))[0])
    _, transitions = play((judged(1), judged(1, **MISSING)), state=state)
    assert kinds(transitions) == [Kind.EXTENDED, Kind.RECURRED]


def test_after_an_acknowledgement_the_same_family_stays_silent() -> None:
    state = acknowledged(play(judged(0))[0])
    assert calls(play(judged(1), judged(2, metric="balanced_accuracy"), state=state)[1]) == []


def test_after_an_acknowledgement_another_family_on_the_same_window_stays_silent() -> None:
    state = acknowledged(play(judged(4))[0])
    late = judged(4, **MISSING, due_us=6 * DAY_US)
    assert calls(play(late, state=state)[1]) == []


def test_drift_and_quality_are_one_kind_of_trouble() -> None:
    state = acknowledged(play(judged(0, **MISSING))[0])
    assert calls(play(judged(1, metric="volume", family="service", track=Track.HARM), state=state)[1]) == []


def test_a_finding_that_returns_keeps_its_history() -> None:
    both = (judged(0), judged(0, **MISSING))
    state, transitions = play(both, judged(1, "clear"), judged(2, "clear"), judged(3))
    assert transitions[-1].reason == "finding_joined"
    assert state.harm.open is not None
    returned = next(finding for finding in state.harm.open.active if finding.metric == "roc_auc")
    assert (returned.first_breach_start_us, returned.windows) == (0, 2)


def test_two_windows_of_one_metric_due_together_are_taken_in_event_time() -> None:
    early, late = judged(0, **DRIFT, due_us=3 * DAY_US), judged(1, "clear", **DRIFT, due_us=3 * DAY_US)
    assert play((early, late)) == play((late, early))


def test_windows_that_do_not_count_change_nothing() -> None:
    assert play(judged(0, counts=False)) == (EMPTY, [])


def test_three_undecided_runs_open_a_ticket() -> None:
    _, transitions = play(judged(0, "unknown", undecided_runs=3))
    assert (transitions[0].track, transitions[0].findings) == (Track.HEALTH, ("never_decides roc_auc",))


def test_the_next_verdict_closes_the_ticket_about_undecided_runs() -> None:
    _, transitions = play(judged(0, "unknown", undecided_runs=3), judged(1, "clear"))
    assert transitions[-1].kind is Kind.RESOLVED


def test_switching_a_metric_off_ends_its_finding() -> None:
    off = judged(1, "unknown", reason="disabled")
    assert play(judged(0), off)[1][-1].reason == "rule_disabled"


def test_moving_a_metric_to_another_track_ends_its_finding_on_the_old_one() -> None:
    moved = judged(1, "clear", track=Track.HEALTH)
    assert play(judged(0), moved)[1][-1].reason == "rule_disabled"


def test_a_retired_stream_resolves_everything() -> None:
    state, _ = play((judged(0), judged(0, metric="volume", family="service")))
    state, transitions = retire(state, 20 * DAY_US)
    assert [transition.reason for transition in transitions] == ["stream_retired", "stream_retired"]
    assert all(not incident.is_open for incident in state)


def test_agent_trouble_opens_at_once_and_ends_at_once() -> None:
    state, opened = agent_finding(EMPTY, "no_input", True, 10, "no record for 5 minutes")
    state, again = agent_finding(state, "no_input", True, 20)
    state, ended = agent_finding(state, "no_input", False, 30)
    assert (kinds(opened), again, kinds(ended)) == ([Kind.OPENED], (), [Kind.RESOLVED])
    assert (opened[0].reason, ended[0].reason) == ("agent_trouble", "agent_recovered")


def test_no_trouble_is_no_news() -> None:
    assert agent_finding(EMPTY, "no_input", False, 10) == (EMPTY, ())


def test_the_timeline_of_a_very_long_incident_keeps_its_beginning_and_its_end() -> None:
    state, _ = play(*(judged(number) for number in range(300)))
    assert state.harm.open is not None
    timeline = state.harm.open.timeline
    assert (len(timeline), state.harm.open.timeline_omitted) == (256, 44)
    assert (timeline[0].kind, timeline[-1].at_us) == (Kind.OPENED, 300 * DAY_US)
    assert state.harm.open.sequence == 300


def test_state_survives_json() -> None:
    state, _ = play((judged(0), judged(0, **MISSING)), judged(1, **DRIFT))
    assert from_bytes(to_bytes(state)) == state


def test_every_reason_is_explained() -> None:
    _, transitions = play(judged(0), judged(1), judged(2, "clear"), judged(3, "clear"), judged(4))
    assert {transition.reason for transition in transitions} <= set(REASONS)


def test_what_moved_in_the_same_window_is_kept_for_the_explanation() -> None:
    drifted = judged(0, "clear", metric="js_distance", subject="dep_delay", family="drift")
    drifted = _with_effect(drifted, lower=0.05)
    state, _ = play((judged(0), drifted))
    assert state.harm.open is not None
    assert [(row.metric, row.subject) for row in state.harm.open.moved] == [("js_distance", "dep_delay")]


@pytest.mark.parametrize(("lower", "moved"), [(0.05, []), (0.3, ["label_coverage"])])
def test_labels_that_are_as_complete_as_wanted_have_not_moved(lower: float, moved: list[str]) -> None:
    coverage = judged(0, "clear", metric="label_coverage", track=Track.HEALTH, tolerance=0.2)
    state, _ = play((judged(0), _with_effect(coverage, lower)))
    assert state.harm.open is not None
    assert [row.metric for row in state.harm.open.moved] == moved


def test_what_moved_in_other_windows_is_not() -> None:
    drifted = _with_effect(judged(3, "clear", metric="js_distance", family="drift", due_us=DAY_US), lower=0.05)
    state, _ = play((judged(0), drifted))
    assert state.harm.open is not None
    assert state.harm.open.moved == ()


def _with_effect(judgement: Judgement, lower: float) -> Judgement:
    return structs.replace(judgement, measurement=replace(judgement.measurement, effect_lower=lower), status=Status.OK)
