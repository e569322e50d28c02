from __future__ import annotations

import json
from pathlib import Path

from msgspec import structs

from detectors.acts import Act, act
from detectors.columns import StreamKey
from detectors.incident import REASONS, Incident, Kind
from detectors.incident_record import lines, to_json
from detectors.incidents import StreamIncidents, advance
from tests.detectors.judging import STREAM, judged

DOCS = Path(__file__).parents[2] / "docs" / "incidents.md"


def story() -> StreamIncidents:
    state = StreamIncidents(STREAM)
    for step in ((judged(0),), (judged(1), judged(1, metric="parity", subject="sex", family="bias"))):
        state, _ = advance(state, step)
    assert state.harm.open is not None
    return act(state, Act("ack", state.harm.open.id, "night shift", "on it", judged(1).due_us))[0]


def keys_of(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_of(inner)}
    if isinstance(value, list | tuple):
        return {key for inner in value for key in keys_of(inner)}
    return set()


def test_the_record_is_stable_to_the_byte() -> None:
    golden = Path(__file__).with_name("incident.golden.jsonl")
    assert b"".join(lines(story())) == golden.read_bytes()


def test_lines_are_sorted_by_first_due_time_then_stream_whatever_their_order() -> None:
    def incident(system: str, day: int) -> Incident:
        stream = StreamKey(system, "delay", "1")
        state, _ = advance(StreamIncidents(stream), (structs.replace(judged(day), stream=stream),))
        assert state.harm.open is not None
        return state.harm.open

    incidents = [incident("b", 1), incident("a", 1), incident("z", 0)]
    systems = [json.loads(line)["stream"]["system"] for line in lines(incidents)]
    assert systems == ["z", "a", "b"]


def test_every_field_reason_and_kind_is_documented() -> None:
    text = DOCS.read_text()
    fields = keys_of([to_json(incident) for incident in story()])
    for name in (*fields, *REASONS, *Kind):
        assert f"`{name}`" in text, f"docs/incidents.md says nothing about `{name}`"
