"""Settings and references as a log holds them: documents, by which the agent worked from their entries on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from agent.evidence.opening import ModelName
from config.errors import EvidenceError
from config.settings import Settings, from_mapping

UNUSED = ("receivers", "listen", "log", "exposition")
"""Sections without effect on what is measured; some name files that are not here."""
UNUSED_OF_SOURCE = ("tls", "sasl")


class LoggedSettings:
    """The settings in force, as far as the log was read.

    Attributes:
        changed: they are others than those that were last built.
    """

    def __init__(self, directory: Path, given: Settings | None = None) -> None:
        """Args:
        directory: for copies of the references, which settings name as files.
        given: what was in force before the first entry of a log whose beginning is gone.
        """
        self.changed = given is not None
        self._directory = directory
        self._given = given
        self._document: bytes | None = None
        self._references: dict[ModelName, bytes] = {}

    def use(self, document: bytes) -> None:
        """Other settings are in force."""
        self._document, self.changed = document, True

    def use_reference(self, model: ModelName, document: bytes) -> None:
        """A model has another reference."""
        self._references[model] = document
        self.changed = True

    def build(self) -> Settings:
        """The settings in force.

        Raises:
            EvidenceError: the log does not say them, or lacks a reference.
            SettingsError: this version cannot use them.
        """
        self.changed = False
        if self._document is None:
            if self._given is None:
                raise EvidenceError(
                    "the log does not say which settings were in force: its first shards are gone. Give --settings FILE"
                )
            return self._given
        data: dict[str, Any] = msgspec.json.decode(self._document)
        for name in UNUSED:
            data.pop(name, None)
        for name in UNUSED_OF_SOURCE:
            data["source"].pop(name, None)
        for system in data["systems"]:
            for model in system["models"]:
                self._put_references(system["id"], model)
        return from_mapping(data, self._directory)

    def _put_references(self, system: str, model: dict[str, Any]) -> None:
        """Name copies of the logged references instead of the files of that time."""
        if model.get("reference") is not None:
            model["reference"] = self._copy((system, model["name"], None))
        for version, override in model.get("versions", {}).items():
            override["reference"] = self._copy((system, model["name"], version))

    def _copy(self, model: ModelName) -> str:
        document = self._references.get(model)
        if document is None:
            raise EvidenceError(
                f"the log holds no reference of {'/'.join(filter(None, model))}, which its settings name"
            )
        path = self._directory / f"reference-{list(self._references).index(model)}"
        path.write_bytes(document)
        return str(path)
