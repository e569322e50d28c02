"""The reference that the settings of a model name: read, and held against what they declare."""

from __future__ import annotations

from pathlib import Path

from agent.flow.declare import declaration_of, group_sets
from config.errors import WachterError
from config.settings import Model
from detectors.layout import Layout
from detectors.reference import Reference


class Unfit(Exception):
    """A reference that cannot be used."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def read_reference(path: Path, model: Model) -> Reference:
    """The reference of a model.

    Raises:
        Unfit: it cannot be read, or was built for other settings.
    """
    try:
        reference = Reference.from_bytes(path.read_bytes())
    except OSError as error:
        raise Unfit(f"{path}: {error.strerror}", "Build it with: wachter reference build") from error
    except WachterError as error:
        raise Unfit(f"{path}: {error}", "Build it anew with: wachter reference build") from error
    difference = _difference(reference.layout, model)
    if difference:
        raise Unfit(f"{path} was built for other settings: {difference}", "Build it anew with: wachter reference build")
    return reference


def _difference(layout: Layout, model: Model) -> str:
    """What the reference has not, or has otherwise, in one phrase; empty where it fits."""
    declared = declaration_of(model)
    known = {column.name for column in layout.numeric} | {column.name for column in layout.categorical}
    missing = [column.name for column in declared.columns if column.name not in known]
    if missing:
        return f"it does not know the column {missing[0]!r}"
    if layout.task != declared.task:
        return f"its task is {layout.task}"
    if layout.classes != declared.classes:
        return f"its classes are {list(layout.classes)}"
    if layout.groups != group_sets(model):
        return "its protected groups differ"
    if layout.subjects != declared.subjects:
        return f"it was built with subjects: {str(layout.subjects).lower()}"
    return ""
