"""What a scraper is given: the format and encoding it asks for, rendered at most once a second."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from exporters.exposition import ExpositionOptions, Format, render
from exporters.snapshot import Snapshot

FRESH_SECONDS = 1.0
_MEDIA = {"application/openmetrics-text": Format.OPENMETRICS, "text/plain": Format.TEXT}


def negotiate(accept: str) -> Format:
    """The format with the greatest weight in an Accept header; OpenMetrics where both weigh the same, else text."""
    weights = {Format.TEXT: 0.0, Format.OPENMETRICS: 0.0}
    for name, weight in _weighted(accept):
        if name in _MEDIA:
            weights[_MEDIA[name]] = max(weights[_MEDIA[name]], weight)
    openmetrics = weights[Format.OPENMETRICS]
    return Format.OPENMETRICS if openmetrics > 0 and openmetrics >= weights[Format.TEXT] else Format.TEXT


def takes_gzip(accept_encoding: str) -> bool:
    """Whether an Accept-Encoding header allows gzip."""
    return any(name == "gzip" and weight > 0 for name, weight in _weighted(accept_encoding))


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weights = [p.partition("=")[2] for p in parameters if p.startswith("q=")]
        yield name.lower(), _weight(weights[0]) if weights else 1.0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass(frozen=True, slots=True)
class _Rendered:
    at_seconds: float
    plain: bytes
    packed: bytes


class Scraped:
    """The exposition of the latest snapshot, kept for a second. Used by one thread."""

    def __init__(
        self, snapshot: Callable[[], Snapshot], options: Callable[[], ExpositionOptions], monotonic: Callable[[], float]
    ) -> None:
        self._snapshot = snapshot
        self._options = options
        self._monotonic = monotonic
        self._rendered: dict[Format, _Rendered] = {}

    def body(self, wanted: Format, packed: bool) -> bytes:
        """The exposition as bytes, gzipped where ``packed``."""
        kept = self._rendered.get(wanted)
        now = self._monotonic()
        if kept is None or now - kept.at_seconds >= FRESH_SECONDS:
            plain = render(self._snapshot(), self._options(), wanted, process=True)
            kept = _Rendered(now, plain, gzip.compress(plain, compresslevel=1, mtime=0))
            self._rendered[wanted] = kept
        return kept.packed if packed else kept.plain
