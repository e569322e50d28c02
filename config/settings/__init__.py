"""What operators write: one YAML file, overridden by the environment and by secret files.

``load`` reads it; ``Settings`` and its sections say what may be written. docs/settings.md is the reference.
"""

from config.mapping import Mapping, When
from config.settings.escalation import Escalation, EscalationStep, Maintenance
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
from config.settings.receivers import (
    AlertmanagerReceiver,
    AppriseReceiver,
    EmailReceiver,
    PagerDutyReceiver,
    Receiver,
    SlackReceiver,
    WebhookReceiver,
)
from config.settings.root import Settings
from config.settings.service import Exposition, Limits, Listen, StateSettings
from config.settings.source import FileSource, KafkaSource, Sasl, Source, Tls
from config.settings.system import System
from config.settings.thresholds import Severities, Threshold

__all__ = [
    "AlertmanagerReceiver",
    "AppriseReceiver",
    "CheckpointCopy",
    "Column",
    "EmailReceiver",
    "Escalation",
    "EscalationStep",
    "Exposition",
    "FileCopy",
    "FileSource",
    "KafkaCopy",
    "KafkaSource",
    "LabelSettings",
    "Limits",
    "Listen",
    "LogSettings",
    "Maintenance",
    "Mapping",
    "Model",
    "PageSettings",
    "PagerDutyReceiver",
    "Protected",
    "Receiver",
    "Sasl",
    "Segments",
    "Settings",
    "Severities",
    "SlackReceiver",
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
