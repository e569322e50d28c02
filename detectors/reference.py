"""A reference: the tables of a trusted period, and the layout that its rows fixed.

File format, version 1 (all integers little-endian):

    8 bytes   WACHTREF
    uint32    version of the format
    the rest  one zstd frame of
        uint32    length of the header
        header    JSON: layout, phi, auto, chunks, first_us, last_us, longest_gap_us, provenance, digest
        tables    as Tables.to_bytes writes them

The digest is the SHA-256 of the header without its digest, followed by the tables: whoever has the file can check it, and
the same rows give the same digest on every machine.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import zstandard

from config.errors import LayoutError, ReferenceFileError
from detectors.layout import Layout
from detectors.tables import Tables, TableSpec

MAGIC = b"WACHTREF"
FORMAT_VERSION = 1
MAX_BYTES = 1 << 30
"""A file that claims to unpack to more than this is not ours."""

_PREFIX = struct.Struct("<8sI")
_LENGTH = struct.Struct("<I")
_REMEDY = "Build it again with `wachter reference build`"

Keyed = Mapping[tuple[str, str], float]
"""A number by (metric, subject)."""


class _Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    layout: Layout
    phi: list[tuple[str, str, float]]
    auto: list[tuple[str, str, float]]
    chunks: int
    first_us: int
    last_us: int
    longest_gap_us: int
    provenance: dict[str, str]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a model version is compared with.

    Attributes:
        layout: cells, levels and grids, fixed by the rows.
        tables: of all tallies, inference events and labels.
        phi: variance inflation by (metric, subject); 1 where absent.
        auto: the largest lower limit among the chunks by (metric, subject), for rules that may raise their tolerance so.
        chunks: non-empty stretches of window length; with fewer than 10, phi and auto are empty.
        first_us, last_us: times of the first and the last event; longest_gap_us: the longest silence between two.
        provenance: facts about the rows, as text: sources and their SHA-256, counts, ``held_out``.
        digest: SHA-256 of all of the above, in hex.
    """

    layout: Layout
    tables: Tables
    phi: Keyed
    auto: Keyed
    chunks: int
    first_us: int
    last_us: int
    longest_gap_us: int
    provenance: Mapping[str, str]
    digest: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self._header(), self.tables.to_bytes()))

    def to_bytes(self) -> bytes:
        """The content of a reference file."""
        header = msgspec.json.encode(msgspec.structs.replace(self._header(), digest=self.digest))
        body = b"".join((_LENGTH.pack(len(header)), header, self.tables.to_bytes()))
        return _PREFIX.pack(MAGIC, FORMAT_VERSION) + zstandard.ZstdCompressor(level=10).compress(body)

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """Read what ``to_bytes`` wrote.

        Raises:
            ReferenceFileError: not a reference, of an unknown version, or damaged.
        """
        body = _unpack(data)
        try:
            (length,) = _LENGTH.unpack_from(body)
            start = _LENGTH.size + length
            header = msgspec.json.decode(body[_LENGTH.size : start], type=_Header)
            tables = Tables.from_bytes(body[start:])
        except (struct.error, msgspec.MsgspecError, LayoutError, KeyError, ValueError) as error:
            raise ReferenceFileError(f"the reference cannot be read: {error}. {_REMEDY}") from error
        reference = cls(
            layout=header.layout,
            tables=tables,
            phi=_by_key(header.phi),
            auto=_by_key(header.auto),
            chunks=header.chunks,
            first_us=header.first_us,
            last_us=header.last_us,
            longest_gap_us=header.longest_gap_us,
            provenance=header.provenance,
        )
        if reference.digest != header.digest:
            raise ReferenceFileError(f"the reference does not match its digest {header.digest[:12]}. {_REMEDY}")
        return reference

    def check_tables(self, specs: Iterable[TableSpec]) -> None:
        """See that every table that detectors will ask for is there, in the form they know.

        Raises:
            ReferenceFileError: one is absent, or of another kind, shape or version.
        """
        for spec in specs:
            held = self.tables.specs.get(spec.name)
            if held != spec:
                raise ReferenceFileError(f"table {spec.name} of the reference is {held}, needed is {spec}. {_REMEDY}")

    def _header(self) -> _Header:
        return _Header(
            layout=self.layout,
            phi=_as_list(self.phi),
            auto=_as_list(self.auto),
            chunks=self.chunks,
            first_us=self.first_us,
            last_us=self.last_us,
            longest_gap_us=self.longest_gap_us,
            provenance=dict(sorted(self.provenance.items())),
        )


def _digest(header: _Header, tables: bytes) -> str:
    return hashlib.sha256(msgspec.json.encode(header) + tables).hexdigest()


def _unpack(data: bytes) -> bytes:
    if not data.startswith(MAGIC) or len(data) < _PREFIX.size:
        raise ReferenceFileError(f"this is not a reference file. {_REMEDY}")
    _, version = _PREFIX.unpack_from(data)
    if version != FORMAT_VERSION:
        raise ReferenceFileError(
            f"the reference is of format {version}, this version of Wachter reads format {FORMAT_VERSION}. {_REMEDY}"
        )
    frame = data[_PREFIX.size :]
    try:
        if not 0 <= zstandard.frame_content_size(frame) <= MAX_BYTES:
            raise ReferenceFileError(f"the reference does not say its size, or one beyond {MAX_BYTES} bytes. {_REMEDY}")
        return zstandard.ZstdDecompressor().decompress(frame)
    except zstandard.ZstdError as error:
        raise ReferenceFileError(f"the reference is damaged: {error}. {_REMEDY}") from error


def _as_list(values: Keyed) -> list[tuple[str, str, float]]:
    return [(metric, subject, value) for (metric, subject), value in sorted(values.items())]


def _by_key(rows: list[tuple[str, str, float]]) -> dict[tuple[str, str], float]:
    return {(metric, subject): value for metric, subject, value in rows}
