"""Example events are shown to a person only once it is written down that he saw them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from agent.state.accesses import NoteAccess
from config.errors import EvidenceError
from exporters.dossier import Dossier

Record = Mapping[str, Any]


class NotedDossiers:
    """Callable from any thread: the dossier of an incident, for somebody."""

    def __init__(self, read: Callable[[Record], Dossier], note: NoteAccess) -> None:
        self._read = read
        self._note = note

    def __call__(self, record: Record, actor: str) -> Dossier:
        """The dossier; without its examples, and why, where it cannot be written down that they were shown."""
        dossier = self._read(record)
        opened = [example.where for example in dossier.examples if example.fields]
        if not opened:
            return dossier
        try:
            self._note(actor, "examples", f"incident {record['id']}, entries {' '.join(opened)}")
        except EvidenceError as error:
            return replace(dossier, examples=(), missing=(*dossier.missing, ("examples", str(error))))
        return dossier
