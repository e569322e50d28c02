"""Settings for building a reference: the files they name as references need not exist yet."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from config.errors import Problem, SettingsError
from config.settings import Model, Settings, System
from config.settings.document import read_document
from config.settings.environment import overlay
from config.settings.load import SECTIONS, build


class Chosen(NamedTuple):
    """Whose reference is built."""

    system: System
    model: Model


def load_without_references(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as ``load`` does, but as if no model named a reference.

    Raises:
        SettingsError: with all mistakes, in file order.
    """
    document = read_document(path)
    overlay(document, os.environ if environ is None else environ, SECTIONS)
    for model in _models(document.data):
        model.pop("reference", None)
        model.pop("versions", None)
    return build(document, path.parent)


def choose_model(settings: Settings, name: str | None) -> Chosen:
    """The model of this name, ``system/model`` where several systems have one; without a name the only one.

    Raises:
        SettingsError: there is none, or more than one.
    """
    every = [Chosen(system, model) for system in settings.systems for model in system.models]
    fits = [one for one in every if name in (None, one.model.name, f"{one.system.id}/{one.model.name}")]
    if len(fits) == 1:
        return fits[0]
    known = ", ".join(f"{one.system.id}/{one.model.name}" for one in every)
    what = f"no model is called {name!r}" if not fits else "more than one model could be meant"
    raise SettingsError((Problem("--model", what, f"Name one of: {known}."),))


def _models(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The models as written, as far as they have the shape of models."""
    systems = data.get("systems")
    models = [
        model
        for system in (systems if isinstance(systems, list) else [])
        for model in (system.get("models") or [] if isinstance(system, dict) else [])
    ]
    return [model for model in models if isinstance(model, dict)]
