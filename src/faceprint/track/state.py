"""What a tracker knows of one face."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from faceprint.track.flow import PATTERN_LENGTH
from faceprint.track.smoothing import OneEuro
from faceprint.types import Face, FloatArray

__all__ = ["LOOKS_AT", "Track"]

LOOKS_AT = (2, 5, 12)
"""The detections of a track, by number, at which an embedding is asked for to know it by later."""

_SPEED_KEPT = 0.5


@dataclass(slots=True, eq=False)
class Track:
    """What is known of one face; changed in place from frame to frame.

    Attributes:
        track_id: Its number.
        face: Where it is, not smoothed.
        seen_s: When it was last detected, seconds.
        filter: What smooths it, if anything.
        shot: Number of the shot in which it was last detected.
        hits: How often it was detected.
        misses: How often it was not, since it last was.
        lost: Whether only its looks are known, not its place.
        adrift: Whether it could not be followed into this frame: its place is a guess.
        odd: In how many frames in a row it did not look as when last detected.
        clear: Whether its looks are of clear detections.
        speed: (2,) float32, pixels per second.
        pattern: (L,) float32, how it looked when last detected; see `patterns_of`.
        looks: Embeddings, (D,) float32 each.
    """

    track_id: int
    face: Face
    seen_s: float
    filter: OneEuro | None
    shot: int
    hits: int = 0
    misses: int = 0
    lost: bool = False
    adrift: bool = False
    odd: int = 0
    clear: bool = False
    speed: FloatArray = field(default_factory=lambda: np.zeros(2, dtype=np.float32))
    pattern: FloatArray = field(default_factory=lambda: np.zeros(PATTERN_LENGTH, dtype=np.float32))
    looks: list[FloatArray] = field(default_factory=list)

    @property
    def feature(self) -> FloatArray:
        """The mean of the looks, of L2 norm 1."""
        mean = np.mean(self.looks, axis=0)
        scaled: FloatArray = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return scaled

    @property
    def points(self) -> FloatArray:
        """The corners of the box and the landmarks, if any: (2, 2) or (7, 2) float32."""
        corners = self.face.box.reshape(2, 2)
        if self.face.landmarks is None:
            return corners
        return np.concatenate([corners, self.face.landmarks])

    def place(self, points: FloatArray) -> None:
        """Puts the face where its `points` are now."""
        self.face = face_at(self.face, points)

    def smoothed(self, time_s: float) -> Face:
        """The face with its jitter taken out."""
        if self.filter is None:
            return self.face
        values = self.points.ravel()
        smooth = self.filter.smooth(values, time_s, size=self.face.width)
        return face_at(self.face, smooth.reshape(-1, 2))

    def note_shift(self, shift: FloatArray, passed_s: float) -> None:
        """Notes a movement for when the face is out of sight."""
        if passed_s > 0:
            self.speed = _SPEED_KEPT * self.speed + (1 - _SPEED_KEPT) * shift / passed_s

    def lose(self) -> None:
        """Forgets where the face is."""
        self.lost, self.adrift = True, False

    def wants_look(self, *, clear: bool) -> bool:
        """Whether a detection of this frame should be remembered by its embedding."""
        if clear != self.clear:
            return clear and self.hits >= LOOKS_AT[0]
        return len(self.looks) < len(LOOKS_AT) and self.hits >= LOOKS_AT[len(self.looks)]

    def learn(self, look: FloatArray, *, clear: bool) -> None:
        """Remembers a look; unclear ones only until there is a clear one."""
        if clear and not self.clear:
            self.clear = True
            self.looks.clear()
        self.looks.append(look)


def face_at(face: Face, points: FloatArray) -> Face:
    """A face whose box corners and landmarks are at (2, 2) or (7, 2) points."""
    landmarks = None if face.landmarks is None else points[2:]
    return replace(face, box=points[:2].reshape(4), landmarks=landmarks)
