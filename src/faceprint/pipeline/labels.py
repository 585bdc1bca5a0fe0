"""What is drawn for detected, identified and compared faces."""

from __future__ import annotations

from faceprint.media import COLOURS, Mark
from faceprint.pipeline.results import Detection, Identification, IdentifiedFace, NamedEmbedding
from faceprint.types import Decision, Threshold

__all__ = [
    "chance",
    "detection_marks",
    "identification_marks",
    "label_of",
    "limit_words",
    "name_label",
]


def chance(probability: float | None) -> str:
    """A probability as people say it, as in "97.3 %", "over 99.9 %"; empty where there is none.

    >>> chance(0.973), chance(0.99996), chance(2e-5), chance(0.0123)
    ('97.3 %', 'over 99.9 %', 'under 0.1 %', '1.2 %')
    """
    if probability is None:
        return ""
    if probability > 0.999:
        return "over 99.9 %"
    if probability < 0.001:
        return "under 0.1 %"
    digits = 0 if 0.1 <= probability < 0.95 else 1
    return f"{100 * probability:.{digits}f} %"


def limit_words(limit: Threshold) -> str:
    """What is to be said of a threshold that promises less than was asked for; empty if there is nothing."""
    if limit.supported:
        return ""
    promised = f"the calibration data promises no less than one false match in {1 / limit.fmr:,.0f}"
    if limit.estimated_fmr is None:
        return f"asked for {limit.asked_fmr:.2g}, but {promised}, which is used"
    if limit.estimated_fmr > limit.asked_fmr * (1 + 1e-9):
        return (
            f"asked for {limit.asked_fmr:.2g}; {limit.estimated_fmr:g}, the strictest that can be "
            f"estimated, is used; {promised}"
        )
    return f"an estimate for {limit.asked_fmr:.2g}; {promised}"


def label_of(face: IdentifiedFace) -> str:
    """The name, "Unknown", or the likeliest name with a question mark where the answer is unsure."""
    return name_label(face.who)


def name_label(who: NamedEmbedding, *, otherwise: str = "Unknown") -> str:
    """The name, or the likeliest name with a question mark, or what stands for the unknown."""
    if who.name is not None:
        return who.name
    if who.decision is Decision.UNSURE:
        return f"{who.candidates[0].name}?"
    return otherwise if who.decision is Decision.UNKNOWN else ""


def identification_marks(identification: Identification) -> list[Mark]:
    """An outline, landmarks and a label for each face."""
    return [
        Mark(
            box=item.face.box,
            landmarks=None,
            label=label_of(item),
            colour=COLOURS[item.decision or Decision.UNKNOWN],
        )
        for item in identification.faces
    ]


def detection_marks(detection: Detection) -> list[Mark]:
    """An outline, landmarks and the number of each face, counted from 0."""
    return [
        Mark(
            box=face.box,
            landmarks=face.landmarks,
            label=str(number) if len(detection.faces) > 1 else "",
            colour=COLOURS[Decision.MATCH],
        )
        for number, face in enumerate(detection.faces)
    ]
