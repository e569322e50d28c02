"""``systems[].models[]``: one model, what its events carry, and how it is judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from config.section import Duration, InputFile, Label, Labels, Name, Section, at_least, mistake
from config.settings.thresholds import Threshold
from config.units import DAY_US, SECOND_US

TaskName = Literal["binary", "multiclass", "regression"]
ColumnType = Literal["number", "category"]

MAX_CLASSES = 1000
MAX_GROUPS = 100
OWN_COLUMNS = ("prediction", "score")
"""Names under which the answer of a model itself is watched; no feature may bear one of them."""


def _short(key: str, form: Any) -> BeforeValidator:
    """Allow a section to be written as the value of its most important key, which has this form."""

    def expand(value: object) -> object:
        return {key: value} if isinstance(value, str | list | tuple) else value

    return BeforeValidator(expand, json_schema_input_type=form)


def _of_a_feature(name: str) -> str:
    if name in OWN_COLUMNS:
        raise mistake(
            f"{name!r} is what the model's own {name} is watched as",
            f"Rename the feature through a mapping, as in features.input_{name}: $.features.{name}.",
        )
    return name


FeatureName = Annotated[Name, AfterValidator(_of_a_feature)]


class Column(Section):
    """One feature. The short form ``income: number`` sets the type alone."""

    type: ColumnType
    """``number`` or ``category``; never guessed at run time."""
    required: bool = True
    """Whether a missing value is a flaw of the data."""
    enabled: bool = True
    """``false`` leaves the column out of everything."""
    minimum: float | None = None
    """Lower end of the operating envelope, inclusive."""
    maximum: float | None = None
    """Upper end of the operating envelope, inclusive."""
    levels: Labels | None = None
    """All levels a category may have; any other one is a violation."""
    median: float | None = None
    """Centre of exact sums where there is no reference."""
    iqr: float | None = Field(default=None, gt=0)
    """Interquartile range, the scale of exact sums, where there is no reference or its range is 0."""

    @field_validator("minimum", "maximum", "median", "iqr")
    @classmethod
    def _numbers_only(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value is not None and info.data.get("type") == "category":
            raise mistake("this belongs to numbers, the column is a category", "Remove it, or set type: number.")
        return value

    @field_validator("maximum")
    @classmethod
    def _ordered(cls, value: float | None, info: ValidationInfo) -> float | None:
        minimum = info.data.get("minimum")
        if value is not None and minimum is not None and value <= minimum:
            raise mistake(f"{value:g} is not above the minimum {minimum:g}", "Swap or widen them.")
        return value

    @field_validator("levels")
    @classmethod
    def _categories_only(cls, value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        if value is not None and info.data.get("type") == "number":
            raise mistake("levels belong to categories, the column is a number", "Remove them, or set type: category.")
        if value is not None:
            _distinct(value)
        return value


class Protected(Section):
    """A protected attribute. The short form ``sex: [F, M]`` sets the groups alone."""

    groups: Annotated[Labels, at_least(2), Field(max_length=MAX_GROUPS)]
    """The groups that are compared; other values are counted as not declared."""
    best: Label | None = None
    """The group all others are compared with; without it the worst is compared with the best."""

    @field_validator("groups")
    @classmethod
    def _distinct_groups(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _distinct(value)

    @field_validator("best")
    @classmethod
    def _one_of_the_groups(cls, value: str | None, info: ValidationInfo) -> str | None:
        groups = info.data.get("groups", ())
        if value is not None and groups and value not in groups:
            raise mistake(f"{value!r} is not one of the groups", f"Choose one of: {', '.join(groups)}.")
        return value


class Segments(Section):
    """Judge parts of the traffic as streams of their own. The short form ``segments: country`` sets ``by`` alone."""

    by: Name
    """Name under ``segment`` in the events, as ``country`` for ``segment.country``."""
    max: int = Field(default=20, ge=1, le=1000)
    """Most segments watched; events of later ones count for the whole model only."""


class LabelSettings(Section):
    """The truth comes: with the event, or later as label events. ``labels: {}`` takes the defaults."""

    horizon_us: Duration = 7 * DAY_US
    """How long after its window a label may still come; then performance and bias are judged, once."""
    min_coverage: float = Field(default=0.8, ge=0, le=1)
    """Least share of predictions with a label at the horizon, below which nothing is decided."""
    min_group_coverage: float = Field(default=0.7, ge=0, le=1)
    """The same for each predicted class and each judged group."""
    in_event: bool = False
    """Whether inference events themselves carry the label."""


class Window(Section):
    """Event-time windows, aligned to 1970-01-01T00:00Z."""

    length_us: Duration = DAY_US
    """Length of a window."""
    slide_us: Duration = Field(default_factory=lambda data: data.get("length_us", DAY_US))
    """Distance between window starts; without it, the length: windows then do not overlap."""
    offset_us: Duration = 0
    """Shift of all windows, as ``6h`` for days that begin at 06:00 UTC."""
    min_events: int | None = Field(default=None, ge=1)
    """Count window: the shortest run of whole panes with this many events; ``length`` then only fixes the pane."""

    @field_validator("length_us", "slide_us")
    @classmethod
    def _whole_seconds(cls, value: int) -> int:
        if value <= 0 or value % SECOND_US:
            raise mistake("a window is made of whole seconds", "Write at least 1s, as in 1h or 1d.")
        return value

    @field_validator("slide_us")
    @classmethod
    def _divides_length(cls, value: int, info: ValidationInfo) -> int:
        length = info.data.get("length_us")
        if length is not None and length % value:
            raise mistake("slide does not divide length", "Choose one that fits a whole number of times, as 6h in 1d.")
        return value

    @field_validator("offset_us")
    @classmethod
    def _within_slide(cls, value: int, info: ValidationInfo) -> int:
        slide = info.data.get("slide_us")
        if slide is not None and value >= slide:
            raise mistake("offset is not below slide", "A shift by a whole slide changes nothing: write the remainder.")
        if value % SECOND_US:
            raise mistake("a window is made of whole seconds", "Write the offset in seconds or more.")
        return value


class VersionOverride(Section):
    """What one version has of its own. The short form ``"3.1": file`` sets the reference alone."""

    reference: InputFile
    """Reference of this version."""


class Model(Section):
    """One model."""

    name: Name
    """As the events give it in ``model.name``."""
    task: TaskName
    """``binary``, ``multiclass`` or ``regression``."""
    classes: Annotated[Labels, Field(max_length=MAX_CLASSES, validate_default=True)] = ()
    """All classes, in the order that reports shall use; none for a regression."""
    positive: Label | None = Field(default=None, validate_default=True)
    """The positive class of a binary model: the one whose probability is ``score``."""
    favourable: Label | None = None
    """The class that is the good outcome for the person concerned; without it the positive one."""
    scored: bool | None = None
    """Whether events carry ``score`` (binary) or ``scores`` (multi-class); without it, as the reference has it."""
    reference: InputFile | None = None
    """File written by ``wachter reference build``; without it relative findings are ``no_reference``."""
    versions: dict[Name, Annotated[VersionOverride, _short("reference", str | VersionOverride)]] = Field(
        default_factory=dict
    )
    """Overrides by model version."""
    columns: dict[FeatureName, Annotated[Column, _short("type", ColumnType | Column)]] = Field(default_factory=dict)
    """Features by name, as under ``features`` in the events; ``prediction`` and ``score`` are names of the model's own."""
    protected: dict[Name, Annotated[Protected, _short("groups", tuple[str | bool | int, ...] | Protected)]] = Field(
        default_factory=dict
    )
    """Protected attributes by name, as under ``protected`` in the events; used for bias only."""
    intersections: tuple[tuple[Name, ...], ...] = ()
    """Combinations of protected attributes whose groups are compared too."""
    segments: Annotated[Segments, _short("by", str | Segments)] | None = None
    """Parts of the traffic that are judged on their own."""
    labels: LabelSettings | None = None
    """Ground truth; without this section no label is expected."""
    window: Window = Window()
    """The windows that are judged."""
    thresholds: dict[Name, Threshold] = Field(default_factory=dict)
    """Overrides for this model, by metric."""
    detectors: dict[Name, bool] = Field(default_factory=dict)
    """Families switched off (``drift: false``); all are on."""
    baseline: dict[Name, float] = Field(default_factory=dict)
    """Stated values of performance metrics of the task, used where there is no reference."""
    expected_silence_us: Duration | None = None
    """No event for longer than this is a finding; without it, four times the reference's longest gap."""
    subjects: bool = False
    """Whether events carry ``subject_ref``: intervals then allow for several events of one person."""
    min_publish: int = Field(default=10, ge=1)
    """Groups with fewer events are not shown."""
    min_decide: int = Field(default=100, ge=1)
    """Rates of groups with a smaller denominator are not judged."""

    @field_validator("classes")
    @classmethod
    def _classes_fit_task(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        task = info.data.get("task")
        if task == "regression" and value:
            raise mistake("a regression has no classes", "Remove them.")
        if task == "binary" and len(value) != 2:
            raise mistake(f"a binary model has 2 classes, not {len(value)}", "Write both, as [reject, approve].")
        if task == "multiclass" and len(value) < 2:
            raise mistake("a multi-class model needs its classes", "List them all.")
        return _distinct(value)

    @field_validator("positive")
    @classmethod
    def _positive_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        task = info.data.get("task")
        if task == "binary" and value is None:
            raise mistake("a binary model needs its positive class", "Write the class that score speaks of.")
        if task in ("multiclass", "regression") and value is not None:
            raise mistake(f"a {task} model has no positive class", "Remove it; favourable names the good outcome.")
        return value

    @field_validator("favourable")
    @classmethod
    def _favourable_fits(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("task") == "regression":
            raise mistake("a regression has no favourable class", "Remove it; groups are compared by their residuals.")
        return value

    def enabled_columns(self) -> dict[str, Column]:
        """The monitored features."""
        return {name: column for name, column in self.columns.items() if column.enabled}

    def watches(self, family: str) -> bool:
        """Whether a detector family is on for this model."""
        return self.detectors.get(family, True)


def _distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    seen: set[str] = set()
    for item in value:
        if item in seen:
            raise mistake(f"{item!r} is listed twice", "Keep one.")
        seen.add(item)
    return value
