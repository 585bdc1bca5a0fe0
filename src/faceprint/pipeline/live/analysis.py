"""How the faces of a live view look, from frame to frame: calm numbers, in no more time than there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.media.axes import axes_of
from faceprint.media.video import Frame
from faceprint.pipeline.appearance import AnalysedFace, Pose
from faceprint.pipeline.live.analysis_tools import AnalysisTools, LiveWishes, usual_tools
from faceprint.pipeline.live.face_watch import WatchedFace
from faceprint.pipeline.live.outlines import Outlines
from faceprint.pipeline.live.pace import Pace
from faceprint.pipeline.live.parts import PartsInTurns
from faceprint.pipeline.live.steady import SteadyFace
from faceprint.pipeline.live.wording import live_words
from faceprint.types import Face

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["LiveAnalysis", "LiveFace"]

_LIVENESS_SHARE = 0.25
_APPEARANCE_SHARE = 0.15
"""Each takes at most this share of the time, so that the view stays live on any machine."""

_FORGET_S = 10.0
"""A face may be out of sight for this long and go on as before."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveFace:
    """How one face of a live view looks.

    Attributes:
        track: Number of its track.
        looks: Where it is in this frame, with landmarks, and what is told of it, smoothed over the track.
        outlines: Its parts where they are in this frame; empty until they have been looked for.
    """

    track: int
    looks: AnalysedFace
    outlines: Outlines

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values, places in pixels; `words` say the same for people.

        `axes` are how the head lies in the image; see `faceprint.media.axes.axes_of`.
        """
        looks = self.looks
        marks, pose, quality = looks.face.landmarks, looks.pose, looks.face.quality
        return {
            "landmarks": None if marks is None else np.round(marks.astype(float), 1).tolist(),
            "pose": None if pose is None else pose.to_dict(),
            "axes": None if pose is None else _axes(pose),
            "quality": None if quality is None else round(quality.score, 3),
            "liveness": None if looks.liveness is None else round(looks.liveness, 3),
            "parts": {
                name: [np.round(polygon).astype(int).ravel().tolist() for polygon in polygons]
                for name, polygons in self.outlines.items()
            },
            "appearance": looks.to_dict()["appearance"],
            "words": [list(row) for row in live_words(looks)],
        }


def _axes(pose: Pose) -> list[list[float]]:
    axes = axes_of(pose.yaw, pose.pitch, pose.roll).astype(float)
    rounded: list[list[float]] = np.round(axes, 3).tolist()
    return rounded


class LiveAnalysis:
    """Tells how the faces of one view look. For one thread at a time; keeps no picture.

    Pose and quality are told of every frame. What takes longer gets a share of the time; parts, which take
    longest, are looked for in a thread beside, and are carried along with the face until they are found anew.

    Args:
        tools: What it is told with.
    """

    def __init__(self, tools: AnalysisTools) -> None:
        self._tools = tools
        self._liveness = Pace(_LIVENESS_SHARE, tools.clock)
        self._appearance = Pace(_APPEARANCE_SHARE, tools.clock)
        self._parts = (
            None if tools.parse is None else PartsInTurns(tools.parse, tools.clock, tools.executor)
        )
        self._tracks: dict[int, SteadyFace] = {}

    @classmethod
    def of(cls, engine: Faceprint, wishes: LiveWishes) -> LiveAnalysis:
        """One with the models of an engine; loads them, so that the first frames need not wait."""
        return cls(usual_tools(engine, wishes))

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be told here, and why, in plain words."""
        return self._tools.notes

    @property
    def parts_s(self) -> float | None:
        """How long parsing took the last time, seconds; None if it has not run."""
        return None if self._parts is None else self._parts.took_s

    def look(self, frame: Frame, watched: Sequence[WatchedFace]) -> tuple[LiveFace, ...]:
        """How the faces of the next frame look, in their order.

        Raises:
            ModelError: A model cannot be run.
        """
        self._forget(frame.time_s)
        if not watched:
            return ()
        faces = self._tools.measure(frame.pixels, tuple(one.face for one in watched))
        tracks = tuple(self._tracks.setdefault(one.track, SteadyFace()) for one in watched)
        for face, track in zip(faces, tracks, strict=True):
            track.seen_s = frame.time_s
            if face.quality is not None:
                track.take_quality(face.quality, frame.time_s)
        self._take_pose(frame, faces, tracks)
        self._take_liveness(frame, faces, tracks)
        self._take_appearance(frame, faces, tracks)
        if self._parts is not None:
            self._parts.update(frame, faces, tracks)
        return tuple(
            LiveFace(one.track, track.looks(face), track.outlines_on(face))
            for one, face, track in zip(watched, faces, tracks, strict=True)
        )

    def _forget(self, time_s: float) -> None:
        self._tracks = {
            number: track
            for number, track in self._tracks.items()
            if time_s - track.seen_s <= _FORGET_S
        }

    def _take_pose(self, frame: Frame, faces: Sequence[Face], tracks: Sequence[SteadyFace]) -> None:
        if self._tools.pose is None:
            return
        (poses,) = self._tools.pose.estimate([frame.pixels], [faces])
        for track, pose in zip(tracks, poses, strict=True):
            track.take_pose(pose, frame.time_s)

    def _take_liveness(
        self, frame: Frame, faces: Sequence[Face], tracks: Sequence[SteadyFace]
    ) -> None:
        if self._tools.liveness is None or not self._liveness.due:
            return
        with self._liveness.timed():
            (scores,) = self._tools.liveness.score([frame.pixels], [faces])
        for track, score in zip(tracks, scores, strict=True):
            track.take_liveness(float(score), frame.time_s)

    def _take_appearance(
        self, frame: Frame, faces: tuple[Face, ...], tracks: Sequence[SteadyFace]
    ) -> None:
        if self._tools.appear is None or not self._appearance.due:
            return
        with self._appearance.timed():
            said = self._tools.appear(frame.pixels, faces)
        for track, looks in zip(tracks, said, strict=True):
            track.take_appearance(looks, frame.time_s)
