"""Family ``representativeness``: are the people that the model is asked about those of the reference? Named after ISO/IEC
5259-2.

    group_share_shift   per protected attribute and declared intersection: the largest change of a group's share

Shares are of the predictions that name a declared group, so an attribute that goes missing is no shift. With p and q the
shares of a group in window and reference, Wilson's intervals of both are joined by MOVER (Newcombe 1998, method 10) at the
quantile of z shared by all groups (Bonferroni), and |p - q| is judged: the largest lower limit of any group.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.estimates import Estimate, corrected_z, difference
from detectors.family import Frame
from detectors.group_rates import of_groups
from detectors.groups import Groups
from detectors.measurement import Measurement, Rule, Stage, Track
from detectors.readings import Scale
from detectors.reasons import NO_GROUPS, NO_REFERENCE, TOO_FEW_SUBJECTS
from detectors.tables import Tables

Ints = NDArray[np.int64]

SHIFT = "group_share_shift"


@dataclass(frozen=True, slots=True)
class Representativeness:
    """Compares the shares of groups with the reference; stateless. A model without declared groups yields nothing."""

    name: str = "representativeness"
    tallies: tuple[Groups, ...] = (Groups(),)
    measures: tuple[str, ...] = (SHIFT,)
    rules: tuple[Rule, ...] = (Rule(SHIFT, "representativeness", Track.HEALTH, 0.1, 2, 2, 200, auto=True),)

    def measure(self, window: Tables, frame: Frame) -> Iterator[Measurement]:
        """One measurement per group set."""
        if frame.stage is not Stage.WINDOW:
            return
        for index in range(len(frame.layout.groups)):
            here, there = _counts(window, frame, index), _counts(frame.reference, frame, index)
            if here is not None and here.any():
                yield _measure(here, there, frame, index)


def _counts(side: Tables | None, frame: Frame, index: int) -> Ints | None:
    """(B, G) predictions per sub-table and declared group of one set."""
    if side is None or "groups.predictions" not in side:
        return None
    return np.asarray(of_groups(side.ints("groups.predictions"), frame.layout, index).sum(axis=-1))


def _measure(here: Ints, there: Ints | None, frame: Frame, index: int) -> Measurement:
    declared, n = frame.layout.groups[index], int(here.sum())
    if there is None or not there.any():
        return Measurement(SHIFT, declared.name, reason=NO_REFERENCE if there is None else NO_GROUPS, n=n)
    phi = frame.inflation(SHIFT, declared.name)
    scale = Scale(corrected_z(frame.z, here.shape[1]), frame.inflation, frame.layout.subjects)
    now, before = _shares(here, scale, phi), _shares(there, scale, phi)
    shift = _size(difference(now, before))
    most = int(np.argmax(shift.value))
    if np.isnan(shift.lower).any():
        return Measurement(SHIFT, declared.name, value=float(shift.value[most]), reason=TOO_FEW_SUBJECTS, n=n)
    value, lower, upper = float(shift.value[most]), float(shift.lower.max()), float(shift.upper.max())
    return Measurement(
        SHIFT,
        declared.name,
        value=value,
        n=n,
        lower=lower,
        upper=upper,
        effect=value,
        effect_lower=lower,
        effect_upper=upper,
        detail=(("group", f"{' x '.join(declared.groups[most])}: {before.value[most]:.3f} to {now.value[most]:.3f}"),),
    )


def _shares(counts: Ints, scale: Scale, phi: float) -> Estimate:
    """(G,) share of each group."""
    return scale.rate(counts, np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape), phi)


def _size(signed: Estimate) -> Estimate:
    """The absolute value; its lower limit is 0 where the interval holds 0."""
    lower = np.maximum(np.maximum(signed.lower, -signed.upper), 0.0)
    return Estimate(np.abs(signed.value), lower, np.maximum(-signed.lower, signed.upper))
