"""Where a face is hidden over the frames of a video: where it was found, between, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["FacePath", "Timing", "cover"]

_GAP_S: Final = 2.0
"""A face that is missed for no longer than this is hidden all the while."""

_BEFORE_AFTER_S: Final = 0.5
_GROWTH_PER_S: Final = 1.0
"""The longer a face has not been found, the less sure it is where: its box grows with time."""

_FLEETING_S: Final = 0.3
"""What was found but never followed is hidden for this long before and after."""

_SLACK_S: Final = 1e-3

_SPEED_S: Final = 0.2
"""A speed is measured over this long."""

_Place = tuple[int, FloatArray]


@dataclass(slots=True, eq=False)
class FacePath:
    """The boxes of one face over the frames of a video.

    Attributes:
        lasting: Whether the face was followed, not only found once.
        places: In which frames, counted from 0, rising.
        boxes: (4,) float32 pixels each.
    """

    lasting: bool = True
    places: list[int] = field(default_factory=list)
    boxes: list[FloatArray] = field(default_factory=list)

    def add(self, place: int, box: FloatArray) -> None:
        """Notes the face of one frame."""
        self.places.append(place)
        self.boxes.append(np.array(box, dtype=np.float32))


class Timing:
    """When frames are shown, and in which shot.

    Args:
        times_s: (N,) float, rising.
        cuts_s: (M,) float, the time of the first frame of each new shot.
    """

    def __init__(self, times_s: npt.NDArray[np.floating], cuts_s: npt.NDArray[np.floating]) -> None:
        self.times_s = times_s
        self._shots = np.searchsorted(np.sort(cuts_s), times_s, side="right")

    def one_shot(self, a: int, b: int) -> bool:
        """Whether two frames lie in one shot."""
        return bool(self._shots[a] == self._shots[b])

    def between_s(self, a: int, b: int) -> float:
        """Seconds from frame `a` to frame `b`."""
        return float(self.times_s[b] - self.times_s[a])


def cover(path: FacePath, hide: Sequence[bool], timing: Timing) -> Iterator[_Place]:
    """The boxes to hide, with the frames to hide them in.

    Args:
        path: Where the face was.
        hide: For each of its frames, whether the face is to be hidden there.
        timing: Of all frames of the video.
    """
    last = len(path.places) - 1
    for k, (place, box) in enumerate(zip(path.places, path.boxes, strict=True)):
        if hide[k]:
            yield place, box
        joined = k < last and _joined(path, k, timing)
        if joined and (hide[k] or hide[k + 1]):
            yield from _between(path, k, timing)
        if not joined and hide[k]:
            yield from _beyond(path, k, timing, step=1)
        if hide[k] and (k == 0 or not _joined(path, k - 1, timing)):
            yield from _beyond(path, k, timing, step=-1)


def _joined(path: FacePath, k: int, timing: Timing) -> bool:
    """Whether a face was there all the while from its k-th frame to the next."""
    a, b = path.places[k], path.places[k + 1]
    return timing.one_shot(a, b) and timing.between_s(a, b) <= _GAP_S + _SLACK_S


def _between(path: FacePath, k: int, timing: Timing) -> Iterator[_Place]:
    a, b = path.places[k], path.places[k + 1]
    whole_s = timing.between_s(a, b)
    for place in range(a + 1, b):
        share = timing.between_s(a, place) / whole_s
        box = (1 - share) * path.boxes[k] + share * path.boxes[k + 1]
        yield place, _grown(box, min(share, 1 - share) * whole_s)


def _beyond(path: FacePath, k: int, timing: Timing, *, step: int) -> Iterator[_Place]:
    """The frames after the k-th of the path, or before it, while the face may still be there."""
    limit_s = _BEFORE_AFTER_S if path.lasting else _FLEETING_S
    start = path.places[k]
    speed = _speed(path, k, timing, step=-step)
    place = start + step
    while 0 <= place < len(timing.times_s) and timing.one_shot(start, place):
        away_s = timing.between_s(start, place)
        if abs(away_s) > limit_s + _SLACK_S:
            return
        yield place, _grown(path.boxes[k] + np.tile(speed, 2) * away_s, abs(away_s))
        place += step


def _speed(path: FacePath, k: int, timing: Timing, *, step: int) -> FloatArray:
    """Pixels per second around the k-th frame of the path, looking into the path: (2,) float32."""
    other = k
    while 0 <= other + step < len(path.places):
        if not _joined(path, min(other, other + step), timing):
            break
        other += step
        if abs(timing.between_s(path.places[k], path.places[other])) >= _SPEED_S:
            break
    passed_s = timing.between_s(path.places[k], path.places[other])
    if passed_s == 0:
        return np.zeros(2, dtype=np.float32)
    moved = path.boxes[other].reshape(2, 2).mean(axis=0) - path.boxes[k].reshape(2, 2).mean(axis=0)
    speed: FloatArray = (moved / passed_s).astype(np.float32)
    return speed


def _grown(box: FloatArray, unseen_s: float) -> FloatArray:
    more = (box[2:] - box[:2]) * _GROWTH_PER_S * unseen_s / 2
    grown: FloatArray = np.concatenate([box[:2] - more, box[2:] + more]).astype(np.float32)
    return grown
