from __future__ import annotations

from pathlib import Path

from agent.delivery.targets import targets_of
from config.settings.receivers import AlertmanagerReceiver, WebhookReceiver
from detectors.measurement import Track


def test_every_member_of_an_alertmanager_cluster_is_told() -> None:
    cluster = AlertmanagerReceiver(
        type="alertmanager", name="am", urls=("http://a:9093", "http://b:9093"), resend_seconds=30
    )
    first, second = targets_of([cluster])
    assert (first.url, second.url) == ("http://a:9093", "http://b:9093")
    assert first.standing
    assert first.resend_us == 30_000_000


def test_a_webhook_keeps_its_tracks_headers_and_secret() -> None:
    hook = WebhookReceiver.model_validate(
        {"type": "webhook", "name": "h", "url": "http://h", "secret": "key", "headers": {"X": "y"}, "tracks": ["harm"]}
    )
    (target,) = targets_of([hook])
    assert not target.standing
    assert target.tracks == {Track.HARM}
    assert target.secret == b"key"
    assert target.headers == (("X", "y"),)


def test_an_alertmanager_behind_a_gate_is_told_with_its_headers_authority_and_where_people_reach_us(
    tmp_path: Path,
) -> None:
    (tmp_path / "ca.pem").touch()
    settings = {
        "type": "alertmanager",
        "name": "am",
        "urls": ["https://am"],
        "headers": {"Authorization": "Bearer key"},
        "ca_file": str(tmp_path / "ca.pem"),
        "external_url": "https://wachter.example/",
    }
    (target,) = targets_of([AlertmanagerReceiver.model_validate(settings)])
    assert target.headers == (("Authorization", "Bearer key"),)
    assert target.ca_file == str(tmp_path / "ca.pem")
    assert target.external_url == "https://wachter.example"
    assert "key" not in repr(target)
