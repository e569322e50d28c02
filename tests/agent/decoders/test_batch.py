"""Records of several partitions are read together; each is still known by where it came from."""

from __future__ import annotations

import json

from agent.source import Fetched, Partition
from tests.agent.decoders.events import decoder, inference, label

OTHER = Partition("scoring", 1)


def fetched(number: int, offsets: list[int], *values: bytes | None) -> Fetched:
    return Fetched(Partition("scoring", number), offsets, values)


def event(event_id: str) -> bytes:
    return json.dumps(inference(event_id=event_id)).encode()


def test_an_event_keeps_its_partition_and_its_offset() -> None:
    parts = [fetched(1, [7, 9], event("a"), event("b")), fetched(0, [3], event("c"))]
    decoded = decoder().decode(parts, {("scoring", 0): 4, ("scoring", 1): 2})
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == ["a", "b", "c"]
    assert decoded.inferences.partition.tolist() == [2, 2, 4]
    assert decoded.inferences.offset.tolist() == [7, 9, 3]


def test_a_rejected_record_is_named_by_its_partition_and_offset() -> None:
    parts = [fetched(0, [3, 4], event("a"), None), fetched(1, [7, 9], b"{", event("b"))]
    decoded = decoder().decode(parts, {("scoring", 0): 0, ("scoring", 1): 1})
    assert [(r.partition, r.offset, r.reason) for r in decoded.rejects] == [(0, 4, "empty"), (1, 7, "bad_json")]
    assert decoded.rejects[0].detail == "a tombstone"


def test_headers_of_one_partition_are_not_taken_for_those_of_another() -> None:
    bare = json.dumps({k: v for k, v in inference().items() if k != "event_id"}).encode()
    headers = [[("ce_specversion", b"1.0"), ("ce_id", b"outside")]]
    parts = [fetched(0, [3], event("a")), Fetched(OTHER, [7], [bare], headers)]
    decoded = decoder().decode(parts, {("scoring", 0): 0, ("scoring", 1): 1})
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == ["a", "outside"]


def test_a_record_read_with_care_keeps_its_place() -> None:
    odd = json.dumps(inference(event_id="b", features={"income": [1]})).encode()
    parts = [fetched(0, [3, 4, 5], event("a"), odd, event("c")), fetched(1, [7], json.dumps(label()).encode())]
    decoded = decoder().decode(parts, {("scoring", 0): 0, ("scoring", 1): 1})
    assert decoded.inferences is not None
    assert list(decoded.inferences.ids) == ["a", "b", "c"]
    assert decoded.inferences.offset.tolist() == [3, 4, 5]
    assert decoded.labels is not None
    assert decoded.labels.partition.tolist() == [1]
