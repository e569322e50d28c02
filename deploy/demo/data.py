"""Writes the demo's events as files: ``python -m deploy.demo.data --out DIR``.

reference.jsonl    held-out flights with their labels, for `wachter reference build`
events.jsonl       the live stream, predictions and labels in the order of sending, for `wachter replay`
wachter.yaml       the settings
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterable
from pathlib import Path

from deploy.demo import events, model
from deploy.demo.events import Message

SETTINGS = Path(__file__).with_name("wachter.yaml")


def write(messages: Iterable[Message], path: Path) -> int:
    """Write one event a line; the file appears complete or not at all. Returns the number of events."""
    draft = path.with_suffix(".draft")
    count = 0
    with draft.open("wb") as out:
        for message in messages:
            out.write(message.value + b"\n")
            count += 1
    draft.replace(path)
    return count


def write_reference(year: model.Year, directory: Path) -> Path:
    """The settings, and the events of the reference; returns the path of the events."""
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(SETTINGS, directory)
    path = directory / "reference.jsonl"
    write(events.stream(year.reference), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.data", description="Write the demo's events as files.")
    parser.add_argument("--out", type=Path, required=True, help="directory to write to")
    directory = parser.parse_args().out
    year = model.run()
    write_reference(year, directory)
    count = write(events.stream(year.live), directory / "events.jsonl")
    print(f"{directory}: {len(year.reference)} reference flights, {count} live events")


if __name__ == "__main__":
    main()
