"""``load``: from a file, the environment and secret files to frozen settings, or to every mistake at once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.errors import SettingsError
from config.section import key_of, relative_to
from config.settings.checks import check_document
from config.settings.document import Document, parse_document, read_document
from config.settings.environment import overlay
from config.settings.problems import explain, in_file_order
from config.settings.root import Settings

SECTIONS = frozenset(key_of(name) for name in Settings.model_fields)


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        path: the YAML file; input files it names are relative to its directory.
        environ: variables to read overrides from; the process's own if not given.

    Raises:
        SettingsError: with all mistakes, in file order.
    """
    document = read_document(path)
    overlay(document, os.environ if environ is None else environ, SECTIONS)
    return build(document, path.parent)


def from_mapping(data: Mapping[str, Any], base: Path = Path()) -> Settings:
    """Settings from plain data in the form of the file; nothing is read from the environment.

    Raises:
        SettingsError: with all mistakes.
    """
    return build(Document(dict(data)), base)


def from_text(text: str, base: Path = Path()) -> Settings:
    """Settings from the text of a file; nothing is read from the environment.

    Raises:
        SettingsError: with all mistakes.
    """
    return build(parse_document(text, "settings"), base)


def build(document: Document, base: Path) -> Settings:
    """Validate a document.

    Raises:
        SettingsError: with the reader's mistakes and those of every key.
    """
    problems = [*document.problems, *check_document(document)]
    try:
        with relative_to(base):
            settings = Settings(**document.data)
    except ValidationError as error:
        problems += explain(error, document, Settings)
    if problems:
        raise SettingsError(in_file_order(problems))
    return settings
