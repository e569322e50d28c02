"""Receivers of the settings as addresses that the outbox tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from agent.delivery.channels import Apprise, Email, PagerDuty, SlackBot, SlackWebhook
from agent.delivery.mail import MailServer
from agent.delivery.schedule import QuietTime
from agent.delivery.target import Backoff, Target
from config.settings.escalation import Escalation, EscalationStep, Maintenance
from config.settings.receivers import (
    AlertmanagerReceiver,
    AppriseReceiver,
    EmailReceiver,
    PagerDutyReceiver,
    Receiver,
    SlackReceiver,
    WebhookReceiver,
)
from detectors.measurement import Track
from exporters.slack import MAX_NOTICES

PATIENT = Backoff(first_seconds=5.0, longest_seconds=40.0)
"""For services that want to be left alone when they have trouble, and hear of all within a minute of their return."""
DIGEST = 20
"""Most incidents in one mail or note."""

NO_STEPS = Escalation()

Waits = tuple[tuple[str, tuple[int, ...]], ...]


def targets_of(
    receivers: Iterable[Receiver], escalation: Escalation = NO_STEPS, maintenance: Iterable[Maintenance] = ()
) -> tuple[Target, ...]:
    """One target per address: all members of an Alertmanager cluster, one of every other receiver."""
    quiet = tuple(quiet_time(window) for window in maintenance)
    return tuple(
        target
        for receiver in receivers
        for target in _targets(receiver, {"waits": waits_of(escalation, receiver.name), "quiet": quiet})
    )


def waits_of(escalation: Escalation, name: str) -> Waits | None:
    """When a receiver is called, by severity; ``None`` where no step names it: at once, of everything."""
    policies: dict[str, tuple[EscalationStep, ...]] = {
        severity: getattr(escalation, severity) for severity in type(escalation).model_fields
    }
    waits = {severity: tuple(_due_times(steps, name)) for severity, steps in policies.items()}
    found = tuple((severity, times) for severity, times in waits.items() if times)
    return found or None


def _due_times(steps: tuple[EscalationStep, ...], name: str) -> Iterator[int]:
    passed = 0
    for step in steps:
        passed += step.wait_us
        if name in step.receivers:
            yield passed


def quiet_time(window: Maintenance) -> QuietTime:
    """A maintenance window in microseconds."""
    return QuietTime(
        starts_us=_us(window.starts),
        ends_us=_us(window.ends),
        repeats_us=window.repeats_us,
        systems=frozenset(window.systems),
        models=frozenset(window.models),
    )


def _us(moment: datetime) -> int:
    return round(moment.timestamp()) * 1_000_000


def _targets(receiver: Receiver, plan: dict[str, Any]) -> Iterator[Target]:
    common = {
        "receiver": receiver.name,
        "tracks": frozenset(map(Track, receiver.tracks)),
        "timeout_seconds": receiver.timeout_seconds,
        "external_url": receiver.external_url or "",
        **plan,
    }
    if not isinstance(receiver, AppriseReceiver):
        common |= {"allow_private": receiver.allow_private, "ca_file": _path(receiver.ca_file)}
    match receiver:
        case AlertmanagerReceiver():
            for url in receiver.urls:
                resend_us = receiver.resend_seconds * 1_000_000
                yield Target(url=url, standing=True, resend_us=resend_us, headers=_headers(receiver), **common)
        case WebhookReceiver():
            secret = None if receiver.secret is None else _plain(receiver.secret).encode()
            common |= {"secret": secret, "headers": _headers(receiver), "per_minute": receiver.per_minute}
            yield Target(url=receiver.url, standing=False, **common)
        case PagerDutyReceiver():
            common |= {"per_minute": receiver.per_minute, "backoff": PATIENT, "tells_acknowledged": True}
            yield Target(url=receiver.url, standing=False, channel=PagerDuty(_plain(receiver.routing_key)), **common)
        case SlackReceiver():
            yield _slack(receiver, common)
        case EmailReceiver():
            common |= {"per_minute": receiver.per_minute, "group": DIGEST, "each_call": False, "backoff": PATIENT}
            yield Target(url=f"email:{receiver.name}", standing=False, channel=_email(receiver), **common)
        case AppriseReceiver():
            common |= {"per_minute": receiver.per_minute, "group": DIGEST, "each_call": False, "backoff": PATIENT}
            yield Target(
                url=f"apprise:{receiver.name}", standing=False, channel=Apprise(_plain(receiver.url)), **common
            )


def _slack(receiver: SlackReceiver, common: dict[str, Any]) -> Target:
    """A bot has one message per call, and brings it up to date; a webhook gathers."""
    common = {**common, "url": f"slack:{receiver.name}", "standing": False, "per_minute": receiver.per_minute}
    if receiver.token is not None:
        bot = SlackBot(receiver.api_url, receiver.channel or "", _plain(receiver.token))
        return Target(channel=bot, tells_acknowledged=True, **common)
    return Target(channel=SlackWebhook(_plain(receiver.webhook_url)), group=MAX_NOTICES, each_call=False, **common)


def _email(receiver: EmailReceiver) -> Email:
    server = MailServer(
        host=receiver.host,
        port=receiver.port,
        security=receiver.security,
        username=receiver.username,
        password=None if receiver.password is None else _plain(receiver.password),
        ca_file=_path(receiver.ca_file),
        allow_private=receiver.allow_private,
    )
    return Email(server, receiver.sender, receiver.to)


def _headers(receiver: AlertmanagerReceiver | WebhookReceiver) -> tuple[tuple[str, str], ...]:
    return tuple((name, _plain(value)) for name, value in receiver.headers.items())


def _plain(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
