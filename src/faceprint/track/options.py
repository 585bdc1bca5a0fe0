"""When a face of one frame is a face of another."""

from __future__ import annotations

from dataclasses import dataclass, field

from faceprint.track.smoothing import SmoothingOptions

__all__ = ["TrackOptions"]


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """When a face is the same face.

    Attributes:
        sure_score: Detections below this are joined to tracks in the second round, and start none.
        least_place: Least likeness of places, 0 to 1, for a pair; see `place_likeness`.
        least_place_unsure: The same in the second round.
        same_score: Cosine similarity at which a lost face is found again wherever it is; three quarters
            of it will do where it was lost, or where it was covered for a while. Belongs to the
            embedder: its threshold at one false match in 10,000 is a good one.
        clear_score: A face is found again after a cut, or away from where it was lost, only by
            detections of at least this: blurred, dark and half hidden faces look alike to an embedder.
        confirm_hits: Detections after which a track is believed.
        follow_s: How long a face that is no longer detected may be followed, seconds.
        keep_s: How long a lost face is remembered, seconds.
        smoothing: Of boxes and landmarks; None for none.
    """

    sure_score: float = 0.7
    least_place: float = 0.4
    least_place_unsure: float = 0.5
    same_score: float = 0.4
    clear_score: float = 0.85
    confirm_hits: int = 2
    follow_s: float = 0.4
    keep_s: float = 5.0
    smoothing: SmoothingOptions | None = field(default_factory=SmoothingOptions)
