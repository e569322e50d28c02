"""kafka-python's log lines: few, short, without tracebacks, and never an error for us."""

from __future__ import annotations

import logging
from typing import Any

from agent.kafka.logs import QuietHandler, quieten


class Told:
    """A logger that keeps what it is told, and a clock that is set."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[dict[str, Any]] = []
        self.handler = QuietHandler(lambda event, **fields: self.lines.append(fields), lambda: self.now)

    def say(self, message: str, *args: object, line: int = 1, level: int = logging.ERROR) -> None:
        self.handler.handle(logging.LogRecord("kafka.net", level, "f.py", line, message, args, None))


def test_a_kind_of_line_comes_once_a_minute_with_the_number_held_back() -> None:
    told = Told()
    for second in range(121):
        told.now = float(second)
        told.say("failed %d", second)
    assert [(entry["line"], entry["held_back"]) for entry in told.lines] == [
        ("failed 0", 0),
        ("failed 60", 59),
        ("failed 120", 59),
    ]


def test_different_kinds_do_not_hold_each_other_back() -> None:
    told = Told()
    told.say("one", line=1)
    told.say("two", line=2)
    assert [entry["line"] for entry in told.lines] == ["one", "two"]


def test_a_long_line_is_cut_and_a_broken_one_does_not_raise() -> None:
    told = Told()
    told.say("x" * 10_000, line=1)
    told.say("%d", "not a number", line=2)
    assert [len(told.lines[0]["line"]), told.lines[1]["line"]] == [500, "%d"]


def test_the_librarys_loggers_are_routed_once() -> None:
    logger = logging.getLogger("kafka")
    before = (list(logger.handlers), logger.level, logger.propagate)
    try:
        quieten()
        quieten()
        assert sum(isinstance(handler, QuietHandler) for handler in logger.handlers) == 1
        assert not logger.propagate
        assert not logging.getLogger("kafka.consumer.fetcher").isEnabledFor(logging.INFO)
    finally:
        logger.handlers, logger.level, logger.propagate = before
