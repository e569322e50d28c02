"""``escalation`` and ``maintenance``: who is called when, and when nobody is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from config.section import Duration, Name, Names, Section, at_least, mistake
from config.units import DAY_US


def _read_moment(value: object) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise mistake(f"{value!r} is no time", "Write it with its zone, as in 2026-01-31T22:00:00Z.")
    return moment


Moment = Annotated[
    datetime,
    PlainValidator(_read_moment),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment on the wall clock, with its zone."""


class EscalationStep(Section):
    """Who is told, and how long after those before."""

    wait_us: Duration = Field(default=0, ge=0, le=7 * DAY_US)
    """After the step before; for the first step after the incident opened."""
    receivers: Annotated[Names, at_least(1)]
    """Names of receivers; not of an Alertmanager, which has its own routes."""


class Escalation(Section):
    """Steps by severity. An acknowledgement stops what is still to come, a further call begins anew."""

    critical: tuple[EscalationStep, ...] = ()
    """For incidents that page."""
    warning: tuple[EscalationStep, ...] = ()
    """For incidents that make a ticket."""
    info: tuple[EscalationStep, ...] = ()
    """For incidents that only inform."""


class Maintenance(Section):
    """A time in which nobody is called; who would have been is called at its end, if the incident is still open."""

    starts: Moment
    """Its beginning, an ISO time with its zone."""
    ends: Moment
    """Its end."""
    repeats_us: Duration | None = Field(default=None, ge=3_600_000_000)
    """Again after this long, as ``7d``; without it the window comes once. Counted in UTC, without summer time."""
    systems: Names = ()
    """Only these systems; without any, all of them."""
    models: Names = ()
    """Only these models; without any, all of them."""
    reason: Name | None = None
    """Why, for those who read the settings."""

    @field_validator("ends")
    @classmethod
    def _after_start(cls, value: datetime, info: ValidationInfo) -> datetime:
        starts = info.data.get("starts")
        if starts is not None and value <= starts:
            raise mistake("the window ends before it starts", "Exchange starts and ends.")
        return value

    @field_validator("repeats_us")
    @classmethod
    def _longer_than_itself(cls, value: int | None, info: ValidationInfo) -> int | None:
        starts, ends = info.data.get("starts"), info.data.get("ends")
        if value is not None and starts and ends and (ends - starts).total_seconds() * 1_000_000 >= value:
            raise mistake("the window comes again before it is over", "Make it shorter, or repeats longer.")
        return value
