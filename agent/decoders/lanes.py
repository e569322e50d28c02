"""Which shapes the records of a topic may have, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.decoders.native import native_shapes
from agent.decoders.shape import Names, Shape, compile_shape
from agent.decoders.trie import PathConflict
from config.errors import Problem, SettingsError
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Lane:
    """The shapes of one topic; ``native`` where they are those of the contract."""

    shapes: tuple[Shape, ...]
    native: bool

    def unmatched(self, value: Any) -> tuple[str, str]:
        """Why a record that no shape matches is rejected; ``value`` is what the first condition looked at."""
        if not self.native:
            return "no_mapping", "none of the topic's mappings matches"
        what = "is missing" if value is None else f"is {ascii(value)[:40]}"
        return "unknown_event_type", f"event_type {what}; it must be inference, label or oversight"


class Lanes:
    """The lane of every topic.

    A topic without a mapping of its own, and with none for any topic, carries native events. A file that is replayed is
    read as the topic of its name (``scoring.jsonl.zst`` as ``scoring``); one of another name by all mappings in order.
    """

    def __init__(self, settings: Settings) -> None:
        names = declared_names(settings)
        self._native = Lane(native_shapes(names), native=True)
        self._shapes = _compile(settings, names)
        self._topics = frozenset(getattr(settings.source, "topics", ()))
        self._lanes: dict[str, Lane] = {}

    def of(self, topic: str) -> Lane:
        """The lane of a topic or file name."""
        if topic not in self._lanes:
            self._lanes[topic] = self._make(topic)
        return self._lanes[topic]

    def _make(self, name: str) -> Lane:
        topic = name if name in self._topics else name.rpartition("/")[2].partition(".")[0]
        if topic in self._topics:
            shapes = tuple(shape for wanted, shape in self._shapes if wanted in (None, topic))
        else:
            shapes = tuple(shape for _, shape in self._shapes)
        return Lane(shapes, native=False) if shapes else self._native


def declared_names(settings: Settings) -> Names:
    """All names that any model's events may carry; a column may have another type in another model."""
    features: dict[str, frozenset[str]] = {}
    protected: dict[str, None] = {}
    segment: dict[str, None] = {}
    for system in settings.systems:
        for model in system.models:
            for name, column in model.enabled_columns().items():
                features[name] = features.get(name, frozenset()) | {column.type}
            protected |= dict.fromkeys(model.protected)
            segment |= {model.segments.by: None} if model.segments is not None else {}
    return Names(features, tuple(protected), tuple(segment))


def _compile(settings: Settings, names: Names) -> Sequence[tuple[str | None, Shape]]:
    shapes = []
    problems = []
    for i, mapping in enumerate(settings.mappings):
        try:
            shapes.append((mapping.topic, compile_shape(mapping, names)))
        except PathConflict as error:
            problems.append(Problem(f"mappings[{i}].fields", str(error), "Give one of the two another path."))
    if problems:
        raise SettingsError(tuple(problems))
    return shapes
