"""What a quick run showed becomes a slow history that Prometheus reads."""

from __future__ import annotations

import json
from typing import Any

from deploy.build.draw.record import STEP_SECONDS, Page, history
from deploy.build.draw.scene import NEW_VERSION, NEW_VERSION_FROM_US, SECOND_SYSTEM, told, troubled
from deploy.demo.events import Message

HOUR = 3_600.0


def page(event_time: float, *lines: str, at: float = 1e9) -> Page:
    """A page that was seen at one moment of the machine."""
    return Page(at, event_time, 0.01, "# TYPE some gauge\n" + "\n".join(lines))


def lines(*pages: Page, of: str) -> list[str]:
    """Samples of one family."""
    return [line.strip() for line in history(pages) if line.startswith((of + "{", of + " "))]


def points(*pages: Page, of: str) -> list[tuple[float, float]]:
    """Time and value of the samples of one series."""
    return [(float(line.split()[2]), float(line.split()[1])) for line in lines(*pages, of=of)]


def test_a_sample_is_dated_by_event_time_and_says_whose_it_is() -> None:
    (line,) = lines(page(1.5e9, 'wachter_ready{a="b"} 1.0'), of="wachter_ready")
    assert line == 'wachter_ready{a="b",job="wachter",instance="wachter-0:9464"} 1.0 1500000000.000'


def test_the_history_ends_as_openmetrics_ask() -> None:
    assert list(history([page(1.0, "wachter_ready 1")]))[-1] == "# EOF\n"


def test_a_time_of_the_machine_keeps_its_age() -> None:
    seen = page(5e8, "wachter_loop_timestamp_seconds 999999990.0", at=1e9)
    assert points(seen, of="wachter_loop_timestamp_seconds") == [(5e8, 5e8 - 10)]


def test_a_gap_is_filled_counters_evenly_and_the_rest_as_it_was() -> None:
    pages = [page(0.0, "some 1.0", "some_total 0.0"), page(2.5 * STEP_SECONDS, "some 9.0", "some_total 30.0")]
    assert [value for _, value in points(*pages, of="some")] == [1, 1, 1, 9]
    assert [round(value) for _, value in points(*pages, of="some_total")] == [0, 10, 20, 30]


def test_a_series_that_was_away_for_long_stays_away() -> None:
    pages = [page(0.0, "some 1.0"), page(11 * 24 * HOUR, "some 1.0")]
    assert len(points(*pages, of="some")) == 2


def flight(number: int, at_us: int) -> Message:
    """A prediction of the demo."""
    event = {"event_type": "inference", "event_id": f"f{number}", "model": {"name": "m", "version": "1.0"},
             "system_id": "flight-operations", "features": {"origin": "JFK"}}  # fmt: skip
    return Message(at_us, f"f{number}".encode(), json.dumps(event).encode())


def test_a_flight_gets_a_group_a_latency_and_a_status() -> None:
    event = json.loads(told(flight(1, 0)))
    assert event["protected"] == {"airport": "JFK"}
    assert event["latency_ms"] > 0
    assert event["status"] in {"ok", "error"}


def readable(at_us: int) -> list[dict[str, Any]]:
    """Events that come of a hundred flights, but for the one that cannot be read."""
    values = [message.value for message in troubled(flight(number, at_us) for number in range(100))]
    unreadable = b'{"schema_version": "1"'
    assert values.count(unreadable) == 1
    return [json.loads(value) for value in values if value != unreadable]


def test_the_second_system_has_events_of_its_own() -> None:
    ids = {event["event_id"] for event in readable(0) if event["system_id"] == SECOND_SYSTEM}
    assert ids
    assert all(name.endswith("-plan") for name in ids)


def test_the_new_version_answers_a_part_of_the_later_flights() -> None:
    versions = [{event["model"]["version"] for event in readable(at_us)} for at_us in (0, NEW_VERSION_FROM_US)]
    assert versions == [{"1.0"}, {"1.0", NEW_VERSION}]
