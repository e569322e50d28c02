"""One snapshot with something of everything in it, for goldens, servers and real parts."""

from __future__ import annotations

import math

from detectors.columns import ModelKey, StreamKey
from detectors.measurement import Measurement, Stage, Status, Track
from exporters.snapshot import (
    OTHER,
    Bound,
    Build,
    ColumnCount,
    Counters,
    DiskStatus,
    IncidentView,
    LogStatus,
    ModelFacts,
    PartitionStatus,
    ReceiverStatus,
    Result,
    Snapshot,
    SourceStatus,
    StreamStatus,
    SystemFacts,
    Timing,
    WindowResults,
)

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
MODEL = ModelKey("credit-scoring", "credit", "3.1")
STREAM = StreamKey(*MODEL)

DRIFT = Result(
    "drift",
    Measurement(
        "js_distance", "income", 0.21, n=5000, lower=0.18, upper=0.24, effect=0.21, effect_lower=0.18, effect_upper=0.24,
        expected=0.035, baseline=0.0,
    ),
    status=Status.WARNING,
    reason="above_tolerance",
    tolerance=0.1,
    track=Track.HEALTH,
)  # fmt: skip
PSI = Result("drift", Measurement("psi", "income", 0.19, n=5000))
VOLUME = Result("service", Measurement("volume", "", 5000.0, n=5000))
GROUP_RATE = Result("bias", Measurement("selection_rate", "sex=F", 0.4, n=2100), status=Status.OK, tolerance=0.1)
AUC = Result(
    "performance",
    Measurement("roc_auc", reason="too_few_labels", n=12, baseline=0.75),
    status=Status.INSUFFICIENT_DATA,
    reason="too_few_labels",
    tolerance=0.02,
    track=Track.HARM,
)
EARLY_AUC = Result("performance", Measurement("roc_auc", value=0.7, n=400, baseline=0.75))

WINDOWS = (
    WindowResults(
        Stage.WINDOW,
        NOW_US - DAY_US,
        NOW_US,
        (DRIFT, PSI, VOLUME, GROUP_RATE),
        cells=(
            ColumnCount("income", None, "missing", 7),
            ColumnCount("income", 10_000.0, "", 900),
            ColumnCount("income", math.inf, "", 4993),
        ),
    ),
    WindowResults(Stage.LABELS, NOW_US - 9 * DAY_US, NOW_US - 8 * DAY_US, (AUC,), partial=True),
    WindowResults(Stage.LABELS, NOW_US - DAY_US, NOW_US, (EARLY_AUC,), provisional=True),
)

INCIDENT = IncidentView(
    id="h-3f2a9c1b-2",
    stream=STREAM,
    track=Track.HEALTH,
    severity="warning",
    state="open",
    headline="income of credit-scoring/credit/3.1 drifted: JS distance 0.21 (0.18 to 0.24); tolerance 0.1",
    opened_us=NOW_US,
    explanation=("js_distance income 0.21 (0.18 to 0.24)",),
    record={"id": "h-3f2a9c1b-2", "state": "open", "findings": []},
)

SNAPSHOT = Snapshot(
    build=Build("0.1.0", "3.11.2", "abc1234"),
    at_us=NOW_US,
    started_us=NOW_US - DAY_US,
    not_ready="",
    counters=Counters(
        received=110,
        accepted=100,
        rejected={"bad_json": 4, "no_mapping": 0},
        duplicates=3,
        late=3,
        conflicts=1,
        labels={"joined": 40},
    ),
    source=SourceStatus(
        "reading",
        partitions=(
            PartitionStatus("events", 0, 51, 2, NOW_US - 1_000_000),
            PartitionStatus("events", 1, 60, None, None, paused=True),
        ),
    ),
    systems=(SystemFacts("credit-scoring", "risk team", "in-house", "high", NOW_US - 600_000_000),),
    models=(ModelFacts(MODEL, "binary", "9f3c2d1a", "77aa00bb", 100, 2, NOW_US - 1_000_000),),
    overflow={
        StreamKey("credit-scoring", "credit", OTHER): 7,
        StreamKey("credit-scoring", "credit", "*", OTHER): 5,
    },
    streams=(
        StreamStatus(
            STREAM,
            WINDOWS,
            z=3.2,
            evaluations={Status.OK: 5, Status.WARNING: 1},
            calls={Track.HEALTH: 1},
            windows_closed=2,
        ),
    ),
    incidents=(INCIDENT,),
    steps=Timing().observe(0.004).observe(0.3).observe(11.0),
    last_step_us=NOW_US,
    bounds=(Bound("open_panes", 3, 72, 0),),
    state_bytes={"database": 40_960},
    disks={"log": DiskStatus(20_000_000, 9_000_000), "state": DiskStatus(10_000_000, 4_000_000)},
    log=LogStatus(240, 81_920, 200, NOW_US - 5_000_000, "", 1),
    receivers=(ReceiverStatus("oncall", 1, 0, NOW_US - 2_000_000, {"delivered": 4}),),
)
