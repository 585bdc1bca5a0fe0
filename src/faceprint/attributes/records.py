"""What models that look at a face say of it besides whose it is, and their protocol.

An estimate is of how a face looks, not of who somebody is: people differ from how they look. Nothing here, or
anywhere in faceprint, estimates ethnicity.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from faceprint.types import FloatArray, Image

__all__ = ["AGE_BANDS", "AttributeEstimates", "AttributeModel", "age_band", "merged"]

AGE_BANDS = (0, 3, 10, 20, 30, 40, 50, 60, 70)
"""The youngest age of each band, years."""


@dataclass(frozen=True, slots=True, eq=False)
class AttributeEstimates:
    """Estimates for N faces; what a model does not estimate is None.

    Attributes:
        model_id: Card name, weight digest and revision; of several models with commas between them.
        age_years: (N,) float32, 0 and more.
        age_interval: (N, 2) float32, years: where the age lies with a probability of 80 % by the model's own
            account.
        female_probability: (N,) float32, 0 to 1: that the face looks like a woman's; for a man's it is one
            less that.
        emotion: (N, E) float32, 0 to 1, each row of sum 1: the probability that the face looks like each of
            `emotions`.
        emotions: What the columns of `emotion` are called; empty without them.
    """

    model_id: str
    age_years: FloatArray | None = None
    age_interval: FloatArray | None = None
    female_probability: FloatArray | None = None
    emotion: FloatArray | None = None
    emotions: tuple[str, ...] = ()


class AttributeModel(Protocol):
    """Estimates attributes of faces. Safe to call from several threads."""

    name: str
    model_id: str
    crop_size_px: int
    alignment: str

    def predict(self, crops: Image) -> AttributeEstimates:
        """Estimates for (N, S, S, 3) uint8 RGB crops, cut as `alignment` says."""
        ...


def merged(estimates: Sequence[AttributeEstimates]) -> AttributeEstimates:
    """One record of what several models say of the same N faces.

    Where several estimate the same attribute, the first of them counts: an age goes with the interval of the
    same model, and probabilities of different models are not mixed.

    Args:
        estimates: At least one, the best first.
    """
    age = next((one for one in estimates if one.age_years is not None), estimates[0])
    gender = next((one for one in estimates if one.female_probability is not None), estimates[0])
    emotion = next((one for one in estimates if one.emotion is not None), estimates[0])
    return AttributeEstimates(
        model_id=",".join(one.model_id for one in estimates),
        age_years=age.age_years,
        age_interval=age.age_interval,
        female_probability=gender.female_probability,
        emotion=emotion.emotion,
        emotions=emotion.emotions,
    )


def age_band(years: float) -> str:
    """The band that an age lies in, to the nearest year, in words.

    >>> age_band(2.4), age_band(39.6), age_band(88)
    ('0 to 2 years', '40 to 49 years', '70 years and more')
    """
    place = bisect(AGE_BANDS, max(round(years), 0)) - 1
    if place + 1 == len(AGE_BANDS):
        return f"{AGE_BANDS[place]} years and more"
    return f"{AGE_BANDS[place]} to {AGE_BANDS[place + 1] - 1} years"
