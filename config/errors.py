"""Every error Wachter raises on purpose.

    WachterError
    ├── SettingsError       the operator's file is wrong; carries every Problem at once
    ├── ReferenceFileError  a reference file cannot be used
    ├── LayoutError         tables and layout do not belong together
    ├── RecordRejected      one record cannot be placed; carries the named reason
    ├── StateError          the state directory cannot be used
    │   ├── StateLocked     another process owns it
    │   └── StateVersion    it was written in a format this version does not know
    ├── SourceError         the event source cannot be read
    │   └── NotOwner        another member owns the partitions now
    ├── DeliveryError       a receiver did not take a message
    ├── ReportError         a report cannot be made
    ├── ActRefused          what a person asked of an incident cannot be done; carries the named reason
    └── EvidenceError       the evidence log cannot be written, read or believed
        ├── ProofError      a proof does not lead to the root it claims
        ├── NoteError       a key, signature or checkpoint is malformed or does not verify
        ├── KeyFileError    a key file cannot be made or used
        ├── LogDamaged      the log is not what was written; carries where and what
        ├── LogLocked       another process writes this log
        ├── LogRolledBack   the log holds less than, or other than, what was signed
        └── LogUnwritable   the disk did not take what was to be kept

``retriable`` says whether the same call may succeed later without anybody changing anything.
"""

from __future__ import annotations

from dataclasses import dataclass


class WachterError(Exception):
    """Base of all errors that Wachter raises on purpose."""

    retriable = False


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in what an operator wrote: where it stands, what is wrong, what to do."""

    path: str
    what: str
    remedy: str
    line: int | None = None
    """Line of the settings file, from 1; ``None`` where the value is not written there."""

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path} (line {self.line})"
        return f"{place}: {self.what}. {self.remedy}"


class SettingsError(WachterError):
    """The settings cannot be used; ``problems`` holds every mistake, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ReferenceFileError(WachterError):
    """A reference file is missing, damaged, of an unknown version or of another model."""


class LayoutError(WachterError):
    """Tables of one layout met tables or events of another."""


class RecordRejected(WachterError):
    """One record cannot be placed.

    Attributes:
        reason: a name from ``config.contract.REJECT_REASONS``.
        detail: where and why, for a person; never more than 200 characters.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:200]


class StateError(WachterError):
    """The state directory cannot be read or written."""


class StateLocked(StateError):
    """Another process owns the state directory."""


class StateVersion(StateError):
    """The state was written in a format this version does not know."""


class SourceError(WachterError):
    """The event source cannot be read now."""

    retriable = True


class NotOwner(SourceError):
    """Another member of the group owns the partitions; the step must be dropped."""


class DeliveryError(WachterError):
    """A receiver did not take a message."""

    def __init__(self, message: str, *, retriable: bool, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retriable = retriable
        self.retry_after_seconds = retry_after_seconds


class ReportError(WachterError):
    """A report cannot be made; the text says what is missing and what to do."""


class ActRefused(WachterError):
    """What a person asked of an incident cannot be done; nothing has changed.

    Attributes:
        reason: a stable name: ``unknown_incident``, ``already_resolved``, ``already_acknowledged``, ``no_actor``,
            ``actor_too_long``, ``no_comment``, ``comment_too_long``, ``no_until``, ``silence_too_long``,
            ``silence_in_the_past``, ``inbox_full``.
        detail: the sentence for the person, with what to do.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class EvidenceError(WachterError):
    """The evidence log cannot be written, read or believed."""


class ProofError(EvidenceError):
    """An inclusion or consistency proof does not lead to the root it claims, or cannot be made."""


class NoteError(EvidenceError):
    """A key, a signed note or a checkpoint is malformed, or no known key signed it."""


class KeyFileError(EvidenceError):
    """A key file cannot be made, read or trusted; the message says what to do."""


class LogDamaged(EvidenceError):
    """The log is not what was written.

    Attributes:
        where: the file, with offset or entry index.
        what: what was found, and what was expected.
    """

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class LogLocked(EvidenceError):
    """Another process writes this log."""


class LogRolledBack(EvidenceError):
    """The log holds less than, or other than, what its last signed checkpoint covers."""


class LogUnwritable(EvidenceError):
    """The disk did not take what was to be kept: full, read-only or failing. Nothing was acknowledged."""

    retriable = True
