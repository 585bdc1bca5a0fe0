"""Estimates of how faces look, in an app that makes them."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.exceptions import HTTPException

from faceprint.pipeline.appearance import AnalysedFace
from faceprint.pipeline.labels import age_words, emotion_words, gender_words, share_words
from faceprint.web.state import WebState

__all__ = ["OFF", "AgeScale", "AppearanceView", "ShareView", "appearance_view", "check_on"]

OFF = (
    "Estimates of age, gender and emotion are off in this app. Whoever runs it can turn them on: "
    "FACEPRINT_WEB_ATTRIBUTES=1."
)
"""What to say where they are not made."""

_OLDEST_YEARS = 90.0
_LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class AgeScale:
    """An age on a line from 0 to 90 years; each value is percent of the line.

    Attributes:
        years: The estimate.
        low: Lower end of its interval.
        high: Upper end.
    """

    years: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ShareView:
    """One of several shares as templates show it.

    Attributes:
        name: Of what, as "happy".
        words: The share in words.
        percent: The share, 0 to 100.
        colour: What shows it on the photo, as "#ff8800"; empty for nothing.
    """

    name: str
    words: str
    percent: float
    colour: str = ""


@dataclass(frozen=True, slots=True)
class AppearanceView:
    """The estimates of one face as templates show them; empty for what no model estimates.

    Attributes:
        age: The age in words, with its interval.
        band: The band that it lies in.
        scale: The same, to draw; None where there is no interval.
        gender: The likelier one with its probability, in words.
        emotions: The likeliest first; those under 1 % are left out.
    """

    age: str
    band: str
    scale: AgeScale | None
    gender: str
    emotions: tuple[ShareView, ...]


def check_on(state: WebState) -> None:
    """Refuses estimates in an app that does not make them.

    Raises:
        HTTPException: 403.
    """
    if not state.options.attributes:
        raise HTTPException(403, OFF)


def appearance_view(face: AnalysedFace) -> AppearanceView:
    """The estimates of one face for templates."""
    age = face.age
    scale = None
    if age is not None and age.low is not None and age.high is not None:
        scale = AgeScale(*(_on_line(years) for years in (age.years, age.low, age.high)))
    return AppearanceView(
        age=age_words(age),
        band="" if age is None else age.band,
        scale=scale,
        gender=gender_words(face.female_probability),
        emotions=tuple(
            ShareView(emotion_words(name), share_words(share), 100 * share)
            for name, share in face.emotion.items()
            if share >= _LEAST_SHARE
        ),
    )


def _on_line(years: float) -> float:
    return 100 * min(years / _OLDEST_YEARS, 1.0)
