"""``python -m agent.reports.worker TASK``: makes one report, bounded in memory and time, with low priority.

It runs where the extra ``reports`` is installed, reads the log and nothing of the agent's memory, and tells in a file how
far it is. What goes wrong stands there too.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import sqlite3
import sys
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from agent.evidence.settings_in_log import decoding_settings
from agent.evidence.span import Span
from agent.reports.baseline import earliest_window
from agent.reports.rows_of import Read, Where, add_labels, read_rows
from agent.reports.task import Progress, Stage, Task, read_task, write
from agent.state.beside import open_beside
from agent.state.evidence import key_of_id
from agent.state.store import DATABASE
from config.errors import ReportError, WachterError
from config.settings import Model, Settings, load
from detectors.columns import StreamKey
from exporters.evidence.reader import LogReader
from exporters.evidence.seal import FindKey

NICE = 10
NO_ROOM = "failed to map segment"
"""What the loader says of a library that does not fit into the address space."""
MOST_FILE_BYTES = 32 << 20
INSTALL = (
    "Evidently is not installed beside this Python ({python}). "
    "Run in the checkout of Wachter: {python} -m pip install '.[reports]'"
)
SHORT = "it needs more than {given} MiB of memory; give more (--memory) or ask for fewer rows (--rows)"
GIVEN = "The reference rows were chosen by whoever asked for this report."
EARLIEST = (
    "The reference rows are the earliest whole window of the log: the reference file of the settings holds no rows, and the "
    "earliest ones lie nearest to what was normal when it was built. --reference-window START/END chooses others."
)


def main(path: str) -> int:
    """Make the report of a task file; 0 where it is there."""
    task = read_task(Path(path))
    _bound(task)
    try:
        _make(task)
    except (WachterError, OSError, sqlite3.Error) as error:
        return _failed(task, str(error))
    except Exception as error:  # the edge of the process: whoever waits for it shall read why it ended
        if isinstance(error, MemoryError) or NO_ROOM in str(error):
            given = task.memory_bytes >> 20
            return _failed(
                task, f"it needs more than {given} MiB of memory; give more (--memory) or ask for fewer rows (--rows)"
            )
        _failed(task, f"{type(error).__name__}: {error}")
        raise
    _tell(task, "done")
    return 0


def _bound(task: Task) -> None:
    """Low priority, and a death of its own where it grows or runs beyond what it was given."""
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_AS, (task.memory_bytes, task.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (task.cpu_seconds, task.cpu_seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))


def _make(task: Task) -> None:
    if importlib.util.find_spec("evidently") is None:
        raise ReportError(INSTALL.format(python=sys.executable))
    reader = LogReader(Path(task.log))
    settings = decoding_settings(reader) if task.settings is None else load(Path(task.settings))
    model = _model(settings, task.stream)
    window = Span(task.stream, task.start_us, task.end_us)
    start_us, end_us = task.reference or earliest_window(reader, window)
    reference = Span(task.stream, start_us, end_us)
    with _keys(task, settings) as find_key:
        where = Where(reader, settings, model, find_key)
        read = (_read(task, where, window, "window"), _read(task, where, reference, "reference"))
        _tell(task, "labels")
        for span, part in zip((window, reference), read, strict=True):
            add_labels(where, span, part)
    _tell(task, "drawing", f"{len(read[0])} rows beside {len(read[1])}")
    _draw(task, model, read)


def _read(task: Task, where: Where, span: Span, stage: Stage) -> Read:
    read = read_rows(where, span, task.most_rows, lambda detail: _tell(task, stage, detail))
    if not len(read):
        why = ", ".join(f"{count} {kind}" for kind, count in read.unread.items() if count)
        raise ReportError(
            f"the log holds no readable events of {span.stream} in the {stage}" + (f" ({why})" if why else "")
            + (". Name another one with --reference-window START/END" if stage == "reference" else "")
        )  # fmt: skip
    return read


def _draw(task: Task, model: Model, read: tuple[Read, Read]) -> None:
    warnings.simplefilter("ignore")  # of Evidently and pandas about each other
    from agent.reports.draw import VERSION, draw, remarks_about
    from agent.reports.frames import frames_of
    from agent.reports.notes import note

    frames = frames_of(model, read[0].table, read[1].table, task.reveal)
    drawn = draw(model, frames)
    remarks = [*remarks_about(frames), *drawn.remarks]
    if task.reveal is not None:
        remarks.append("Levels of categories are numbered by their frequency, but for columns in page.reveal.")
    chosen = EARLIEST if task.reference is None else GIVEN
    page = drawn.page(note(task.title, VERSION, task.stream, read, chosen, task.most_rows, remarks))
    out = Path(task.out)
    part = out.with_name(f"{out.name}.part")
    part.write_text(page, encoding="utf-8")
    os.replace(part, out)


def _model(settings: Settings, stream: StreamKey) -> Model:
    models = {(system.id, model.name): model for system in settings.systems for model in system.models}
    if stream[:2] not in models:
        known = ", ".join("/".join(name) for name in models)
        raise ReportError(f"the settings declare no {stream.system}/{stream.model}; they declare {known}")
    return models[stream[:2]]


@contextmanager
def _keys(task: Task, settings: Settings) -> Iterator[FindKey]:
    """The keys of sealed payloads, where settings lead to the agent's state."""
    database = settings.state.directory / DATABASE
    if task.settings is None or not database.is_file():
        yield lambda key_id: None
        return
    with closing(open_beside(database, "ro")) as connection:
        yield lambda key_id: key_of_id(connection, key_id)


def _tell(task: Task, stage: Stage, detail: str = "") -> None:
    write(Path(task.progress), Progress(stage, detail))


def _failed(task: Task, why: str) -> int:
    _tell(task, "failed", why)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
