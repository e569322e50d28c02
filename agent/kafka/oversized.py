"""Batches that are too large to be read, on the wire or once they are decompressed: only their head is ever held.

One such batch must not end the agent, nor stop its partition: kafka-python 3.0.12 reads any batch whole, and where the frame
is over its limit it tries again for ever. What is replaced in it stands here, with the version it was seen in; ``install``
does it once per process.
"""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import lz4.frame  # type: ignore[import-untyped]
import zstandard
from kafka import errors
from kafka.codec import snappy_decode
from kafka.protocol import parser
from kafka.record import memory_records
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.structs import TopicPartition

from agent.kafka import receiving

MAX_BATCH_BYTES = 32 << 20
"""A batch takes up to five times its size while it is unpacked; this leaves it well within 512 MiB."""
BESIDE_BYTES = 4 << 20
"""What ``fetch_max_bytes`` allows in a fetch response beside one batch of any size."""
HEAD_BYTES = 64 << 10
PIECE_BYTES = 256 << 10
_BATCH_HEADER = struct.Struct(">qiibIhi")
_XERIAL = b"\x82SNAPPY\x00"
_MAGIC = 2
_KafkaBytes = parser.KafkaBytes


class Oversized(bytes):
    """The head of a record, or of the batch that holds it; its ``len`` is the size of the whole."""

    size: int

    def __new__(cls, head: bytes, size: int) -> Oversized:
        made = super().__new__(cls, head)
        made.size = size
        return made

    def __len__(self) -> int:
        return self.size


class Located(NamedTuple):
    """A batch that was not read: its partition, the offsets [first, end), and its head."""

    partition: TopicPartition
    first: int
    end: int
    head: Oversized


class BatchTooLarge(errors.KafkaProtocolError):  # type: ignore[misc]  # kafka-python has no types
    """A fetch response is larger than one batch and what may lie beside it; the batch in it that is to be passed over."""

    def __init__(self, located: Located) -> None:
        super().__init__(f"{located.partition}: {located.head.size} bytes in one response")
        self.located = located


def install(max_batch_bytes: int = MAX_BATCH_BYTES) -> None:
    """Let kafka-python hold no more than the head of what is too large; safe twice, the last bound holds."""
    receiving.install()
    parser.KafkaBytes = partial(_buffer, max_batch_bytes + BESIDE_BYTES)
    memory_records.DefaultRecordBatch = type("BoundedBatch", (BoundedBatch,), {"max_bytes": max_batch_bytes})


class BoundedBatch(DefaultRecordBatch):  # type: ignore[misc]
    """A batch whose records are read if they decompress to ``max_bytes`` or less; else one ``Oversized`` stands for them
    all, at the last offset of the batch."""

    max_bytes = MAX_BATCH_BYTES
    _buffer: bytearray
    _pos: int
    _decompressed: bool

    def __iter__(self) -> Iterator[Any]:
        read = _READERS.get(self.compression_type)
        if read is None or self._decompressed:
            return super().__iter__()  # type: ignore[no-any-return]
        self._assert_has_codec(self.compression_type)
        found = read(bytes(memoryview(self._buffer)[self._pos :]), self.max_bytes + 1)
        if len(found) > self.max_bytes:
            return iter([self._standing_for(found)])
        self._buffer, self._pos, self._decompressed = bytearray(found), 0, True
        return self

    def _standing_for(self, found: bytes) -> Any:
        head = Oversized(bytes(found[:HEAD_BYTES]), len(found))
        last, at = self.next_offset - 1, self.first_timestamp
        return DefaultRecord(len(head), last, at, self.timestamp_type, None, head, [])


class _HeadBytes:
    """In the place of the buffer of a frame that is too large: raises as soon as it holds the frame's head."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._head = bytearray()

    def __len__(self) -> int:
        return self._size

    def tell(self) -> int:
        return len(self._head)

    def write(self, data: bytes) -> None:
        self._head += data
        if len(self._head) >= HEAD_BYTES:
            raise BatchTooLarge(locate(bytes(self._head), self._size))


def _buffer(most: int, size: int) -> Any:
    return _KafkaBytes(size) if size <= most else _HeadBytes(size)


def locate(head: bytes, size: int) -> Located:
    """The batch in the head of a fetch response that ends beyond it. Brokers put a batch over the limits first.

    The layout is that of a fetch response of version 12 (Kafka 2.7 and later), behind a response header of version 1.

    Raises:
        InvalidReceiveError: the head is none of that.
    """
    try:
        return _locate(_Reader(head), size)
    except (IndexError, struct.error, UnicodeDecodeError):
        raise errors.InvalidReceiveError(f"a response of {size} bytes is too large to be read") from None


def _locate(response: _Reader, size: int) -> Located:
    response.skip(4).tags()  # correlation id
    response.skip(4 + 2 + 4)  # throttle time, error, session
    for _ in range(response.count()):
        topic = response.text()
        for _ in range(response.count()):
            number = response.int32()
            response.skip(2 + 8 + 8 + 8)  # error, high watermark, last stable and first offset
            for _ in range(response.count()):
                response.skip(16).tags()  # an aborted transaction
            response.skip(4)  # preferred replica
            length = response.count()
            if length > response.left:
                return response.batch(TopicPartition(topic, number), size)
            response.skip(max(length, 0)).tags()
        response.tags()
    raise IndexError("no batch ends beyond the head")


class _Reader:
    """The fields of Kafka's flexible protocol versions, in order."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def skip(self, size: int) -> _Reader:
        self._at += size
        return self

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> int:
        """Length of a compact array, string or byte field; -1 for null."""
        return self.uvarint() - 1

    def int32(self) -> int:
        (value,) = struct.unpack_from(">i", self._data, self._at)
        self._at += 4
        return int(value)

    def text(self) -> str:
        length = self.count()
        self._at += length
        return self._data[self._at - length : self._at].decode()

    def tags(self) -> None:
        for _ in range(self.uvarint()):
            self.uvarint()
            self.skip(self.uvarint())

    def batch(self, partition: TopicPartition, size: int) -> Located:
        first, _, _, magic, _, _, last_delta = _BATCH_HEADER.unpack_from(self._data, self._at)
        if magic != _MAGIC:
            raise IndexError("no batch of format 2")
        return Located(partition, first, first + last_delta + 1, Oversized(self._data[self._at :], size))


def _gzip(data: bytes, most: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        return _in_pieces(file.read, most)


def _lz4(data: bytes, most: int) -> bytes:
    with lz4.frame.open(io.BytesIO(data)) as file:
        return _in_pieces(file.read, most)


def _zstd(data: bytes, most: int) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as file:
        return _in_pieces(file.read, most)


def _in_pieces(read: Callable[[int], bytes], most: int) -> bytes:
    """So many bytes or a piece more; asking for the most at once would reserve memory for it, batch by batch."""
    first = read(PIECE_BYTES)
    if len(first) < PIECE_BYTES:
        return first
    found = bytearray(first)
    while len(found) < most and (more := read(PIECE_BYTES)):
        found += more
    return bytes(found)


def _snappy(data: bytes, most: int) -> bytes:
    """Its blocks say beforehand how large they will be."""
    size = sum(_snappy_sizes(data))
    found: bytes = snappy_decode(data) if size < most else Oversized(data[:HEAD_BYTES], size)
    return found


def _snappy_sizes(data: bytes) -> Iterator[int]:
    if not data.startswith(_XERIAL):
        yield _Reader(data).uvarint()
        return
    at = 16
    while at < len(data):
        (length,) = struct.unpack_from(">i", data, at)
        yield _Reader(data[at + 4 : at + 14]).uvarint()
        at += 4 + length


_READERS: dict[int, Callable[[bytes, int], bytes]] = {
    DefaultRecordBatch.CODEC_GZIP: _gzip,
    DefaultRecordBatch.CODEC_LZ4: _lz4,
    DefaultRecordBatch.CODEC_ZSTD: _zstd,
    DefaultRecordBatch.CODEC_SNAPPY: _snappy,
}
