"""Canaries: what events say in features and of persons and groups is in no leaf, no metric, no log line and no notice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.delivery.sender import Sender
from agent.evidence.begin import log_directory
from agent.notices import notices_of
from agent.picture import Facts, Painter
from agent.state.store import DATABASE
from config.settings import Settings
from exporters.evidence.reader import LogReader
from exporters.exposition import ExpositionOptions, Format, render
from tests.agent.stage import Stage, at, event, label, settings_of

CANARY = "CANARY"
NUMBER = 77_310_059.25
HOURS, PER_HOUR, CHANGE = 30, 120, 15


def records() -> Iterator[bytes]:
    """From the middle on the model's input, its output and its people change, and every value is a canary."""
    for number in range(HOURS * PER_HOUR):
        minute = number * 60 / PER_HOUR
        changed = number >= CHANGE * PER_HOUR
        yield event(
            f"e{number}",
            minute,
            features={"x": NUMBER if changed else number % 7, "purpose": f"{CANARY}-level" if changed else "car"},
            prediction="yes" if changed or number % 3 else "no",
            protected={"sex": f"{CANARY}-group" if changed and number % 2 else "FM"[number % 2]},
            subject_ref=f"{CANARY}-person-{number % 50}",
            undeclared=f"{CANARY}-text",
        )
        yield label(f"e{number}", minute, "no" if number % 2 else "yes")
        if number % 20 == 0:
            yield review(f"e{number}", minute)
            yield b'{"%s-broken": ' % CANARY.encode()


def review(of: str, minute: float) -> bytes:
    return json.dumps(
        {
            "schema_version": "1",
            "event_type": "oversight",
            "event_id": f"review-{of}",
            "occurred_at": at(minute),
            "ref_event_id": of,
            "action": "overridden",
            "actor_ref": f"{CANARY}-reviewer",
            "reason": f"{CANARY}-reason",
        }
    ).encode()


def watching(directory: Path) -> Settings:
    return settings_of(
        directory,
        columns={
            "x": {"type": "number", "median": 3.0, "iqr": 4.0, "maximum": 10},
            "purpose": {"type": "category", "levels": ["car", "home"]},
        },
        positive="yes",
        protected={"sex": ["F", "M"]},
        labels={"horizon": "2h"},
    )


@pytest.mark.slow
def test_what_events_say_is_in_no_leaf_no_metric_no_log_line_and_no_notice(tmp_path: Path) -> None:
    stage = Stage(watching(tmp_path))
    with capture_logs() as logged:
        stage.run(*records()).finish()
    settings, step = stage.settings, stage.step
    transitions = [one for outcome in stage.outcomes for one in outcome.transitions]
    notices = [
        *step.open_notices(),
        *(notice for _, notice in notices_of(step.pipeline.ledger, transitions, step.severities, stage.clock.now_us())),
    ]
    snapshot = Painter(step, Sender(settings.state.directory / DATABASE)).paint(Facts(started_us=0), {})
    metrics = render(snapshot, ExpositionOptions.of(settings), Format.TEXT, process=False)
    stage.close()
    log = LogReader(log_directory(settings))
    leaves = b"\n".join(entry for shard in log.shards() for entry in log.entries(shard))
    assert any("Unseen share (purpose)" in line for notice in notices for line in notice.explanation)
    assert leaves.count(b'"type":"oversight"') == HOURS * PER_HOUR // 20
    told = {
        "leaves": leaves,
        "metrics": metrics,
        "log lines": repr(logged).encode(),
        "notices": msgspec.json.encode(notices),
    }
    for where, text in told.items():
        for canary in (CANARY, str(NUMBER), f"{NUMBER:.6g}", "77310059"):
            assert canary.encode() not in text, (where, canary)
