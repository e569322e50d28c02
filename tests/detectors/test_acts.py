from __future__ import annotations

from typing import Any

import pytest

from config.errors import ActRefused
from detectors.acts import Act, act
from detectors.incident import Kind, Silence
from detectors.incidents import StreamIncidents, advance
from detectors.thresholds import Judgement
from tests.detectors.judging import DAY_US, STREAM, judged


def state_after(*judgements: Judgement) -> StreamIncidents:
    state = StreamIncidents(STREAM)
    for judgement in judgements:
        state, _ = advance(state, (judgement,))
    return state


OPEN = state_after(judged(0))
RESOLVED = state_after(judged(0), judged(1, "clear"), judged(2, "clear"))
assert OPEN.harm.open is not None
ID = OPEN.harm.open.id


def request(kind: Any = "ack", **changes: Any) -> Act:
    fields = {"incident_id": ID, "actor": "night shift", "comment": "looking", "at_us": 2 * DAY_US}
    return Act(kind, **(fields | changes))


def test_an_acknowledgement_names_its_actor_and_leaves_the_incident_open() -> None:
    state, transitions = act(OPEN, request())
    assert state.harm.open is not None
    assert state.harm.open.acknowledged is not None
    assert state.harm.open.acknowledged.actor == "night shift"
    assert [(t.kind, t.calls, t.actor) for t in transitions] == [(Kind.ACKNOWLEDGED, False, "night shift")]


def test_the_timeline_keeps_who_did_what_when_and_why() -> None:
    state, _ = act(OPEN, request())
    assert state.harm.open is not None
    entry = state.harm.open.timeline[-1]
    assert (entry.at_us, entry.actor, entry.text, entry.reason) == (
        2 * DAY_US,
        "night shift",
        "looking",
        "acknowledged_by_actor",
    )


def test_a_person_resolves_and_the_next_breach_calls_again() -> None:
    state, transitions = act(OPEN, request("resolve"))
    assert (state.harm.open, transitions[0].reason) == (None, "resolved_by_actor")
    _, transitions = advance(state, (judged(3),))
    assert transitions[0].calls


def test_a_silence_keeps_who_asked_for_it_and_until_when_and_leaves_the_incident_open() -> None:
    state, transitions = act(OPEN, request("silence", until_us=9))
    assert state.harm.open is not None
    assert state.harm.open.silenced == Silence("night shift", 2 * DAY_US, 9)
    assert state.harm.open.timeline[-1].until_us == 9
    assert [(t.kind, t.reason, t.calls) for t in transitions] == [(Kind.SILENCED, "silenced_by_actor", False)]


def test_a_later_silence_takes_the_place_of_the_one_before() -> None:
    state, _ = act(OPEN, request("silence", until_us=9))
    state, _ = act(state, request("silence", until_us=5))
    assert state.harm.open is not None
    assert state.harm.open.silenced == Silence("night shift", 2 * DAY_US, 5)


def test_a_silence_without_an_end_is_refused() -> None:
    with pytest.raises(ActRefused, match="until when"):
        act(OPEN, request("silence"))


def test_what_is_resolved_cannot_be_silenced() -> None:
    with pytest.raises(ActRefused, match="is resolved"):
        act(RESOLVED, request("silence", until_us=9))


def test_a_breach_inside_the_span_that_a_person_closed_does_not_call() -> None:
    state, _ = act(OPEN, request("resolve"))
    _, transitions = advance(state, (judged(0, metric="balanced_accuracy", due_us=9 * DAY_US),))
    assert [transition.calls for transition in transitions] == [False]


def test_a_comment_can_be_added_to_a_resolved_incident() -> None:
    state, transitions = act(RESOLVED, request("comment", comment="was a sensor"))
    assert (state.harm.past[0].timeline[-1].text, transitions[0].kind) == ("was a sensor", Kind.COMMENTED)


@pytest.mark.parametrize(
    ("state", "asked", "reason"),
    [
        (OPEN, request(incident_id="harm-0000000000-1"), "unknown_incident"),
        (OPEN, request(actor="  "), "no_actor"),
        (OPEN, request(actor="a" * 201), "actor_too_long"),
        (OPEN, request("comment", comment=" "), "no_comment"),
        (OPEN, request(comment="a" * 2001), "comment_too_long"),
        (RESOLVED, request("ack"), "already_resolved"),
        (RESOLVED, request("resolve"), "already_resolved"),
        (act(OPEN, request())[0], request(), "already_acknowledged"),
    ],
)
def test_an_act_that_cannot_be_done_is_refused_by_name(state: StreamIncidents, asked: Act, reason: str) -> None:
    with pytest.raises(ActRefused) as refused:
        act(state, asked)
    assert refused.value.reason == reason
    assert refused.value.detail
