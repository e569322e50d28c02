from __future__ import annotations

from agent.targets import targets_of
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
