"""Records wait until event time allows them: a chunk is taken in slices, and no record is lost between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.decoders import build_decoder
from agent.flow.buffer import Batch, Buffer, Chunk
from agent.source import Fetched, Partition
from detectors.windows import END_OF_TIME, Frontier, PartitionProgress
from tests.agent.stage import PART, event, label, settings_of, us

OTHER = Partition("t", 1)
DECODER = build_decoder(settings_of(Path("unused")))


def batch(records: list[bytes | None], other: list[bytes | None] | None = None, first: int = 100) -> Batch:
    fetched = [Fetched(PART, range(first, first + 2 * len(records), 2), records)]
    if other is not None:
        fetched.append(Fetched(OTHER, range(len(other)), other))
    numbers = {part.partition: number for number, part in enumerate(fetched)}
    return Batch(DECODER.decode(fetched, numbers), fetched, list(numbers.values()))


def drained(chunk: Chunk, limits: list[int]) -> list[tuple[int, int, int, int, int]]:
    """(records, events, labels, rejects, next offset) of each slice."""
    progress, found = PartitionProgress(), []
    for limit in [*limits, END_OF_TIME]:
        if not chunk.empty:
            part = chunk.take(progress, limit)
            progress = part.progress
            found.append((part.records, len(part.rows), len(part.label_rows), len(part.rejects), part.next_offset))
    return found


records = st.one_of(
    st.integers(0, 200).map(lambda minute: event(f"e{minute}", minute)),
    st.integers(0, 200).map(lambda minute: label(f"e{minute}", minute)),
    st.sampled_from([b"poison", None]),
)


@given(st.lists(records, min_size=1, max_size=60), st.lists(st.integers(0, 200).map(us), max_size=5))
def test_slices_hold_every_record_once_whatever_the_limits(values: list[bytes | None], limits: list[int]) -> None:
    whole = drained(batch(values).chunks[0], [])
    parts = drained(batch(values).chunks[0], sorted(limits))
    assert len(whole) == 1
    assert tuple(map(sum, zip(*(part[:4] for part in parts), strict=True))) == whole[0][:4]
    assert parts[-1][4] == whole[0][4] == 100 + 2 * len(values) - 1
    assert [part[4] for part in parts] == sorted({part[4] for part in parts})


def test_a_slice_ends_with_the_event_by_which_the_frontier_passes_the_limit() -> None:
    chunk = batch([event(n, n) for n in range(100)]).chunks[0]
    part = chunk.take(PartitionProgress(), us(20))
    assert part.progress.inferences.value_us == us(21)
    assert part.records == 21 + 15 + 1
    assert not chunk.empty


def test_the_first_events_behind_labels_are_taken_alone() -> None:
    labels = Frontier().advance(np.array([us(200)] * 5))
    chunk = batch([event(n, n) for n in range(100)]).chunks[0]
    part = chunk.take(PartitionProgress(labels=labels), us(200))
    assert (part.records, part.progress.inferences.value_us) == (5, us(2))
    assert part.progress.reading_us == us(2)


def test_labels_do_not_end_a_slice_where_events_say_how_far_it_was_read() -> None:
    read = PartitionProgress(inferences=Frontier().advance(np.array([us(0)] * 5)))
    chunk = batch([label(n, 500 + n) for n in range(100)]).chunks[0]
    assert chunk.take(read, us(20)).records == 100


def test_the_bytes_of_a_record_are_found_by_its_offset() -> None:
    values: list[bytes | None] = [event(n, n) for n in range(5)]
    chunk = batch(values).chunks[0]
    assert [chunk.value(100 + 2 * n) for n in range(5)] == values


def test_partitions_of_one_batch_are_taken_apart() -> None:
    both = batch([event("a", 1), event("b", 2)], [event("c", 3)])
    assert [(chunk.fetched.partition, len(chunk.rows)) for chunk in both.chunks] == [(PART, 2), (OTHER, 1)]


def test_marks_tell_unequal_copies_apart() -> None:
    marks = batch([event("a", 1), event("a", 1), event("a", 2)]).marks
    assert marks[0] == marks[1] != marks[2]


def test_a_buffer_gives_the_oldest_chunk_of_each_partition() -> None:
    buffer = Buffer()
    first, second = batch([event("a", 1)]), batch([event("b", 2)], [event("c", 3)])
    buffer.add(first)
    buffer.add(second)
    assert buffer.waiting == {PART, OTHER}
    heads = {chunk.fetched.partition: chunk for chunk in buffer.heads()}
    assert heads[PART] is first.chunks[0]
    for chunk in heads.values():
        chunk.take(PartitionProgress(), END_OF_TIME)
        buffer.drop_if_empty(chunk)
    assert [chunk.batch for chunk in buffer.heads()] == [second]
    buffer.clear()
    assert buffer.waiting == frozenset()
