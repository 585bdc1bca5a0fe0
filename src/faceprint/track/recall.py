"""What places cannot tell: which face is which by its looks.

Embeddings are asked for where two faces compete for one place, where a face was out of sight or no
longer looks as it did, and for detections that may be somebody who was lost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceprint.track.association import Pairs, pair_by_likeness, place_likeness
from faceprint.track.options import TrackOptions
from faceprint.track.records import Embed
from faceprint.track.state import Track
from faceprint.types import Face, FloatArray

__all__ = ["Recall"]

_CLOSE = 0.15
"""Two pairings whose likeness of places differs by less than this are settled by embeddings."""

_CHANGED = 0.55
"""Correlation of a detection with how its track looked, below which its embedding is asked for."""

_NEAR = 0.25
"""Likeness of places, about a face width apart, at which a lost face is where it was lost."""

_LESS = 0.75
"""Share of `same_score` that will do where place says that it is the same face."""

Mask = npt.NDArray[np.bool_]


class Recall:
    """Tells faces apart in one frame, and asks for each embedding once.

    Args:
        faces: What was detected.
        patterns: (N, L) float32, how they look; see `patterns_of`.
        shot: Number of the shot.
        embed: Gives embeddings; None where none can be had.
        options: When a face is the same face.
    """

    def __init__(
        self,
        faces: Sequence[Face],
        patterns: FloatArray,
        *,
        shot: int,
        embed: Embed | None,
        options: TrackOptions,
    ) -> None:
        self._faces = faces
        self._patterns = patterns
        self._shot = shot
        self._embed = embed
        self._options = options
        self._known: dict[int, FloatArray] = {}

    def settle(
        self, likeness: FloatArray, tracks: Sequence[Track], some: Sequence[int], *, least: float
    ) -> FloatArray:
        """The likeness of places, with that of looks where places do not tell enough.

        Args:
            likeness: (T, N) float32.
            tracks: The T tracks.
            some: The N detections.
            least: Least likeness of places for a pair.
        """
        unsure = _contested(likeness, least) | (self._doubtful(tracks, some) & (likeness >= least))
        unsure &= np.array([bool(track.looks) for track in tracks])[:, None]
        columns = np.flatnonzero(unsure.any(axis=0)).tolist()
        embeddings = self._ask([some[column] for column in columns])
        if embeddings is None:
            return likeness
        settled = likeness.copy()
        for row in np.flatnonzero(unsure.any(axis=1)).tolist():
            scores = embeddings @ tracks[row].feature
            for column, score in zip(columns, scores.tolist(), strict=True):
                if unsure[row, column]:
                    same = score >= _LESS * self._options.same_score
                    settled[row, column] = likeness[row, column] + score if same else 0
        return settled

    def find_again(self, tracks: Sequence[Track], free: Sequence[int]) -> Pairs:
        """Tracks and detections that are one person: where they were lost, or clear enough anywhere.

        Args:
            tracks: What was not seen in this frame.
            free: Detections that belong to no track.

        Returns:
            Places in `tracks` and in `free`.
        """
        known = [row for row, track in enumerate(tracks) if track.looks]
        if not known or not free:
            return []
        lost = [tracks[row] for row in known]
        least = self._least_scores(lost, free)
        columns = np.flatnonzero(np.isfinite(least).any(axis=0)).tolist()
        embeddings = self._ask([free[column] for column in columns])
        if embeddings is None:
            return []
        scores = np.stack([track.feature for track in lost]) @ embeddings.T
        pairs = pair_by_likeness(scores, least=least[:, columns])
        return [(known[row], columns[column]) for row, column in pairs]

    def learn(self, tracks: Sequence[Track], detections: Sequence[int]) -> None:
        """Asks for what tracks are known by later; which detection each has is given."""
        due = [
            (track, k)
            for track, k in zip(tracks, detections, strict=True)
            if track.wants_look(clear=self._clear(k))
        ]
        embeddings = self._ask([k for _, k in due])
        if embeddings is not None:
            for (track, k), look in zip(due, embeddings, strict=True):
                track.learn(look, clear=self._clear(k))

    def match(self, lost: Sequence[Track], new: Sequence[Track]) -> Pairs:
        """Which new tracks are lost ones, by what both are known by."""
        if not lost or not new:
            return []
        looks = [np.stack([track.feature for track in tracks]) for tracks in (lost, new)]
        return pair_by_likeness(looks[0] @ looks[1].T, least=self._options.same_score)

    def _clear(self, k: int) -> bool:
        return self._faces[k].score >= self._options.clear_score

    def _doubtful(self, tracks: Sequence[Track], some: Sequence[int]) -> Mask:
        """Which detections may be somebody else although they are in the place of a track."""
        hidden = np.array([track.adrift or track.misses > 0 for track in tracks])
        patterns = np.stack([track.pattern for track in tracks])
        doubtful: Mask = hidden[:, None] | (patterns @ self._patterns[list(some)].T < _CHANGED)
        return doubtful

    def _least_scores(self, lost: Sequence[Track], free: Sequence[int]) -> FloatArray:
        """(T, N) float32, the score at which each would be each; infinite where it cannot be."""
        places = np.stack([track.face.box for track in lost])
        boxes = np.stack([self._faces[k].box for k in free])
        here = np.array([track.shot == self._shot for track in lost])[:, None]
        near = here & (place_likeness(places, boxes) >= _NEAR)
        clear = np.array([self._clear(k) for k in free])
        clear = np.array([track.clear for track in lost])[:, None] & clear
        least = np.where(near, _LESS, np.where(clear, 1, np.inf)) * self._options.same_score
        return least.astype(np.float32)

    def _ask(self, indices: Sequence[int]) -> FloatArray | None:
        """Embeddings of detections, (N, D) float32; None where none can be had."""
        if self._embed is None or not indices:
            return None
        new = [k for k in indices if k not in self._known]
        if new:
            self._known.update(zip(new, self._embed(new), strict=True))
        return np.stack([self._known[k] for k in indices])


def _contested(likeness: FloatArray, least: float) -> Mask:
    """Which pairs compete with another that is nearly as good, for the track or the detection."""
    possible = likeness >= least
    close = np.zeros_like(possible)
    for axis in (0, 1):
        best = likeness.max(axis=axis, keepdims=True)
        near = possible & (likeness >= best - _CLOSE)
        close |= near & (near.sum(axis=axis, keepdims=True) > 1)
    return close
