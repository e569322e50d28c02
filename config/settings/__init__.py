"""What operators write: one YAML file, overridden by the environment and by secret files.

``load`` reads it; ``Settings`` and its sections say what may be written. docs/settings.md is the reference.
"""

from config.mapping import Mapping, When
from config.settings.load import from_mapping, from_text, load
from config.settings.log import CheckpointCopy, FileCopy, KafkaCopy, LogSettings, WebhookCopy
from config.settings.model import (
    Column,
    LabelSettings,
    Model,
    Protected,
    Segments,
    VersionOverride,
    Window,
)
from config.settings.page import PageSettings
from config.settings.receivers import AlertmanagerReceiver, Receiver, WebhookReceiver
from config.settings.root import Settings
from config.settings.service import Exposition, Limits, Listen, StateSettings
from config.settings.source import FileSource, KafkaSource, Sasl, Source, Tls
from config.settings.system import System
from config.settings.thresholds import Severities, Threshold

__all__ = [
    "AlertmanagerReceiver",
    "CheckpointCopy",
    "Column",
    "Exposition",
    "FileCopy",
    "FileSource",
    "KafkaCopy",
    "KafkaSource",
    "LabelSettings",
    "Limits",
    "Listen",
    "LogSettings",
    "Mapping",
    "Model",
    "PageSettings",
    "Protected",
    "Receiver",
    "Sasl",
    "Segments",
    "Settings",
    "Severities",
    "Source",
    "StateSettings",
    "System",
    "Threshold",
    "Tls",
    "VersionOverride",
    "WebhookCopy",
    "WebhookReceiver",
    "When",
    "Window",
    "from_mapping",
    "from_text",
    "load",
]
