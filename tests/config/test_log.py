"""The log's section of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import FileCopy, WebhookCopy, from_mapping
from tests.config import sample

SECRET = "hunter2-correct-horse"


def test_the_log_is_written_unless_it_is_turned_off() -> None:
    assert from_mapping(sample.settings()).log.enabled
    assert not from_mapping(sample.settings(log={"enabled": False})).log.enabled


def test_a_month_is_kept_for_at_least_half_a_year_by_default() -> None:
    assert from_mapping(sample.settings()).log.retention_us == 184 * 86_400_000_000


@pytest.mark.parametrize("name", ["two words", "a+b"])
def test_a_name_that_a_signed_note_cannot_carry_is_a_mistake(name: str) -> None:
    with pytest.raises(SettingsError, match="holds a space or a plus"):
        from_mapping(sample.settings(log={"name": name}))


def test_checkpoints_are_copied_to_files_webhooks_and_topics(tmp_path: Path) -> None:
    copies = [
        {"type": "file", "path": "copy/checkpoint"},
        {"type": "webhook", "url": "http://x", "secret": SECRET},
        {"type": "kafka", "topic": "checkpoints"},
    ]
    log = from_mapping(sample.settings(log={"checkpoints": copies}), tmp_path).log
    assert [copy.type for copy in log.checkpoints] == ["file", "webhook", "kafka"]
    assert isinstance(log.checkpoints[0], FileCopy)
    assert isinstance(log.checkpoints[1], WebhookCopy)
    assert SECRET not in repr(log)


def test_a_cadence_of_nothing_is_a_mistake() -> None:
    with pytest.raises(SettingsError):
        from_mapping(sample.settings(log={"cadence": 0}))
