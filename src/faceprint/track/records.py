"""What tracking takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from faceprint.types import Face, FloatArray

__all__ = ["Embed", "TrackedFace"]

Embed = Callable[[Sequence[int]], FloatArray]
"""From indices of the detected faces of a frame to their embeddings, (N, D) float32 of L2 norm 1.

Asked only where places alone do not tell which face is which, since embedding is the costly step.
"""


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """One face of one frame, with the track that it belongs to.

    Attributes:
        track_id: Counted from 1, never used twice.
        face: Where it is, smoothed; `score` is that of the last detection.
        detection: Index in the detected faces of this frame; None where the face was followed from the
            frames before without a detection.
        confirmed: Whether the track has been detected often enough to be believed.
    """

    track_id: int
    face: Face
    detection: int | None
    confirmed: bool
