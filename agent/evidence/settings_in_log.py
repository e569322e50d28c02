"""The settings that a log holds, as far as payloads are decoded by them."""

from __future__ import annotations

from typing import Any

import msgspec

from config.errors import EvidenceError
from config.settings import Settings, from_mapping
from exporters.evidence.payload_text import document_of
from exporters.evidence.reader import LogReader

_SETTINGS = b'{"type":"settings"'
_DECODING = ("source", "mappings", "systems", "limits")
_FILES_OF_SOURCE = ("tls", "sasl")


def decoding_settings(reader: LogReader) -> Settings:
    """The newest settings of a log; sections and files without effect on decoding are left out.

    Raises:
        EvidenceError: the log holds none that can be read.
        SettingsError: this version cannot use them.
    """
    for shard in reversed(reader.shards()):
        places = [index for index, entry in enumerate(reader.entries(shard)) if entry.startswith(_SETTINGS)]
        for index in reversed(places):
            for payload in reader.payloads(shard, index, index + 1):
                if payload.state == "plain" and payload.data is not None:
                    return from_mapping(_reduced(msgspec.json.decode(document_of(payload.data))))
    raise EvidenceError(
        f"{reader.directory}: holds no settings to decode payloads by (an export has them only with --payloads). "
        "Name them with --settings FILE"
    )


def _reduced(document: dict[str, Any]) -> dict[str, Any]:
    """Without what names files of another machine."""
    kept = {name: document[name] for name in _DECODING if name in document}
    for name in _FILES_OF_SOURCE:
        kept.get("source", {}).pop(name, None)
    for system in kept.get("systems", ()):
        for model in system.get("models", ()):
            model.pop("reference", None)
            model.pop("versions", None)
    return kept
