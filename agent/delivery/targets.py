"""Receivers of the settings as addresses that the outbox tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.delivery.outbox import Target
from config.settings.receivers import AlertmanagerReceiver, Receiver, WebhookReceiver
from detectors.measurement import Track


def targets_of(receivers: Iterable[Receiver]) -> tuple[Target, ...]:
    """One target per address: all members of an Alertmanager cluster, one per webhook."""
    return tuple(target for receiver in receivers for target in _targets(receiver))


def _targets(receiver: Receiver) -> Iterator[Target]:
    match receiver:
        case AlertmanagerReceiver():
            for url in receiver.urls:
                yield Target(
                    receiver=receiver.name,
                    url=url,
                    standing=True,
                    tracks=frozenset(map(Track, receiver.tracks)),
                    resend_us=receiver.resend_seconds * 1_000_000,
                    timeout_seconds=receiver.timeout_seconds,
                    headers=_headers(receiver),
                    ca_file=_path(receiver.ca_file),
                    external_url=receiver.external_url or "",
                )
        case WebhookReceiver():
            yield Target(
                receiver=receiver.name,
                url=receiver.url,
                standing=False,
                tracks=frozenset(map(Track, receiver.tracks)),
                timeout_seconds=receiver.timeout_seconds,
                headers=_headers(receiver),
                secret=None if receiver.secret is None else receiver.secret.get_secret_value().encode(),
                ca_file=_path(receiver.ca_file),
                external_url=receiver.external_url or "",
            )


def _headers(receiver: Receiver) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.get_secret_value()) for name, value in receiver.headers.items())


def _path(file: Path | None) -> str | None:
    return None if file is None else str(file)
