"""What all sections of the settings share: one base class and the field types that know their units."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from config import units

_BASE: ContextVar[Path] = ContextVar("directory of the settings file", default=Path())


def key_of(attribute: str) -> str:
    """The key in the file: attributes in microseconds end in ``_us``, their keys do not."""
    return attribute.removesuffix("_us")


KEYS = AliasGenerator(alias=key_of)


class Section(BaseModel):
    """A part of the settings: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=KEYS,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


@contextmanager
def relative_to(directory: Path) -> Iterator[None]:
    """Within, relative paths of input files are read from ``directory``: where the settings file lies."""
    token = _BASE.set(directory)
    try:
        yield
    finally:
        _BASE.reset(token)


def mistake(what: str, remedy: str) -> PydanticCustomError:
    """An error that ``problems.py`` shows as it is; braces are doubled because pydantic formats the text."""
    return PydanticCustomError("wachter", "{what}. {remedy}", {"what": what, "remedy": remedy})


def _read_duration(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool) and value == 0:
        return 0
    try:
        duration_us = units.parse_duration(value if isinstance(value, str) else json.dumps(value))
    except ValueError:
        raise mistake(
            f"{value!r} is not a duration", "Write a whole number with a unit: us, ms, s, m, h, d or w, as in 10m."
        ) from None
    if duration_us > units.MAX_DURATION_US:
        raise mistake(f"{value!r} is more than a century", "Write at most 36500d.")
    return duration_us


def _read_size(value: object) -> object:
    try:
        return units.parse_size(value if isinstance(value, str) else json.dumps(value))
    except ValueError:
        raise mistake(
            f"{value!r} is not a size", "Write a whole number with a unit: B, KiB, MiB, GiB or TiB, as in 64MiB."
        ) from None


def _read_list(value: object) -> object:
    """One text is a list of its comma-separated parts, so that environment variables stay readable."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def read_label(value: object) -> object:
    """``true`` and ``1`` are labels too: they are compared as the JSON text that events carry."""
    if isinstance(value, bool | int):
        return json.dumps(value)
    return value


def _read_input_file(path: Path) -> Path:
    found = _BASE.get() / path.expanduser()
    if not found.is_file():
        raise mistake(f"there is no file {str(path)!r}", "Paths are relative to the directory of the settings file.")
    return found


def at_least(least: int) -> AfterValidator:
    """A list with too few entries; judged only when every entry is right, so that one mistake is not told twice."""

    def check(value: tuple[object, ...]) -> tuple[object, ...]:
        if len(value) < least:
            raise mistake(
                f"the list needs at least {least} {'entry' if least == 1 else 'entries'}", "Add what is missing."
            )
        return value

    return AfterValidator(check)


def check_url(url: str) -> str:
    """An http or https address, less the slashes at its end; whatever is wrong with it, it is not repeated."""
    parts = _parts(url)
    if parts is not None and (parts.username or parts.password):
        raise mistake("the address carries a user or a password", "Move them into a header or a secret file.")
    if parts is None or parts.scheme not in ("http", "https") or not is_host(parts.hostname or ""):
        raise mistake("this is not an http or https address", "Write it in full, as in http://alertmanager:9093.")
    return url.rstrip("/")


def _parts(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None
    except ValueError:  # brackets that do not match, a port that is none
        return None


def is_host(name: str) -> bool:
    """Whether a resolver can be asked for it: labels of 1 to 63 letters (RFC 1035, 2.3.4), once written in ASCII."""
    try:
        return bool(name.encode("idna"))
    except UnicodeError:
        return False


def _check_broker(address: str) -> str:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise mistake(f"{address!r} is not a broker address", "Write host:port, as in kafka-1:9092.")
    return address


Duration = Annotated[
    int,
    BeforeValidator(_read_duration),
    PlainSerializer(units.format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": units.DURATION_PATTERN, "examples": ["10m", "1d"]}),
]
"""Microseconds, written ``10m``; a century at most."""

ByteSize = Annotated[
    int,
    BeforeValidator(_read_size),
    PlainSerializer(units.format_size, return_type=str),
    WithJsonSchema({"type": "string", "pattern": units.SIZE_PATTERN, "examples": ["64MiB"]}),
]
"""Bytes, written ``64MiB``."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A short text without control characters."""

Label = Annotated[Name, BeforeValidator(read_label, json_schema_input_type=str | bool | int)]
"""A class or a group, as its JSON text."""

InputFile = Annotated[Path, AfterValidator(_read_input_file)]
"""A file that must exist when the settings are read."""

Url = Annotated[str, AfterValidator(check_url)]
Broker = Annotated[str, AfterValidator(_check_broker)]


COMMAS = BeforeValidator(_read_list, json_schema_input_type=str | tuple[str | bool | int, ...])
"""A list that may also be written as one text."""

Names = Annotated[tuple[Name, ...], COMMAS]
Labels = Annotated[tuple[Label, ...], COMMAS]
Brokers = Annotated[tuple[Broker, ...], COMMAS]


def read_secret(given: SecretStr | None, file: Path | None, key: str) -> SecretStr | None:
    """The secret itself, or the one that stands in its file; a final line break is not part of it."""
    if given is not None and file is not None:
        raise mistake(f"{key} and {key}_file are both given", "Keep one of them.")
    if file is None:
        return given
    try:
        return SecretStr(file.read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise mistake(f"{key}_file cannot be read ({type(error).__name__})", "It must be readable UTF-8.") from None
