"""The incident machine under any sequence of verdicts, acts and restarts."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from config.errors import ActRefused
from detectors.acts import Act, act
from detectors.findings import FindingKey
from detectors.incident import CALLS, REASONS, Incident, Kind, Transition
from detectors.incident_record import lines
from detectors.incidents import StreamIncidents, advance, from_bytes, retire, to_bytes
from detectors.measurement import Track
from detectors.thresholds import Judgement
from tests.detectors.judging import DAY_US, STREAM, judged

METRICS = {
    ("roc_auc", ""): {"family": "performance", "open_after": 1},
    ("parity", "sex"): {"family": "bias", "open_after": 1},
    ("missing_severe", "a"): {"family": "quality", "track": Track.HARM, "open_after": 1},
    ("js_distance", "a"): {"family": "drift", "open_after": 2},
    ("js_distance", "b"): {"family": "drift", "open_after": 2},
}
LABEL_DELAY_DAYS = 2
OUTCOMES = st.sampled_from(["breach", "clear", "near", "unknown"])


def verdict(day: int, key: FindingKey, outcome: str) -> Judgement:
    """What is due at the end of ``day``; labelled metrics speak of a window two days before."""
    rules: dict[str, object] = dict(METRICS[key])
    late = LABEL_DELAY_DAYS if rules["family"] in ("performance", "bias") else 0
    return judged(day - late, outcome, metric=key[0], subject=key[1], due_us=(day + 1) * DAY_US, **rules)


class Machine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.state = StreamIncidents(STREAM)
        self.day = 10
        self.inputs: list[tuple[Judgement, ...] | Act | int] = []
        self.transitions: list[Transition] = []
        self.ids: list[str] = []
        self.clear_run: dict[FindingKey, int] = {}

    @rule(outcomes=st.dictionaries(st.sampled_from(sorted(METRICS)), OUTCOMES, min_size=1), random=st.randoms())
    def a_due_time_comes(self, outcomes: dict[FindingKey, str], random: object) -> None:
        judgements = [verdict(self.day, key, outcome) for key, outcome in outcomes.items()]
        shuffled = list(judgements)
        random.shuffle(shuffled)  # type: ignore[attr-defined]
        before, (self.state, transitions) = self.state, advance(self.state, judgements)
        assert advance(before, shuffled) == (self.state, transitions), "the order within a due time does not matter"
        self._count_clear_windows(outcomes)
        self._check_calls(before, transitions)
        self._note(transitions, tuple(judgements))
        self.day += 1

    @rule(kind=st.sampled_from(["ack", "resolve", "comment"]), which=st.integers(0, 5))
    def a_person_acts(self, kind: str, which: int) -> None:
        known = list(self.state)
        if not known:
            return
        request = Act(kind, known[which % len(known)].id, "someone", "text", self.day * DAY_US)  # type: ignore[arg-type]
        before = to_bytes(self.state)
        try:
            self.state, transitions = act(self.state, request)
        except ActRefused:
            assert to_bytes(self.state) == before
            return
        self._note(transitions, request)

    @rule()
    def the_agent_restarts(self) -> None:
        self.state = from_bytes(to_bytes(self.state))

    @rule()
    def the_stream_retires(self) -> None:
        self.state, transitions = retire(self.state, self.day * DAY_US)
        self._note(transitions, self.day)

    @invariant()
    def open_incidents_hold_an_active_finding(self) -> None:
        for incident in self.state:
            assert not incident.is_open or incident.active

    @invariant()
    def at_most_one_incident_is_open_on_a_track(self) -> None:
        for track in Track:
            assert sum(incident.is_open for incident in self.state.track(track).incidents) <= 1
            assert all(incident.track is track for incident in self.state.track(track).incidents)

    @invariant()
    def spans_hold_every_finding(self) -> None:
        for incident in self.state:
            for finding in incident.findings:
                assert incident.spans(finding.first_breach_start_us, finding.last_breach_end_us)

    def teardown(self) -> None:
        if not hasattr(self, "state"):
            return
        again = StreamIncidents(STREAM)
        for given in self.inputs:
            if isinstance(given, Act):
                again, _ = act(again, given)
            elif isinstance(given, int):
                again, _ = retire(again, given * DAY_US)
            else:
                again, _ = advance(again, given)
        assert to_bytes(again) == to_bytes(self.state), "the same inputs give the same bytes"
        assert list(lines(again)) == list(lines(self.state))

    def _note(self, transitions: tuple[Transition, ...], given: tuple[Judgement, ...] | Act | int) -> None:
        self.inputs.append(given)
        for transition in transitions:
            assert transition.reason in REASONS
            assert transition.calls == (transition.kind in CALLS)
            earlier = [seen for seen in self.transitions if seen.incident_id == transition.incident_id]
            assert transition.sequence == len(earlier) + 1
            if transition.kind is Kind.OPENED:
                assert transition.incident_id not in self.ids, "ids are unique"
                self.ids.append(transition.incident_id)
            if transition.reason == "all_findings_cleared":
                self._check_clear_counts(transition)
            self.transitions.append(transition)

    def _count_clear_windows(self, outcomes: dict[FindingKey, str]) -> None:
        for key, outcome in outcomes.items():
            if outcome == "clear":
                self.clear_run[key] = self.clear_run.get(key, 0) + 1
            elif outcome != "unknown":
                self.clear_run[key] = 0

    def _check_clear_counts(self, transition: Transition) -> None:
        resolved = next(incident for incident in self.state if incident.id == transition.incident_id)
        for finding in resolved.findings:
            if finding.name in transition.findings:
                assert self.clear_run[finding.key] >= 2, "resolved only after the clear windows"

    def _check_calls(self, before: StreamIncidents, transitions: tuple[Transition, ...]) -> None:
        """A call needs either a track without an open incident, or an acknowledgement before."""
        for transition in transitions:
            was_open = before.track(transition.track).open
            if transition.kind is Kind.OPENED:
                assert was_open is None
                assert _holds_news(self.state, transition, before)
            if transition.kind is Kind.RECURRED:
                assert was_open is not None
                assert was_open.acknowledged is not None


def _holds_news(state: StreamIncidents, transition: Transition, before: StreamIncidents) -> bool:
    """The new incident has a finding whose last window lies in no span that was known."""
    opened = next(incident for incident in state if incident.id == transition.incident_id)
    return any(not _known(before.track(transition.track).past, finding.latest) for finding in opened.findings)


def _known(past: tuple[Incident, ...], evidence: object) -> bool:
    return any(incident.spans(evidence.window_start_us, evidence.window_end_us) for incident in past)  # type: ignore[attr-defined]


TestMachine = pytest.mark.filterwarnings("error")(Machine.TestCase)
Machine.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
