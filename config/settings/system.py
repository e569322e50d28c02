"""``systems``: what is watched, and on whose behalf."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ValidationInfo, field_validator

from config.section import Duration, Name, Section, at_least, mistake
from config.settings.model import Model
from config.units import MICROSECONDS, format_duration


class System(Section):
    """One AI system: a purpose, an owner, one or more models."""

    id: Name
    """As the events give it in ``system_id``."""
    owner: Name
    """Who answers for the system; shown with every incident."""
    purpose: Name
    """Intended purpose, in a sentence."""
    risk_class: Literal["minimal", "limited", "high", "unacceptable"] | None = None
    """Risk class under the EU AI Act, where it was determined."""
    supplier: Name | None = None
    """Who supplies the system, where it was bought."""
    lateness_us: Duration = 10 * MICROSECONDS["m"]
    """How much later than its time an event may come and still be counted in its window."""
    models: Annotated[tuple[Model, ...], at_least(1)]
    """The models of the system."""

    @field_validator("models")
    @classmethod
    def _longer_than_lateness(cls, value: tuple[Model, ...], info: ValidationInfo) -> tuple[Model, ...]:
        lateness = info.data.get("lateness_us")
        for model in value:
            if lateness is not None and lateness >= model.window.length_us:
                raise mistake(
                    f"lateness {format_duration(lateness)} is not below the window of {model.name!r}, "
                    f"{format_duration(model.window.length_us)}",
                    "Shorten lateness or lengthen the window.",
                )
        return value
