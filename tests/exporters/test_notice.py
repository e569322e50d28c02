from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from detectors.incident import Kind
from detectors.measurement import Track
from exporters.notice import Notice, alert_annotations, alert_labels, notice_kind, notice_of
from tests.exporters.sample import INCIDENT, NOW_US

LATER_US = NOW_US + 3_600_000_000


def test_the_identity_of_an_alert_holds_neither_a_value_nor_a_time() -> None:
    changed = replace(
        INCIDENT, headline="it got worse", acknowledged_by="ada", explanation=("more",), state="resolved", resolved_us=7
    )
    assert alert_labels(notice_of(INCIDENT, LATER_US)) == alert_labels(notice_of(changed, LATER_US + 1))
    assert alert_labels(notice_of(INCIDENT, LATER_US)) == {
        "alertname": "WachterModelHealth",
        "severity": "warning",
        "track": "health",
        "system": "credit-scoring",
        "model": "credit",
        "version": "3.1",
        "incident": "h-3f2a9c1b-2",
        "call": "1",
    }


def test_a_second_call_is_an_alert_of_its_own() -> None:
    first, second = (alert_labels(notice_of(replace(INCIDENT, call=call), LATER_US)) for call in (1, 2))
    assert {name for name in first if first[name] != second[name]} == {"call"}


def test_annotations_say_what_broke_and_who_knows() -> None:
    noted = alert_annotations(notice_of(replace(INCIDENT, acknowledged_by="ada"), LATER_US))
    assert noted["summary"] == INCIDENT.headline
    assert noted["description"] == "\n".join(INCIDENT.explanation)
    assert noted["acknowledged_by"] == "ada"


def test_an_opening_ahead_of_the_clock_is_told_as_now() -> None:
    ahead = replace(INCIDENT, opened_us=NOW_US + 5)
    assert notice_of(ahead, NOW_US).opened_us == NOW_US


def test_a_resolution_is_dated_when_it_is_told() -> None:
    notice = notice_of(replace(INCIDENT, state="resolved", resolved_us=NOW_US - 5), LATER_US)
    assert (notice.firing, notice.resolved_us) == (False, LATER_US)


@pytest.mark.parametrize("kind", Kind)
def test_every_transition_means_something_to_receivers_or_is_kept_from_them(kind: Kind) -> None:
    calls = {
        Kind.OPENED: "fire",
        Kind.ACKNOWLEDGED: "acknowledge",
        Kind.RECURRED: "call_again",
        Kind.RESOLVED: "resolve",
    }
    silent = {Kind.PENDING, Kind.COMMENTED}
    assert notice_kind(kind) == (None if kind in silent else calls.get(kind, "update"))


def test_a_notice_survives_its_stay_in_the_outbox() -> None:
    notice = notice_of(INCIDENT, LATER_US)
    assert msgspec.json.decode(msgspec.json.encode(notice), type=Notice) == notice
    assert notice.track is Track.HEALTH
