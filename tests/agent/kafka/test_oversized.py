"""Batches that are too large: only their head is held, and one record stands for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kafka import errors
from kafka.protocol.consumer import FetchResponse
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from agent.kafka import oversized
from agent.kafka.oversized import HEAD_BYTES, BatchTooLarge, Oversized, locate

LIMIT = 100_000
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


@pytest.fixture(autouse=True)
def _limits() -> Iterator[None]:
    oversized.install(LIMIT)
    yield
    oversized.install()


def batch(*values: bytes, codec: str = "none", first: int = 0) -> bytes:
    """A record batch as a broker stores it."""
    builder = DefaultRecordBatchBuilder(2, CODECS[codec], False, -1, -1, -1, 1 << 30)
    for number, value in enumerate(values):
        builder.append(number, timestamp=1, key=None, value=value, headers=[])
    built = bytearray(builder.build())
    built[:8] = first.to_bytes(8, "big")
    return bytes(built)


def read(data: bytes) -> list[Any]:
    records = MemoryRecords(data)
    found: list[Any] = []
    while (one := records.next_batch()) is not None:
        found += list(one)
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_batches_within_the_limit_are_read_as_ever(codec: str) -> None:
    data = batch(b"a" * 1000, b"b", codec=codec, first=7) + batch(b"c", codec=codec, first=9)
    assert [(one.offset, one.value) for one in read(data)] == [(7, b"a" * 1000), (8, b"b"), (9, b"c")]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_one_record_stands_for_a_batch_that_decompresses_to_more(codec: str) -> None:
    data = batch(b"x" * LIMIT, b"y" * LIMIT, codec=codec, first=7) + batch(b"next", codec=codec, first=9)
    large, following = read(data)
    assert isinstance(large.value, Oversized)
    assert large.offset == 8
    assert len(large.value) > LIMIT
    assert len(large.value[:]) <= HEAD_BYTES
    assert (following.offset, following.value) == (9, b"next")


def response(records: bytes) -> bytes:
    """A fetch response as it comes over the wire: one empty partition, then one with records."""
    partition = FetchResponse.FetchableTopicResponse.PartitionData

    def part(index: int, data: bytes) -> Any:
        return partition(
            partition_index=index,
            error_code=0,
            high_watermark=99,
            last_stable_offset=99,
            log_start_offset=0,
            aborted_transactions=[],
            preferred_read_replica=-1,
            records=data,
        )

    topic = FetchResponse.FetchableTopicResponse(topic="events", partitions=[part(0, b""), part(5, records)])
    whole = FetchResponse(throttle_time_ms=0, error_code=0, session_id=3, responses=[topic], version=12)
    return (4711).to_bytes(4, "big") + b"\0" + bytes(whole.encode(version=12))


def test_a_batch_in_a_response_that_is_too_large_is_found_in_its_head() -> None:
    whole = response(batch(b"x" * LIMIT, b"y" * LIMIT, first=40))
    found = locate(whole[:1000], len(whole))
    assert found[:3] == (TopicPartition("events", 5), 40, 42)
    assert len(found.head) == len(whole)


def test_a_head_that_is_no_fetch_response_is_refused() -> None:
    for head in (b"", b"\0" * 100, bytes(range(200)), response(batch(b"small"))):
        with pytest.raises(errors.InvalidReceiveError):
            locate(head, 1 << 30)


def test_the_buffer_of_a_frame_that_is_too_large_holds_its_head_only() -> None:
    whole = response(batch(b"x" * (LIMIT + HEAD_BYTES), first=40))
    buffer = oversized._buffer(LIMIT, len(whole))
    assert len(buffer) == len(whole)
    buffer.write(whole[:1000])
    assert buffer.tell() == 1000
    with pytest.raises(BatchTooLarge) as caught:
        buffer.write(whole[1000 : HEAD_BYTES + 1])
    assert caught.value.located.partition == TopicPartition("events", 5)
