"""Tables: the additive arrays that everything is computed from.

A pane, a window, a reference are all tables. Each table has a kind, which says how two of them merge:

    count     int64, a + b
    limbs     int64, exact sums on the grid (grid.py): a + b, then carry
    minimum   float64, min(a, b); +inf where nothing was seen
    maximum   float64, max(a, b); -inf where nothing was seen
    bottom_k  NAME records, the k smallest distinct hashes of both

Merging is associative and commutative to the last bit, so any order, split or replay gives the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from config.errors import LayoutError
from detectors import grid

AnyArray = NDArray[Any]

FORMAT_VERSION = 1
NAME_BYTES = 64
NAME = np.dtype([("hash", "<u8"), ("name", f"S{NAME_BYTES}")])
"""A value seen by name: its keyed 64-bit hash and its first 64 bytes of UTF-8; an empty slot has the largest hash."""
EMPTY_NAME = np.array([(np.iinfo(np.uint64).max, b"")], dtype=NAME)[0]


class Kind(StrEnum):
    COUNT = "count"
    LIMBS = "limbs"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    BOTTOM_K = "bottom_k"


ADDED = frozenset({Kind.COUNT, Kind.LIMBS})


@dataclass(frozen=True, slots=True)
class TableSpec:
    """Name, kind, shape and version of one table; ``limbs`` shapes include their last axis of limbs."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    version: int = 1

    def empty(self) -> AnyArray:
        """The neutral element of the merge."""
        match self.kind:
            case Kind.COUNT | Kind.LIMBS:
                return np.zeros(self.shape, dtype=np.int64)
            case Kind.MINIMUM:
                return np.full(self.shape, np.inf)
            case Kind.MAXIMUM:
                return np.full(self.shape, -np.inf)
            case Kind.BOTTOM_K:
                return np.full(self.shape, EMPTY_NAME, dtype=NAME)


@dataclass(frozen=True, slots=True, eq=False)
class Tables(Mapping[str, AnyArray]):
    """Named arrays with their specs. Immutable by convention: merging returns new tables."""

    specs: dict[str, TableSpec]
    arrays: dict[str, AnyArray]

    def __getitem__(self, name: str) -> AnyArray:
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def ints(self, name: str) -> NDArray[np.int64]:
        """The named count or limbs table."""
        array: NDArray[np.int64] = self.arrays[name]
        return array

    def floats(self, name: str) -> NDArray[np.float64]:
        """The named minimum or maximum table."""
        array: NDArray[np.float64] = self.arrays[name]
        return array

    def __add__(self, other: Tables) -> Tables:
        """Merge two tables; a table that only one side holds is taken as it is.

        Raises:
            LayoutError: a table has another kind, shape or version on the other side.
        """
        specs = dict(self.specs)
        arrays = dict(self.arrays)
        for name, spec in other.specs.items():
            if name not in specs:
                specs[name], arrays[name] = spec, other.arrays[name]
                continue
            _check_same(specs[name], spec)
            arrays[name] = _merge(spec.kind, arrays[name], other.arrays[name])
        return Tables(specs, arrays)

    def __sub__(self, other: Tables) -> Tables:
        """Take back what was added; only counts and limbs can be.

        Raises:
            LayoutError: ``other`` holds a table that is absent here, or whose kind does not subtract.
        """
        arrays = dict(self.arrays)
        for name, spec in other.specs.items():
            if self.specs.get(name) != spec or spec.kind not in (Kind.COUNT, Kind.LIMBS):
                raise LayoutError(f"table {name}: cannot take back {spec} from {self.specs.get(name)}")
            difference = self.ints(name) - other.ints(name)
            arrays[name] = grid.carry(difference) if spec.kind is Kind.LIMBS else difference
        return Tables(dict(self.specs), arrays)

    def to_bytes(self) -> bytes:
        """Length of the header (uint32), header (JSON), then the arrays' bytes, little-endian, in header order."""
        names = sorted(self.specs)
        header = msgspec.json.encode(
            {
                "format": FORMAT_VERSION,
                "tables": [
                    [name, self.specs[name].kind.value, list(self.specs[name].shape), self.specs[name].version]
                    for name in names
                ],
            }
        )
        return b"".join(
            (struct.pack("<I", len(header)), header, *(np.ascontiguousarray(self.arrays[n]).tobytes() for n in names))
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Tables:
        """Read what ``to_bytes`` wrote.

        Raises:
            LayoutError: unknown format version or kind, or a length that does not fit.
        """
        (length,) = struct.unpack_from("<I", data)
        specs: dict[str, TableSpec] = {}
        arrays: dict[str, AnyArray] = {}
        at = 4 + length
        for spec, dtype, size in _read_header(data[4:at]):
            specs[spec.name] = spec
            arrays[spec.name] = np.frombuffer(data, dtype, size, at).reshape(spec.shape)
            at += size * dtype.itemsize
        if at != len(data):
            raise LayoutError(f"tables end at byte {at}, their bytes at {len(data)}")
        return cls(specs, arrays)


def make_tables(pairs: Iterable[tuple[TableSpec, AnyArray]]) -> Tables:
    """Tables from specs and arrays.

    Raises:
        LayoutError: an array has another shape than its spec.
    """
    specs: dict[str, TableSpec] = {}
    arrays: dict[str, AnyArray] = {}
    for spec, array in pairs:
        if array.shape != spec.shape:
            raise LayoutError(f"table {spec.name}: shape {array.shape} where {spec.shape} belongs")
        specs[spec.name], arrays[spec.name] = spec, array
    return Tables(specs, arrays)


def empty_tables(specs: Iterable[TableSpec]) -> Tables:
    """The tables of no events."""
    return make_tables((spec, spec.empty()) for spec in specs)


def total(parts: Iterable[Tables]) -> Tables:
    """The sum of tables; no parts give tables without any array. One part at a time is held beside the sum.

    Raises:
        LayoutError: two parts hold a table of the same name and another kind, shape or version.
    """
    specs: dict[str, TableSpec] = {}
    sums: dict[str, AnyArray] = {}
    ours: set[str] = set()  # sums that are no part's own array
    for part in parts:
        for name, spec in part.specs.items():
            if name not in specs:
                specs[name], sums[name] = spec, part.arrays[name]
                continue
            _check_same(specs[name], spec)
            if spec.kind not in ADDED:
                sums[name] = _merge(spec.kind, sums[name], part.arrays[name])
            elif name in ours:
                np.add(sums[name], part.arrays[name], out=sums[name])
            else:
                sums[name] = sums[name] + part.arrays[name]
                ours.add(name)
    for name in ours:
        if specs[name].kind is Kind.LIMBS:
            sums[name] = grid.carry(sums[name])
    return Tables(specs, sums)


@lru_cache(maxsize=64)
def _read_header(header: bytes) -> tuple[tuple[TableSpec, np.dtype[Any], int], ...]:
    """Spec, dtype and number of elements of each table."""
    facts = msgspec.json.decode(header)
    if facts["format"] != FORMAT_VERSION:
        raise LayoutError(f"tables of format {facts['format']}: this version reads format {FORMAT_VERSION}")
    return tuple(_read_spec(*fields) for fields in facts["tables"])


def _read_spec(name: str, kind: str, shape: list[int], version: int) -> tuple[TableSpec, np.dtype[Any], int]:
    try:
        spec = TableSpec(name, Kind(kind), tuple(shape), version)
    except ValueError as error:
        raise LayoutError(f"table {name} has the unknown kind {kind!r}") from error
    empty = spec.empty()
    return spec, empty.dtype, empty.size


def _check_same(known: TableSpec, spec: TableSpec) -> None:
    if known is not spec and known != spec:
        raise LayoutError(f"table {spec.name}: {known} cannot be merged with {spec}")


def _merge(kind: Kind, a: AnyArray, b: AnyArray) -> AnyArray:
    match kind:
        case Kind.COUNT:
            return a + b
        case Kind.LIMBS:
            return grid.carry(a + b)
        case Kind.MINIMUM:
            return np.minimum(a, b, dtype=np.float64)
        case Kind.MAXIMUM:
            return np.maximum(a, b, dtype=np.float64)
        case Kind.BOTTOM_K:
            return _bottom_k(a, b)


def _bottom_k(a: AnyArray, b: AnyArray) -> AnyArray:
    """The k smallest distinct hashes of both, along the last axis."""
    if (b["hash"] == EMPTY_NAME["hash"]).all():  # the usual batch has no unseen name
        return a
    k = a.shape[-1]
    rows = []
    for left, right in zip(a.reshape(-1, k), b.reshape(-1, k), strict=True):
        both = np.concatenate((left, right))
        _, first = np.unique(both["hash"], return_index=True)
        kept = both[first][:k]
        rows.append(np.concatenate((kept, np.full(k - len(kept), EMPTY_NAME, dtype=NAME))))
    return np.array(rows, dtype=NAME).reshape(a.shape)
