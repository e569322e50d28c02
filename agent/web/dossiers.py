"""Puts together what is shown about one incident: from the state, and from the event log, both read beside the loop.

A part that cannot be read is left out and named; the page comes in any case.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from agent.clock import time_us
from agent.state import pictures
from agent.state.store import connect
from agent.web.logged import entries_of, examples_of
from agent.web.measured import END_OF_TIME_US, measured, trend
from config.errors import EvidenceError
from config.settings import Settings
from detectors.layouts import PREDICTION
from exporters.dossier import Dossier, Example, Judged, LogEntry, Pictures, Trend
from exporters.evidence.reader import LogReader

MOST_TRENDS = 4
QUALITY_FAMILIES = frozenset({"quality", "service"})
NOT_LOGGED = "the settings keep no event log"

Record = Mapping[str, Any]
Part = TypeVar("Part")


def dossier_of(settings: Settings, log_directory: Path, record: Record) -> Dossier:
    """What is known about an incident beyond its record. Blocks for as long as disks take."""
    missing: dict[str, str] = {}
    with closing(connect(settings.state.directory)) as connection:
        trends = _or_none(missing, "trends", lambda: tuple(_trends(connection, record))) or ()
        quality = _or_none(missing, "quality", lambda: _quality(connection, record)) or ()
        shown = _or_none(missing, "pictures", lambda: pictures.get(connection, str(record["id"])))
    entries: tuple[LogEntry, ...] = ()
    examples: tuple[Example, ...] = ()
    if settings.log.enabled:
        entries = _or_none(missing, "entries", lambda: entries_of(LogReader(log_directory), str(record["id"]))) or ()
        examples = _or_none(missing, "examples", lambda: _examples(settings, log_directory, record)) or ()
    else:
        missing |= dict.fromkeys(("entries", "examples"), NOT_LOGGED)
    return Dossier(
        trends, masked_levels(shown, settings.page.reveal), quality, entries, examples, tuple(missing.items())
    )


def masked_levels(shown: Pictures | None, reveal: tuple[str, ...]) -> Pictures | None:
    """The pictures with the levels of categories numbered, but for columns that the settings reveal. The answers of
    a model are declared classes, which every page shows."""
    if shown is None:
        return None
    columns = tuple(
        column
        if column.numeric or column.column in (PREDICTION, *reveal)
        else type(column)(
            column.column,
            column.numeric,
            tuple(_numbered(column.cells, column.flaws)),
            column.flaws,
            column.reference,
            column.current,
        )
        for column in shown.columns
    )
    return Pictures(shown.window_start_us, shown.window_end_us, columns)


def _numbered(cells: tuple[str, ...], flaws: int) -> Iterator[str]:
    """The last two cells of a category are what remains, and name no level."""
    for at, cell in enumerate(cells):
        yield f"level {at - flaws + 1}" if flaws <= at < len(cells) - 2 else cell


def _or_none(missing: dict[str, str], part: str, read: Callable[[], Part]) -> Part | None:
    try:
        return read()
    except (sqlite3.Error, EvidenceError, OSError) as error:
        missing[part] = str(error)
        return None


def _trends(connection: sqlite3.Connection, record: Record) -> Iterator[Trend]:
    """The findings that lead, each over time; of what is over, until it was."""
    until_us = END_OF_TIME_US if record["resolved_at"] is None else time_us(record["resolved_at"]) + 1
    for finding in record["findings"][:MOST_TRENDS]:
        found = trend(connection, _stream(record), finding["metric"], finding["subject"], until_us)
        if any(window.effect is not None for window in found.windows):
            yield found


def _quality(connection: sqlite3.Connection, record: Record) -> tuple[Judged, ...]:
    """Data quality in the leading finding's latest window; due at the window's end, whatever the finding waits for."""
    window = _window(record)
    return () if window is None else measured(connection, _stream(record), window[1], QUALITY_FAMILIES)


def _examples(settings: Settings, log_directory: Path, record: Record) -> tuple[Example, ...]:
    window, most = _window(record), settings.page.examples
    if window is None or most == 0 or record["track"] == "agent":
        return ()
    return examples_of(LogReader(log_directory), _stream(record)[:3], window, most, settings.page.reveal)


def _window(record: Record) -> tuple[int, int] | None:
    if not record["findings"]:
        return None
    latest = record["findings"][0]["latest"]
    return time_us(latest["window_start"]), time_us(latest["window_end"])


def _stream(record: Record) -> tuple[str, str, str, str]:
    stream = record["stream"]
    return stream["system"], stream["model"], stream["version"], stream["segment"]
