"""The outlets of the settings: a file elsewhere, an HTTP receiver, a Kafka topic."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from agent.delivery.post import post
from agent.evidence.copies import Outlet
from agent.kafka.writer import TopicWriter
from config.settings import FileCopy, KafkaCopy, KafkaSource, Settings, WebhookCopy
from config.settings.log import CheckpointCopy
from exporters.evidence.heads import Signed
from exporters.request import PostRequest, expect_taken
from exporters.webhook import SIGNATURE_HEADER, signature


def outlets_of(settings: Settings) -> list[Outlet]:
    """All outlets, none of them connected yet."""
    return [_outlet(copy, settings) for copy in settings.log.checkpoints]


def _outlet(copy: CheckpointCopy, settings: Settings) -> Outlet:
    match copy:
        case FileCopy():
            return Outlet(str(copy.path), partial(write_file, copy.path))
        case WebhookCopy():
            return Outlet(copy.url, partial(post_to, copy, lambda: time.time_ns() // 1_000_000_000))
        case KafkaCopy():
            assert isinstance(settings.source, KafkaSource)
            writer = TopicWriter(settings.source, copy.topic)
            return Outlet(f"topic {copy.topic}", lambda signed: writer.write(signed.shard, signed.note), writer.close)


def write_file(path: Path, signed: Signed) -> None:
    """Put the note in the file's place, whole or not at all.

    Raises:
        OSError: it cannot be written there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(signed.note)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def post_to(copy: WebhookCopy, now_seconds: Callable[[], int], signed: Signed) -> None:
    """Post the note as text.

    Raises:
        DeliveryError: it was not taken.
    """
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    headers |= {name: value.get_secret_value() for name, value in copy.headers.items()}
    if copy.secret is not None:
        secret = copy.secret.get_secret_value().encode()
        headers[SIGNATURE_HEADER] = signature(secret, signed.note, now_seconds())
    ca_file = None if copy.ca_file is None else str(copy.ca_file)
    expect_taken(post(PostRequest(copy.url, signed.note, headers, allow_private=True), copy.timeout_seconds, ca_file))
