"""What is known of how one face looks, calm from frame to frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from faceprint.attributes.records import age_band
from faceprint.pipeline.appearance import AnalysedFace, EstimatedAge, Pose
from faceprint.pipeline.live.outlines import Outlines, anchor_of, carry
from faceprint.track.smoothing import OneEuro, SmoothingOptions
from faceprint.types import Face, FloatArray, Quality

__all__ = ["SteadyFace"]

_POSE: Final = SmoothingOptions(rest_hz=1.5, per_speed=6.0)
_POSE_SIZE_DEG = 45.0
"""Speeds of turning are measured in it, as those of places are in face widths."""

_QUALITY: Final = SmoothingOptions(rest_hz=1.0, per_speed=0.0)
_LIVENESS: Final = SmoothingOptions(rest_hz=0.5, per_speed=0.0)
_APPEARANCE: Final = SmoothingOptions(rest_hz=0.2, per_speed=0.0)

_NOTHING: Final[Outlines] = MappingProxyType({})


class SteadyFace:
    """What is known of one track; changed from frame to frame.

    Attributes:
        seen_s: When it was last in view.
        parsed_s: When it was last parsed; minus infinity before that.
    """

    def __init__(self) -> None:
        self.seen_s = self.parsed_s = float("-inf")
        self._pose: Pose | None = None
        self._quality: Quality | None = None
        self._liveness: float | None = None
        self._appearance: AnalysedFace | None = None
        self._filters: dict[str, OneEuro] = {}
        self._outlines = _NOTHING
        self._anchor: FloatArray | None = None

    def take_pose(self, pose: FloatArray, time_s: float) -> None:
        """Takes the pose of this frame: (3,) float32 degrees, NaN where it is not known."""
        if np.isnan(pose).any():
            self._filters.pop("pose", None)
            self._pose = None
            return
        smoothed = self._smooth("pose", _POSE, pose, time_s, size=_POSE_SIZE_DEG)
        self._pose = Pose(*smoothed.tolist())

    def take_quality(self, quality: Quality, time_s: float) -> None:
        """Takes the quality of this frame, but for what only embedders know of it."""
        values = np.array(astuple(replace(quality, embedding=0.0))[:-1], dtype=np.float32)
        self._quality = Quality(*self._smooth("quality", _QUALITY, values, time_s).tolist())

    def take_liveness(self, score: float, time_s: float) -> None:
        """Takes a score of the passive check."""
        value = np.array([score], dtype=np.float32)
        self._liveness = float(self._smooth("liveness", _LIVENESS, value, time_s)[0])

    def take_appearance(self, looks: AnalysedFace, time_s: float) -> None:
        """Takes estimates of age, gender and emotion, of the same models each time."""

        def smooth(what: str, values: list[float]) -> list[float]:
            given = np.array(values, dtype=np.float32)
            smoothed: list[float] = self._smooth(what, _APPEARANCE, given, time_s).tolist()
            return smoothed

        female = looks.female_probability
        names = sorted(looks.emotion)
        shares = smooth("emotion", [looks.emotion[name] for name in names])
        order = sorted(zip(names, shares, strict=True), key=lambda pair: -pair[1])
        self._appearance = replace(
            looks,
            age=None if looks.age is None else _smooth_age(looks.age, smooth),
            female_probability=None if female is None else smooth("gender", [female])[0],
            emotion=MappingProxyType(dict(order)),
        )

    def looks(self, face: Face) -> AnalysedFace:
        """What is known of the face, which is where it is in this frame."""
        told = self._appearance or AnalysedFace(face, None, None, MappingProxyType({}))
        weighed = replace(face, quality=self._quality)
        return replace(told, face=weighed, pose=self._pose, liveness=self._liveness)

    def take_outlines(self, outlines: Outlines, face: Face, time_s: float) -> None:
        """Takes the parts of the face as it is in this frame."""
        self._outlines, self._anchor, self.parsed_s = outlines, anchor_of(face), time_s

    def outlines_on(self, face: Face) -> Outlines:
        """The parts where the face is now; empty before it is parsed."""
        now = anchor_of(face)
        if self._anchor is None or self._anchor.shape != now.shape:
            return _NOTHING
        return carry(self._outlines, self._anchor, now)

    def _smooth(
        self,
        what: str,
        options: SmoothingOptions,
        values: FloatArray,
        time_s: float,
        *,
        size: float = 1.0,
    ) -> FloatArray:
        return self._filters.setdefault(what, OneEuro(options)).smooth(values, time_s, size=size)


def _smooth_age(
    age: EstimatedAge, smooth: Callable[[str, list[float]], list[float]]
) -> EstimatedAge:
    if age.low is None or age.high is None:
        (years,) = smooth("age", [age.years])
        return EstimatedAge(years, None, None, age_band(years))
    years, low, high = smooth("age", [age.years, age.low, age.high])
    return EstimatedAge(years, low, high, age_band(years))
