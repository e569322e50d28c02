"""A model as a whole: its versions add up, and its volume is compared with the same hour of the weeks before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.flow.whole_models import compares_weeks
from tests.agent.stage import Stage, event, settings_of

pytestmark = pytest.mark.slow

DAY, WEEK = 24 * 60, 7 * 24 * 60


def days(prefix: str, first: int, last: int, per_day: int, version: str = "1") -> list[bytes]:
    """``per_day`` events on each day, some of them right after its end so that the day closes."""
    return [
        event(f"{prefix}-{day}-{n}", day * DAY + DAY * n / per_day, version=version)
        for day in range(first, last)
        for n in range(per_day)
    ]


Open = Callable[..., Stage]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Open]:
    """Opens an agent of one model in daily windows, in a directory of its own."""
    opened: list[Stage] = []

    def open_one(window: dict[str, object] | None = None) -> Stage:
        opened.append(Stage(settings_of(tmp_path / str(len(opened)), window=window or {"length": "1d"})))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def whole(stage: Stage) -> list[dict[str, object]]:
    return stage.lines("volume", version="*")


def test_the_volume_of_a_model_is_that_of_all_its_versions(stage: Open) -> None:
    one = stage()
    events = sorted(
        [*days("a", 0, 3, 40), *days("b", 1, 3, 20, version="2")], key=lambda record: record.split(b"occurred_at")[1]
    )
    one.run(*events).finish()
    assert [line["value"] for line in whole(one)] == [40, 60, 60]
    assert {line["verdict_reason"] for line in whole(one)} == {"short_history"}


def test_a_fall_below_half_of_the_same_day_of_the_weeks_before_is_a_ticket_after_two_windows(stage: Open) -> None:
    one = stage()
    one.run(*days("a", 0, 30, 40), *days("b", 30, 34, 4), *days("c", 34, 40, 40)).finish()
    verdicts = {line["window_start"][:10]: line["verdict"] for line in whole(one)}
    assert verdicts["2026-01-28"] == "insufficient_data"
    assert verdicts["2026-01-29"] == "ok"
    assert [day for day, verdict in verdicts.items() if verdict == "warning"] == [
        "2026-01-31", "2026-02-01", "2026-02-02", "2026-02-03",
    ]  # fmt: skip
    (incident,) = [i for i in one.step.pipeline.ledger.streams.values() if i.incidents.health.past]
    (opened,) = incident.incidents.health.past
    assert (opened.stream.version, opened.findings[0].metric, opened.opened_us) == (
        "*", "volume", whole_us("2026-02-02"),
    )  # fmt: skip


def whole_us(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_a_day_without_events_is_a_volume_of_nothing(stage: Open) -> None:
    one = stage()
    one.run(*days("a", 0, 30, 30), *days("b", 32, 33, 30)).finish()
    values = [(line["value"], line["verdict"]) for line in whole(one)][-3:]
    assert values == [(0, "warning"), (0, "warning"), (30, "ok")]


def test_a_restart_remembers_the_weeks(stage: Open) -> None:
    one = stage()
    one.run(*days("a", 0, 30, 8)).finish()
    other = stage()
    for first in range(0, 30, 6):
        other.run(*days("a", first, first + 6, 8))
        other.restart()
    other.finish()
    assert other.written() == one.written()


def test_windows_that_do_not_fit_into_a_week_are_not_compared(stage: Open) -> None:
    def compares(**window: object) -> bool:
        return compares_weeks(next(stage(window).contexts.of_models()))

    assert compares(length="1d", slide="6h")
    assert not compares(length="5h")
    assert not compares(length="1h", min_events=100)


def test_a_model_whose_versions_are_all_retired_has_no_open_ticket(stage: Open) -> None:
    one = stage()
    one.run(*days("a", 0, 30, 30), *days("b", 60, 61, 30)).finish()
    health = next(
        s for s in one.step.pipeline.ledger.streams.values() if s.incidents.stream.version == "*"
    ).incidents.health
    assert health.open is None
    assert [entry.reason for entry in health.past[0].timeline][-1] == "stream_retired"
