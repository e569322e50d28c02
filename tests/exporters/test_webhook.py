from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from pathlib import Path

from exporters.notice import notice_of
from exporters.webhook import NEVER, message, post_message, signature
from tests.exporters.sample import INCIDENT, NOW_US

GOLDEN = Path(__file__).parent / "golden" / "webhook.json"
FIRING = notice_of(INCIDENT, NOW_US)


def test_a_message_is_alertmanagers_webhook_json_of_version_4() -> None:
    assert message(FIRING, "oncall", "https://wachter.example") == json.loads(GOLDEN.read_text())


def test_a_firing_alert_has_no_end_and_a_resolved_one_has() -> None:
    resolved = message(notice_of(replace(INCIDENT, state="resolved"), NOW_US + 1_000_000), "oncall")
    assert message(FIRING, "oncall")["alerts"][0]["endsAt"] == NEVER  # type: ignore[index]
    assert resolved["status"] == "resolved"
    assert resolved["alerts"][0]["endsAt"] == "2024-10-04T00:00:01.000Z"  # type: ignore[index]


def test_firing_and_resolved_share_their_fingerprint_and_group() -> None:
    resolved = message(notice_of(replace(INCIDENT, state="resolved"), NOW_US), "oncall")
    firing = message(FIRING, "oncall")
    assert firing["groupKey"] == resolved["groupKey"]
    assert firing["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]  # type: ignore[index]


def test_a_receiver_can_check_the_signature_from_its_documentation() -> None:
    request = post_message(
        "http://x", FIRING, receiver="oncall", delivery=7, now_us=NOW_US, headers={"X-Team": "risk"}, secret=b"key"
    )
    stamp, digest = (part.partition("=")[2] for part in request.headers["X-Wachter-Signature"].split(","))
    assert stamp == str(NOW_US // 1_000_000)
    assert digest == hmac.new(b"key", stamp.encode() + b"." + request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Wachter-Delivery"] == "7"
    assert request.headers["X-Team"] == "risk"


def test_without_a_secret_nothing_is_signed() -> None:
    request = post_message("http://x", FIRING, receiver="oncall", delivery=1, now_us=NOW_US, headers={})
    assert "X-Wachter-Signature" not in request.headers


def test_a_signature_covers_body_and_time() -> None:
    assert len({signature(b"key", body, at) for body in (b"a", b"b") for at in (1, 2)}) == 4


def test_a_request_does_not_print_its_secrets() -> None:
    request = post_message(
        "http://x",
        FIRING,
        receiver="r",
        delivery=1,
        now_us=0,
        headers={"Authorization": "Bearer s3cret"},
        secret=b"key",
    )
    assert "s3cret" not in repr(request)
