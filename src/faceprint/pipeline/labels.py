"""What is drawn for detected, identified, compared and analysed faces, and said of them."""

from __future__ import annotations

from collections.abc import Mapping

from faceprint.media import COLOURS, Mark
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge
from faceprint.pipeline.results import Detection, Identification, IdentifiedFace, NamedEmbedding
from faceprint.types import Decision, Threshold

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
    "share_words",
]

APPEARANCE_NOTE = (
    "Estimates of how a face looks in this photo. They do not tell how old somebody is, who they are or how "
    "they feel, and they are wrong more often for some people than for others."
)
"""What goes with every estimate that people are shown."""

_FEELINGS = {"disgust": "disgusted", "fear": "afraid", "surprise": "surprised"}
"""How somebody looks, for names of emotions that do not say it."""


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
    """An outline for each face, and how it looks in a few words."""
    return [
        Mark(
            box=item.face.box,
            landmarks=None,
            label=_short(item),
            colour=COLOURS[Decision.MATCH],
        )
        for item in analysis.faces
    ]


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
