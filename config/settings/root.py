"""The whole file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.mapping import Mapping
from config.section import KEYS, Duration, Name, at_least
from config.settings.escalation import Escalation, Maintenance
from config.settings.log import LogSettings
from config.settings.page import PageSettings
from config.settings.receivers import Receiver
from config.settings.service import Exposition, Limits, Listen, StateSettings
from config.settings.source import Source
from config.settings.system import System
from config.settings.thresholds import Severities, Threshold
from config.units import DAY_US


class Settings(BaseSettings):
    """Everything an operator may set. Made by ``load``, or from a plain mapping by ``from_mapping``."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=KEYS,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
        validate_default=False,
        title="Wachter settings",
    )

    source: Annotated[Source, Field(discriminator="type")]
    """Where events come from."""
    mappings: tuple[Mapping, ...] = ()
    """How foreign JSON becomes events; without any, events are native."""
    systems: Annotated[tuple[System, ...], at_least(1)]
    """What is watched."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Overrides for all models, by metric."""
    false_alarm_budget: float = Field(default=0.1, gt=0, le=100)
    """Tolerated false alarms per 30 days and stream."""
    severities: Severities = Severities()
    """How loud each track is."""
    receivers: tuple[Annotated[Receiver, Field(discriminator="type")], ...] = ()
    """Who is told about incidents."""
    escalation: Escalation = Escalation()
    """Who is told when, by severity. Receivers that it does not name are told at once of everything."""
    maintenance: tuple[Maintenance, ...] = ()
    """Times in which nobody is called."""
    listen: Listen = Listen()
    """Where metrics are served."""
    state: StateSettings = StateSettings()
    """What must survive a restart."""
    log: LogSettings = LogSettings()
    """The event log, tamper-evident."""
    limits: Limits = Limits()
    """Bounds."""
    exposition: Exposition = Exposition()
    """What metrics show."""
    page: PageSettings = PageSettings()
    """What the pages for people show."""
    retire_after_us: Duration = 14 * DAY_US
    """A stream without events for this long is retired."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed: ``load`` adds the file, the environment and the secrets itself, on purpose."""
        return (init_settings,)
