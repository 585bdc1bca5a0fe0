"""What is drawn for detected, identified, compared and analysed faces, and said of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from faceprint.media import COLOURS, Mark
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge, Pose
from faceprint.pipeline.results import Detection, Identification, IdentifiedFace, NamedEmbedding
from faceprint.quality import find_faults
from faceprint.types import Decision, Quality, Threshold

if TYPE_CHECKING:
    from faceprint.pipeline.segmenting import FaceParts

__all__ = [
    "APPEARANCE_NOTE",
    "age_words",
    "analysis_marks",
    "appearance_words",
    "chance",
    "detection_marks",
    "emotion_words",
    "gender_words",
    "identification_marks",
    "label_of",
    "limit_words",
    "name_label",
    "parts_words",
    "pose_words",
    "quality_words",
    "share_words",
]

APPEARANCE_NOTE = (
    "Estimates of how a face looks in this photo. They do not tell how old somebody is, who they are or how "
    "they feel, and they are wrong more often for some people than for others."
)
"""What goes with every estimate that people are shown."""

_FEELINGS = {"disgust": "disgusted", "fear": "afraid", "surprise": "surprised"}
"""How somebody looks, for names of emotions that do not say it."""

_STRAIGHT_DEG = 6.0
"""Smaller angles are within the error of the estimate."""

_TOLD_PARTS = frozenset({"skin", "hair", "hat", "glasses"})


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


def age_words(age: EstimatedAge | None) -> str:
    """An age as people say it; empty where there is none.

    >>> age_words(EstimatedAge(34.2, 26.8, 41.3, "30 to 39 years"))
    'about 34 years (27 to 41)'
    >>> age_words(EstimatedAge(0.3, 0.0, 1.4, "0 to 2 years"))
    'under 1 year (0 to 1)'
    """
    if age is None:
        return ""
    years = round(age.years)
    said = "under 1 year" if age.years < 1 else f"about {years} {'year' if years == 1 else 'years'}"
    if age.low is None or age.high is None:
        return said
    return f"{said} ({age.low:.0f} to {age.high:.0f})"


def gender_words(female_probability: float | None) -> str:
    """The likelier of the two with its probability; empty where there is none.

    >>> gender_words(0.97), gender_words(0.001)
    ('a woman 97 %', 'a man over 99 %')
    """
    if female_probability is None:
        return ""
    if female_probability >= 0.5:
        return f"a woman {share_words(female_probability)}"
    return f"a man {share_words(1 - female_probability)}"


def share_words(probability: float) -> str:
    """The probability of an estimate, no finer than such estimates are.

    >>> share_words(0.812), share_words(0.998), share_words(0.002)
    ('81 %', 'over 99 %', 'under 1 %')
    """
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def emotion_words(name: str) -> str:
    """How a face looks, from the name of an emotion.

    >>> emotion_words("happy"), emotion_words("surprise")
    ('happy', 'surprised')
    """
    return _FEELINGS.get(name, name)


def appearance_words(face: AnalysedFace) -> str:
    """How a face looks, in one line: "about 34 years (27 to 41), looks like a woman 97 %, happy 81 %"."""
    gender = gender_words(face.female_probability)
    parts = (age_words(face.age), gender and f"looks like {gender}", _likeliest(face.emotion))
    return ", ".join(part for part in parts if part)


def pose_words(pose: Pose | None) -> str:
    """Where a head looks, left and right being the person's own; empty where it is not known.

    >>> pose_words(Pose(24.6, -12, 3)), pose_words(Pose(-3, 2, -30)), pose_words(Pose(1, 0, 2))
    ('turned 25° to their left, down 12°', 'tilted 30° to their right', 'straight into the camera')
    """
    if pose is None:
        return ""
    said = []
    if abs(pose.yaw) >= _STRAIGHT_DEG:
        said.append(f"turned {abs(pose.yaw):.0f}° to their {_side(pose.yaw)}")
    if abs(pose.pitch) >= _STRAIGHT_DEG:
        said.append(f"{'up' if pose.pitch > 0 else 'down'} {abs(pose.pitch):.0f}°")
    if abs(pose.roll) >= _STRAIGHT_DEG:
        said.append(f"tilted {abs(pose.roll):.0f}° to their {_side(pose.roll)}")
    return ", ".join(said) or "straight into the camera"


def _side(angle: float) -> str:
    """The person's own side, of what turns or tilts towards the right of the image or not."""
    return "left" if angle > 0 else "right"


def quality_words(quality: Quality | None) -> str:
    """What is wrong with a face, if anything, and its score; empty where it was not measured.

    >>> quality_words(Quality(0.97, sharpness=1, size=1, frontality=1, confidence=1))
    'good (0.97)'
    >>> quality_words(Quality(0.5, sharpness=0.4, size=1, frontality=0.8, confidence=0.9))
    'blurred, turned away (0.50)'
    """
    if quality is None:
        return ""
    return f"{', '.join(find_faults(quality)) or 'good'} ({quality.score:.2f})"


def parts_words(parts: FaceParts | None) -> str:
    """The large parts of a head, and how much of the face is covered; empty where they are not known."""
    if parts is None:
        return ""
    named = sorted(_TOLD_PARTS & parts.areas.keys(), key=lambda name: -parts.areas[name])
    said = [f"{name} {share_words(parts.areas[name])}" for name in named]
    return ", ".join([*said, f"face covered {share_words(parts.occlusion)}"])


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


def analysis_marks(analysis: Analysis) -> list[Mark]:
    """An outline, landmarks and a label for each face: who it is or its number, and how it looks."""
    several = len(analysis.faces) > 1
    return [
        Mark(
            box=item.face.box,
            landmarks=item.face.landmarks,
            label=": ".join(
                part for part in (_heading(item, number, several), _short(item)) if part
            ),
            colour=COLOURS[_decision(item)],
        )
        for number, item in enumerate(analysis.faces)
    ]


def _heading(face: AnalysedFace, number: int, several: bool) -> str:
    if face.who is None:
        return str(number) if several else ""
    return name_label(face.who)


def _decision(face: AnalysedFace) -> Decision:
    """What the colour of a face stands for; that of a match where nobody was looked for."""
    return Decision.MATCH if face.who is None else face.who.decision or Decision.UNKNOWN


def _short(face: AnalysedFace) -> str:
    age = "" if face.age is None else f"{face.age.years:.0f}"
    if face.age is not None and face.age.low is not None and face.age.high is not None:
        age += f" ({face.age.low:.0f}-{face.age.high:.0f})"
    gender = gender_words(face.female_probability).removeprefix("a ")
    said = ", ".join(part for part in (age, gender, _likeliest(face.emotion)) if part)
    return said and f"looks {said}"


def _likeliest(emotion: Mapping[str, float]) -> str:
    return next(
        (f"{emotion_words(name)} {share_words(share)}" for name, share in emotion.items()), ""
    )


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
