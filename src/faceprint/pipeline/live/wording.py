"""What is said of how a face of a live view looks: a title and a few words for each thing."""

from __future__ import annotations

from faceprint.pipeline.appearance import AnalysedFace, Pose
from faceprint.pipeline.labels import (
    age_words,
    emotion_words,
    gender_words,
    quality_words,
    share_words,
)

__all__ = ["head_words", "live_words"]

_STRAIGHT_DEG = 8.0
"""Smaller angles are within the error of the estimate."""


def live_words(looks: AnalysedFace) -> list[tuple[str, str]]:
    """Titles and words; what is not known is left out."""
    alive, likeliest = looks.liveness, next(iter(looks.emotion.items()), None)
    rows = [
        ("Head", head_words(looks.pose)),
        ("Quality", quality_words(looks.face.quality)),
        ("Liveness", "" if alive is None else f"{alive:.2f} (1: a person, 0: a picture of one)"),
        ("Age", age_words(looks.age)),
        ("Looks like", gender_words(looks.female_probability)),
        ("Expression", "" if likeliest is None else _feeling(*likeliest)),
    ]
    return [row for row in rows if row[1]]


def head_words(pose: Pose | None) -> str:
    """Where a head looks; empty where it is not known.

    Left and right are the person's own: a live view may be mirrored.

    >>> head_words(Pose(21.4, -9.8, 2)), head_words(Pose(-3, 2, -12)), head_words(Pose(0, 0, 0))
    ('turned 21° to their left, down 10°', 'tilted 12° to their right', 'straight into the camera')
    """
    if pose is None:
        return ""
    turns = (
        (pose.yaw, "turned {}° to their left", "turned {}° to their right"),
        (pose.pitch, "up {}°", "down {}°"),
        (pose.roll, "tilted {}° to their left", "tilted {}° to their right"),
    )
    said = [
        (more if angle > 0 else less).format(f"{abs(angle):.0f}")
        for angle, more, less in turns
        if abs(angle) >= _STRAIGHT_DEG
    ]
    return ", ".join(said) or "straight into the camera"


def _feeling(name: str, share: float) -> str:
    return f"{emotion_words(name)} {share_words(share)}"
