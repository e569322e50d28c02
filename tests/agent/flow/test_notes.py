"""Notes and what they carry between them: nothing is lost, parts of two texts never mix, strangers do no harm."""

from __future__ import annotations

import base64
import zlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.flow.handed import MAX_BYTES, Handed, LaneNote, LateNote, RunNote, VolumesNote
from agent.flow.handover import volume_notes
from agent.flow.notes import MAX_NOTE_BYTES, VERSION, Note, joined, read_note, room_in, split
from agent.flow.takeover import volumes_of
from agent.state.volumes import Series, VolumeKey
from detectors.columns import StreamKey
from detectors.volume import WEEK_US

NAMES = st.text(max_size=8)
TIMES = st.integers(-(1 << 62), 1 << 62)
STREAMS = st.builds(StreamKey, NAMES, NAMES, NAMES, NAMES)
RUNS = st.builds(
    RunNote,
    st.lists(TIMES, max_size=8).map(tuple),
    TIMES,
    st.integers(0, 9),
    st.lists(st.tuples(STREAMS, st.lists(st.tuples(NAMES, NAMES), max_size=3).map(tuple)), max_size=3).map(tuple),
)
HANDED = st.builds(
    Handed,
    st.lists(st.builds(LaneNote, NAMES, NAMES, NAMES, NAMES, TIMES, TIMES, TIMES), max_size=3).map(tuple),
    st.dictionaries(NAMES, st.lists(st.tuples(TIMES, TIMES), max_size=2).map(tuple), max_size=2),
    st.lists(st.builds(LateNote, NAMES, st.integers(0, 9), NAMES, st.integers(0, 1 << 40), TIMES), max_size=3).map(
        tuple
    ),
    st.lists(RUNS, max_size=3).map(tuple),
    st.lists(
        st.builds(VolumesNote, NAMES, NAMES, TIMES, st.lists(TIMES).map(tuple), st.lists(TIMES).map(tuple)), max_size=2
    ).map(tuple),
)


def notes_with(text: str, rooms: list[int]) -> list[Note]:
    return [Note(VERSION, 0, part=part) for part in split(text, rooms)]


@given(HANDED, st.integers(1, 9))
def test_what_is_handed_over_arrives_as_it_was(handed: Handed, partitions: int) -> None:
    text = handed.to_text()
    notes = notes_with(text, [len(text) // partitions + 1] * partitions)
    digest = notes[0].part.digest if notes[0].part else ""
    read = [note for one in reversed(notes) if (note := read_note(msgspec.json.encode(one).decode()))]
    assert joined(read, digest) == handed


@given(HANDED, HANDED, st.integers(2, 5), st.data())
def test_parts_of_two_texts_never_mix(one: Handed, other: Handed, partitions: int, data: st.DataObject) -> None:
    rooms = [max(len(text) for text in (one.to_text(), other.to_text()))] * partitions
    both = [notes_with(handed.to_text(), rooms) for handed in (one, other)]
    chosen = [data.draw(st.sampled_from(pair)) for pair in zip(*both, strict=True)]
    for handed, notes in ((one, both[0]), (other, both[1])):
        assert notes[0].part is not None
        assert joined(chosen, notes[0].part.digest) in (handed, None)
        complete = all(note.part and note.part.digest == notes[0].part.digest for note in chosen)
        assert complete == (joined(chosen, notes[0].part.digest) is not None)


def test_a_text_with_a_part_missing_or_changed_is_not_understood() -> None:
    text = Handed(late=(LateNote("t", 0, "s", 7, 8),)).to_text()
    notes = notes_with(text, [10] * 9)
    assert notes[0].part is not None
    digest = notes[0].part.digest
    assert joined(notes, digest) is not None
    assert joined(notes[1:], digest) is None
    assert joined([*notes, notes[0]], digest) is None
    changed = msgspec.structs.replace(notes[0].part, text="0" * 10)
    assert joined([msgspec.structs.replace(notes[0], part=changed), *notes[1:]], digest) is None


def test_a_text_that_does_not_fit_cannot_be_split() -> None:
    with pytest.raises(ValueError, match="11 bytes do not fit into 10"):
        split("12345678901", [5, 5])


@pytest.mark.parametrize("text", ["", "not base 85 \x00", base64.b85encode(b"not zlib").decode()])
def test_a_text_of_a_stranger_is_not_understood(text: str) -> None:
    assert Handed.from_text(text) is None


def test_a_text_that_would_fill_the_memory_is_not_understood() -> None:
    bomb = base64.b85encode(zlib.compress(b" " * (MAX_BYTES + 1) + b"[]")).decode()
    assert Handed.from_text(bomb) is None


@pytest.mark.parametrize(
    "text", ["", "{}", "not json", '{"v":1,"from":1}', '{"v":3,"from":1}', '{"v":2}', '{"v":2,"from":1,"part":[1]}']
)
def test_a_note_that_cannot_be_understood_is_none(text: str) -> None:
    assert read_note(text) is None


def test_a_note_is_json_that_a_person_can_read() -> None:
    note = Note(VERSION, 41, closed={"lending": 7}, without=("volumes",))
    assert msgspec.json.decode(msgspec.json.encode(note)) == {
        "v": 2,
        "from": 41,
        "closed": {"lending": 7},
        "without": ["volumes"],
    }


@given(st.integers(0, 1 << 40), st.dictionaries(NAMES, TIMES, max_size=20))
def test_a_note_with_its_part_fits_into_what_a_broker_keeps(offset: int, times: dict[str, int]) -> None:
    note = Note(VERSION, offset, closed=times)
    room = room_in(note)
    grown = Note(VERSION, (1 << 63) - 1, closed=times, without=("volumes", "runs", "late", "lanes"))
    whole = msgspec.structs.replace(grown, part=split("x" * room, [room])[0])
    assert len(msgspec.json.encode(whole)) <= MAX_NOTE_BYTES


@given(
    st.dictionaries(
        st.tuples(NAMES, NAMES, st.sampled_from([3600, 7200])),
        st.dictionaries(st.integers(0, 9).map(lambda week: week * WEEK_US) | TIMES, st.integers(0, 1 << 40)),
    )
)
def test_volumes_arrive_as_they_were(series: dict[Series, dict[int, int]]) -> None:
    known = {VolumeKey(*of, end): events for of, counts in series.items() for end, events in counts.items()}
    assert dict(pair for note in volume_notes(series) for pair in volumes_of(note)) == known
