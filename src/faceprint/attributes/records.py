"""What models that look at a face say of it besides whose it is, and their protocol.

An estimate is of how a face looks, not of who somebody is: people differ from how they look. Nothing here, or
anywhere in faceprint, estimates ethnicity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from faceprint.types import FloatArray, Image

__all__ = ["AttributeEstimates", "AttributeModel"]


@dataclass(frozen=True, slots=True, eq=False)
class AttributeEstimates:
    """Estimates for N faces; what a model does not estimate is None.

    Attributes:
        model_id: Card name, weight digest and revision.
        age_years: (N,) float32, 0 and more.
        age_interval: (N, 2) float32, years: where the age lies with a probability of 80 % by the model's own
            account.
        female_probability: (N,) float32, 0 to 1: that the face looks like a woman's; for a man's it is one
            less that.
    """

    model_id: str
    age_years: FloatArray | None = None
    age_interval: FloatArray | None = None
    female_probability: FloatArray | None = None


class AttributeModel(Protocol):
    """Estimates attributes of faces. Safe to call from several threads."""

    name: str
    model_id: str
    crop_size_px: int
    alignment: str

    def predict(self, crops: Image) -> AttributeEstimates:
        """Estimates for (N, S, S, 3) uint8 RGB crops, cut as `alignment` says."""
        ...
