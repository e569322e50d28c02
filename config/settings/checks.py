"""Checks across sections. They read the document as written, so that one mistake does not hide another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from config.errors import Problem
from config.section import read_label
from config.settings.document import Document, Location, format_location


def check_document(document: Document) -> Iterator[Problem]:
    """Mistakes that no single section can see."""
    systems = document.data.get("systems")
    yield from _unique(document, ("systems",), systems, "id")
    for i, system in _sections(systems):
        yield from _unique(document, ("systems", i, "models"), system.get("models"), "name")
    for at, model in _models(document):
        yield from _of_classes(document, at, model)
        yield from _intersections(document, at, model)
        yield from _segments(document, at, model)
    yield from _unique(document, ("receivers",), document.data.get("receivers"), "name")
    yield from _known_receivers(document)
    yield from _known_topics(document)
    yield from _declared_attributes(document)


def _sections(value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The elements of a list that are sections, with their index."""
    if isinstance(value, list | tuple):
        yield from ((i, item) for i, item in enumerate(value) if isinstance(item, dict))


def _models(document: Document) -> Iterator[tuple[Location, dict[str, Any]]]:
    for i, system in _sections(document.data.get("systems")):
        for j, model in _sections(system.get("models")):
            yield ("systems", i, "models", j), model


def _of_classes(document: Document, at: Location, model: dict[str, Any]) -> Iterator[Problem]:
    """The classes that other keys name are among the classes."""
    classes = [read_label(name) for name in _written_list(model.get("classes")) or ()]
    for key in ("positive", "favourable"):
        name = read_label(model.get(key))
        if classes and isinstance(name, str) and name not in classes:
            few = ", ".join(map(str, classes[:10])) + (", ..." if len(classes) > 10 else "")
            yield _problem(document, (*at, key), f"{name!r} is not one of the classes", f"Choose one of: {few}.")


def _intersections(document: Document, at: Location, model: dict[str, Any]) -> Iterator[Problem]:
    """Each combines different protected attributes that are declared."""
    declared, combinations = model.get("protected", {}), model.get("intersections")
    for i, combination in enumerate(combinations if isinstance(combinations, list | tuple) else ()):
        if not isinstance(combination, list | tuple) or not all(isinstance(name, str) for name in combination):
            continue
        place = (*at, "intersections", i)
        if len(combination) < 2 or len(set(combination)) < len(combination):
            what = f"{list(combination)} does not combine different attributes"
            yield _problem(document, place, what, "Name two or more.")
        for name in dict.fromkeys(combination):
            if isinstance(declared, dict) and name not in declared:
                what = f"{name!r} is not declared under protected"
                yield _problem(document, place, what, "Declare it with its groups.")


def _segments(document: Document, at: Location, model: dict[str, Any]) -> Iterator[Problem]:
    """Segments are no protected attribute."""
    written, declared = model.get("segments"), model.get("protected")
    by = written.get("by") if isinstance(written, dict) else written
    if isinstance(by, str) and isinstance(declared, dict) and by in declared:
        what = f"{by!r} is a protected attribute"
        yield _problem(document, (*at, "segments"), what, "It would become a metric label: use bias instead.")


def _unique(document: Document, at: Location, value: Any, key: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for i, item in _sections(value):
        name = item.get(key)
        if not isinstance(name, str):
            continue
        if name in first:
            what = f"{name!r} is already the {key} of {format_location((*at, first[name]))}"
            yield _problem(document, (*at, i, key), what, "Give each its own.")
        first.setdefault(name, i)


def _known_receivers(document: Document) -> Iterator[Problem]:
    """Steps of escalations name receivers that are there and do not escalate by themselves."""
    types = {receiver.get("name"): receiver.get("type") for _, receiver in _sections(document.data.get("receivers"))}
    policies = document.data.get("escalation")
    for severity, steps in policies.items() if isinstance(policies, dict) else ():
        for i, step in _sections(steps):
            for j, name in enumerate(_written_list(step.get("receivers")) or ()):
                at = ("escalation", severity, i, "receivers", j)
                if isinstance(name, str) and name not in types:
                    yield _problem(
                        document, at, f"{name!r} is not one of the receivers", "Add it there, or correct it here."
                    )
                elif types.get(name) == "alertmanager":
                    what = f"{name!r} is an Alertmanager, which is told at once and routes by itself"
                    yield _problem(document, at, what, "Leave it out here.")


def _known_topics(document: Document) -> Iterator[Problem]:
    source = document.data.get("source")
    topics = _written_list(source.get("topics")) if isinstance(source, dict) else None
    if topics is None:
        return
    for i, mapping in _sections(document.data.get("mappings")):
        topic = mapping.get("topic")
        if isinstance(topic, str) and topic not in topics:
            what = f"{topic!r} is not one of source.topics"
            yield _problem(document, ("mappings", i, "topic"), what, "Add it there, or correct it here.")


def _declared_attributes(document: Document) -> Iterator[Problem]:
    """Protected attributes that metrics may show are declared by some model."""
    exposition = document.data.get("exposition")
    shown = exposition.get("protected_labels") if isinstance(exposition, dict) else None
    models = [
        model for _, system in _sections(document.data.get("systems")) for _, model in _sections(system.get("models"))
    ]
    declared = {name for model in models if isinstance(model.get("protected"), dict) for name in model["protected"]}
    for i, name in enumerate(_written_list(shown) or ()):
        if isinstance(name, str) and name not in declared:
            what = f"{name!r} is not declared under protected of any model"
            yield _problem(
                document, ("exposition", "protected_labels", i), what, "Declare it there, or correct it here."
            )


def _written_list(value: Any) -> list[Any] | tuple[Any, ...] | None:
    """A list, which may be written as one text with commas; ``None`` where it is neither."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, list | tuple) else None


def _problem(document: Document, location: Location, what: str, remedy: str) -> Problem:
    return Problem(format_location(location), what, remedy, document.lines.get(location))
