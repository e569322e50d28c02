"""Overrides from outside the file: environment variables and secret files.

``WACHTER_SOURCE__GROUP=blue`` sets ``source.group``; a number addresses a list element that the file has
(``WACHTER_SYSTEMS__0__LATENESS=5m``); a value that begins with ``[`` or ``{`` is JSON, any other one is text, and a list
of texts may be written with commas. An empty value changes nothing.

The directory named by ``WACHTER_SECRETS_DIR`` (Docker and Kubernetes mount secrets so) may hold files named like the
variables, without the prefix: ``source__sasl__password``. A variable wins over a file, a file over the settings.

Variables without ``__`` that are no section of the settings (``WACHTER_DEMO_BROKER``) belong to others and are ignored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.errors import Problem
from config.settings.document import Document, Location, format_location

PREFIX = "WACHTER_"
DELIMITER = "__"
SECRETS_DIR = "WACHTER_SECRETS_DIR"
SECRET_KEYS = ("password", "secret", "routing_key", "token", "webhook_url")
MAX_SECRET_BYTES = 1 << 16


def overlay(document: Document, environ: Mapping[str, str], sections: frozenset[str]) -> None:
    """Write the overrides into the document, with their origin; mistakes become its problems."""
    for name, text in _secret_files(document, environ):
        _apply(document, name, text, f"file {name}", sections)
    for variable in sorted(environ):
        if variable.startswith(PREFIX) and variable != SECRETS_DIR:
            _apply(document, variable[len(PREFIX) :], environ[variable], variable, sections)


def _secret_files(document: Document, environ: Mapping[str, str]) -> list[tuple[str, str]]:
    directory = environ.get(SECRETS_DIR)
    if not directory:
        return []
    try:
        files = [file for file in sorted(Path(directory).iterdir()) if file.is_file() and not file.name.startswith(".")]
        return [(file.name, _read_secret(file)) for file in files]
    except (OSError, UnicodeDecodeError) as error:
        what = f"the directory of secrets cannot be read ({type(error).__name__})"
        document.problems.append(Problem(SECRETS_DIR, what, "Name a directory of readable UTF-8 files."))
        return []


def _read_secret(file: Path) -> str:
    with file.open("rb") as stream:
        return stream.read(MAX_SECRET_BYTES).decode("utf-8").rstrip("\r\n")


def _apply(document: Document, name: str, text: str, origin: str, sections: frozenset[str]) -> None:
    keys = name.lower().split(DELIMITER)
    if not text or (len(keys) == 1 and keys[0] not in sections):
        return
    container, location = _descend(document, keys[:-1], origin)
    if container is None:
        return
    key = _key(container, keys[-1])
    if isinstance(container, list) and not (isinstance(key, int) and key < len(container)):
        _unreachable(document, location, keys[-1], origin)
        return
    container[key] = _value(text, str(key))
    document.origins[(*location, key)] = origin


def _descend(document: Document, keys: list[str], origin: str) -> tuple[Any, Location]:
    """The container that the keys lead to; sections that are missing are made, list elements are not."""
    container: Any = document.data
    location: Location = ()
    for name in keys:
        key = _key(container, name)
        if isinstance(container, list) and not (isinstance(key, int) and key < len(container)):
            return _unreachable(document, location, name, origin)
        if isinstance(container, dict) and container.get(key) is None:
            container[key] = {}
            document.origins[(*location, key)] = origin
        container = container[key]
        location = (*location, key)
        if not isinstance(container, dict | list):
            return _unreachable(document, location, name, origin)
    return container, location


def _unreachable(document: Document, location: Location, name: str, origin: str) -> tuple[None, Location]:
    what = f"{origin} leads to {name!r}, which the file does not have there"
    remedy = "A number addresses an element that the file has; or set the whole list as JSON."
    document.problems.append(Problem(format_location(location), what, remedy))
    return None, location


def _key(container: Any, name: str) -> str | int:
    """The key as the file writes it: variables are upper case, names of columns need not be."""
    if isinstance(container, list):
        return int(name) if name.isascii() and name.isdigit() else name
    return next((key for key in container if key.lower() == name), name)


def _value(text: str, key: str) -> Any:
    if key not in SECRET_KEYS and text[0] in "[{":
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
