"""The settings that a log holds, as far as payloads are decoded by them."""

from __future__ import annotations

from typing import Any

import msgspec

from agent.evidence.lookup import read_found
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
        EvidenceError: the log holds none that can be read, or the newest ones are not what their leaf commits to.
        SettingsError: this version cannot use them.
    """
    for shard in reversed(reader.shards()):
        places = [index for index, entry in enumerate(reader.entries(shard)) if entry.startswith(_SETTINGS)]
        for index in reversed(places):
            document = _document(reader, shard, index)
            if document is not None:
                return from_mapping(_reduced(msgspec.json.decode(document)))
    raise EvidenceError(
        f"{reader.directory}: holds no settings to decode payloads by (an export has them only with --payloads). "
        "Name them with --settings FILE"
    )


def _document(reader: LogReader, shard: str, index: int) -> bytes | None:
    found = read_found(reader, shard, index, lambda key_id: None)
    if found.is_right is False:
        raise EvidenceError(
            f"{reader.path(shard)}, entry {index}: these settings are not what their leaf commits to. Verify the log; "
            "--settings FILE names others"
        )
    return None if found.payload is None else document_of(found.payload)


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
