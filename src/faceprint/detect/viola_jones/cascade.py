"""A trained cascade, and the readable file that it is kept in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from faceprint.detect.viola_jones.haar import FEATURE_KINDS, WINDOW_PX, Feature
from faceprint.errors import ModelError, OutputError
from faceprint.files import write_whole

__all__ = [
    "Cascade",
    "Stage",
    "Stump",
    "cascade_text",
    "parse_cascade",
    "read_cascade",
    "write_cascade",
]

_FORMAT: Final = "faceprint cascade 1"
_SIDES_PX: Final = range(8, 65)
_HUGE: Final = float(np.finfo(np.float32).max)
"""Thresholds are float32."""
_RATES: Final = frozenset({"detection_rate", "false_positive_rate"})
_COUNTS: Final = frozenset({"positives", "negatives", "windows_seen"})
_TIMES: Final = frozenset({"seconds", "cpu_seconds"})


@dataclass(frozen=True, slots=True)
class Stump:
    """A weak classifier: one feature and a threshold.

    A window looks like a face to it where `polarity * response < polarity * threshold`.

    Attributes:
        feature: What it looks at.
        threshold: Of the response at a deviation of 1, float32.
        polarity: 1 where small responses mean a face, -1 where large ones do.
        weight: What its yes counts in the stage: the paper's alpha.
        error: The share of the training windows, by their weights, that it got wrong when it was chosen.
    """

    feature: Feature
    threshold: float
    polarity: int
    weight: float
    error: float


@dataclass(frozen=True, slots=True)
class Stage:
    """One classifier of the cascade: a window passes where the weights of its yeses reach the threshold.

    Attributes:
        stumps: In the order that they were chosen in.
        threshold: Lowered until enough faces pass.
        detection_rate: Share of the validation faces that passed the stages before and pass this.
        false_positive_rate: Share of the held-out backgrounds that passed the stages before and pass
            this; of those trained on where too few could be found.
        positives: Faces that it was trained on.
        negatives: Backgrounds that it was trained on.
        windows_seen: Windows that were scanned to find them.
        seconds: That it took, the search for backgrounds included.
        cpu_seconds: The same in seconds of one core.
    """

    stumps: tuple[Stump, ...]
    threshold: float
    detection_rate: float = 1.0
    false_positive_rate: float = 1.0
    positives: int = 0
    negatives: int = 0
    windows_seen: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Cascade:
    """Stages, one after the other; a window is a face where all of them let it pass.

    Attributes:
        stages: The first is the fastest.
        side_px: Side of the window.
        features: How many features of each kind there were to choose from.
        trained_on: In words.
        min_score: Detector score that keeps false finds on validation photos within what was asked.
    """

    stages: tuple[Stage, ...]
    side_px: int = WINDOW_PX
    features: Mapping[str, int] | None = None
    trained_on: str = ""
    min_score: float = 0.5

    @property
    def stumps(self) -> tuple[Stump, ...]:
        """Those of all stages."""
        return tuple(stump for stage in self.stages for stump in stage.stumps)

    def first(self, stages: int) -> Cascade:
        """The cascade of its first stages."""
        return replace(self, stages=self.stages[:stages])


def cascade_text(cascade: Cascade) -> str:
    """A cascade as readable JSON: one line for each weak classifier."""
    head = {
        "format": _FORMAT,
        "side_px": cascade.side_px,
        "features": dict(cascade.features or {}),
        "trained_on": cascade.trained_on,
        "min_score": cascade.min_score,
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    stages = ",\n".join(_stage_text(stage) for stage in cascade.stages)
    return "\n".join(["{", *lines, ' "stages": [', *([stages] if stages else []), " ]", "}", ""])


def _stage_text(stage: Stage) -> str:
    record = asdict(stage)
    stumps = record.pop("stumps")
    lines = [f"   {json.dumps(key)}: {json.dumps(value)}," for key, value in record.items()]
    inner = ",\n".join(f"    {json.dumps(_stump_record(stump))}" for stump in stumps)
    return "\n".join(["  {", *lines, '   "stumps": [', inner, "   ]", "  }"])


def _stump_record(stump: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in stump.items() if key != "feature"}
    return {**stump["feature"], **rest}


def write_cascade(path: Path, cascade: Cascade) -> None:
    """Writes `cascade_text`, whole or not at all.

    Raises:
        OutputError: The disk refuses.
    """
    try:
        write_whole(path, cascade_text(cascade).encode())
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}. Make room, or choose another folder."
        ) from error


def read_cascade(path: Path) -> Cascade:
    """Reads what `write_cascade` wrote.

    Raises:
        ModelError: It cannot be read, or is no cascade.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}. Get it again.") from error
    return parse_cascade(text, name=str(path))


def parse_cascade(text: str, *, name: str = "the cascade") -> Cascade:
    """A cascade from its text.

    Args:
        text: As `cascade_text` gives it.
        name: What to call it in errors.

    Raises:
        ModelError: It is no cascade.
    """
    try:
        return _cascade(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        why = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(
            f"{name} is no cascade of faceprint: {why}. Expected a file as faceprint train writes it."
        ) from error


def _cascade(record: Mapping[str, Any]) -> Cascade:
    if record["format"] != _FORMAT:
        raise ValueError(f"format should be {_FORMAT!r}, got {record['format']!r}")
    side_px = _whole(record, "side_px", _SIDES_PX[0])
    if side_px not in _SIDES_PX:
        raise ValueError(f"side_px {side_px} is not between {_SIDES_PX[0]} and {_SIDES_PX[-1]}")
    stages = tuple(_stage(one, side_px) for one in record["stages"])
    if not stages:
        raise ValueError("it has no stage, and would take everything for a face")
    features = record["features"]
    counts = {str(kind): _whole(features, kind) for kind in features}
    return Cascade(
        stages, side_px, counts, str(record["trained_on"]), _number(record, "min_score", 0, 1)
    )


def _stage(record: Mapping[str, Any], side_px: int) -> Stage:
    rest = {key: value for key, value in record.items() if key != "stumps"}
    stumps = tuple(_stump(one, side_px) for one in record["stumps"])
    if not stumps:
        raise ValueError("a stage needs stumps, got none")
    stage = Stage(stumps, **rest)
    _number(record, "threshold")
    for key in _RATES & rest.keys():
        _number(record, key, 0, 1)
    for key in _COUNTS & rest.keys():
        _whole(record, key)
    for key in _TIMES & rest.keys():
        _number(record, key, 0)
    return stage


def _stump(record: Mapping[str, Any], side_px: int) -> Stump:
    kind = str(record["kind"])
    if kind not in FEATURE_KINDS:
        raise ValueError(f"kind should be one of {', '.join(FEATURE_KINDS)}, got {kind!r}")
    x, y, width, height = (_whole(record, key) for key in ("x", "y", "width", "height"))
    cells = FEATURE_KINDS[kind]
    inside = x + width <= side_px and y + height <= side_px
    whole = min(width, height) > 0 and width % len(cells[0]) == 0 and height % len(cells) == 0
    if not inside or not whole:
        raise ValueError(f"no feature of a window of {side_px} pixels: {dict(record)}")
    polarity = _whole(record, "polarity", -1)
    if polarity not in (1, -1):
        raise ValueError(f"polarity should be 1 or -1, got {polarity}")
    return Stump(
        Feature(kind, x, y, width, height),
        _number(record, "threshold"),
        polarity,
        _number(record, "weight"),
        _number(record, "error"),
    )


def _whole(record: Mapping[str, Any], key: str, least: int = 0) -> int:
    value = record[key]
    if type(value) is not int or value < least:
        raise ValueError(f"{key} should be a whole number from {least} on, got {value!r}")
    return value


def _number(
    record: Mapping[str, Any], key: str, least: float = -_HUGE, most: float = _HUGE
) -> float:
    value = record[key]
    # Written so that NaN is refused; True and False are no numbers here.
    if type(value) not in (int, float) or not least <= value <= most:
        raise ValueError(f"{key} should be a number from {least:g} to {most:g}, got {value!r}")
    return float(value)
