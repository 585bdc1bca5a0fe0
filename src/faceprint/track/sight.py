"""What a tracker sees of each frame: cuts, and where faces went since the frame before."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np

from faceprint.track.cuts import CutDetector
from faceprint.track.flow import Followed, follow, patterns_of
from faceprint.track.state import Track
from faceprint.types import FloatArray, Image

__all__ = ["Sight"]

_FLOW_PX = 640
_CUTS_KEPT = 10_000
_GAP_S = 2.0
"""After so long without a frame a place says nothing."""

_PATTERN = 0.3
"""Correlation with how a face looked when last detected, below which it looks odd."""

_ODD_FRAMES = 2
"""Frames in a row after which what looks odd and was not detected is no longer that face."""


class Sight:
    """The frames of a video, one after the other.

    Attributes:
        shot: Counted from 0; a new one begins at each cut, and after a gap in time.
        cuts: Times of the last 10,000 cuts.
    """

    def __init__(self) -> None:
        self.shot = 0
        self.cuts: deque[float] = deque(maxlen=_CUTS_KEPT)
        self._cut_detector = CutDetector()
        self._grey: Image = np.zeros((0, 0), dtype=np.uint8)
        self._scale = 1.0
        self._time_s = 0.0

    def advance(self, pixels: Image, time_s: float, tracks: Sequence[Track]) -> None:
        """Takes the next frame, and moves tracks to where their faces went; at a cut they are lost."""
        scale = min(1.0, _FLOW_PX / max(pixels.shape[:2]))
        small = _shrunk(pixels, scale)
        before, self._grey = (
            self._grey,
            np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8),
        )
        passed_s, self._time_s = time_s - self._time_s, time_s
        self._scale = scale
        cut = self._cut_detector.is_cut(small)
        if cut:
            self.cuts.append(time_s)
        if cut or passed_s > _GAP_S:
            self.shot += 1
            for track in tracks:
                track.lose()
            return
        active = [track for track in tracks if not track.lost]
        if before.shape == self._grey.shape and active:
            self._follow(before, active, passed_s)

    def patterns(self, boxes: FloatArray) -> FloatArray:
        """How boxes of this frame look: (N, L) float32; see `patterns_of`."""
        return patterns_of(self._grey, boxes, scale=self._scale)

    def _follow(self, before: Image, tracks: Sequence[Track], passed_s: float) -> None:
        boxes = np.stack([track.face.box for track in tracks])
        went = follow(before, self._grey, boxes, scale=self._scale)
        patterns = self.patterns(went.boxes)
        for index, track in enumerate(tracks):
            odd = track.misses > 0 and float(patterns[index] @ track.pattern) < _PATTERN
            track.odd = track.odd + 1 if odd else 0
            track.adrift = not went.found[index] or track.odd >= _ODD_FRAMES
            if track.adrift:
                track.place(track.points + (track.speed * passed_s).astype(np.float32))
            else:
                _carry(track, went, index, passed_s)


def _carry(track: Track, went: Followed, index: int, passed_s: float) -> None:
    """Moves a track, and what its filter remembers: movement that was seen is no jitter."""
    track.note_shift(went.shifts[index], passed_s)
    track.place(went.move(index, track.points))
    if track.filter is not None:
        track.filter.carry(lambda values: went.move(index, values.reshape(-1, 2)).ravel())


def _shrunk(pixels: Image, scale: float) -> Image:
    if scale == 1:
        return pixels
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
